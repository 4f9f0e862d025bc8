"""Foreign tools and a plain shell that finds them."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.interop.venvs import tool_bin
from tests.paths import BIN

Shell = Callable[..., subprocess.CompletedProcess[str]]
Config = Callable[..., str]

TIMEOUT_SECONDS = 300


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs a command line in bash in the test's directory; our executables and the tools are on PATH."""

    def run(command: str, *tools: str) -> subprocess.CompletedProcess[str]:
        path = [str(BIN), *(str(tool_bin(tool)) for tool in tools), os.environ["PATH"]]
        return subprocess.run(
            ("bash", "-o", "pipefail", "-c", command),
            cwd=tmp_path,
            env=os.environ | {"PATH": os.pathsep.join(path)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    return run


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Writes NAME.json with the settings and returns that name: command lines run in the same directory."""

    def write(name: str, **settings: Any) -> str:
        (tmp_path / f"{name}.json").write_text(json.dumps(settings))
        return f"{name}.json"

    return write
