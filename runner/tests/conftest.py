"""A directory with a registry of two real connectors, and the `dativo` command to run jobs in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

EXECUTABLES = Path(__file__).parent / "executables"
DATIVO = Path(sys.executable).parent / "dativo"
SECONDS = 60


@dataclass
class Project:
    """A directory in which jobs are written and run."""

    directory: Path
    environ: dict[str, str] = field(default_factory=dict)
    runs_as: tuple[str, ...] = ()
    """What stands before the command: what makes it somebody else's."""

    @property
    def registry(self) -> Path:
        return self.directory / "registry.yaml"

    @property
    def loaded(self) -> Path:
        return self.directory / "loaded"

    @staticmethod
    def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s")
            time.sleep(0.01)

    @staticmethod
    def is_alive(pid: int) -> bool:
        """Whether a process runs; one that has ended but is not reaped yet does not."""
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return status.rsplit(")", 1)[1].split()[0] not in ("Z", "X")

    @property
    def private_files(self) -> list[Path]:
        """What runs have in the temporary directory."""
        return list(Path(self.environ["TMPDIR"]).iterdir())

    def job(self, steps: list[dict[str, Any]], *, name: str = "users", **changes: Any) -> Path:
        """Writes a job of tap-steps and target-lines; `source`, `target` and others replace parts of it."""
        job = {
            "name": name,
            "source": {"connector": "tap-steps", "config": {"steps": steps}},
            "target": {"connector": "target-lines", "config": {"path": "loaded"}},
            "retries": {"attempts": 1},
        }
        for key, value in changes.items():
            job[key] = {**job[key], **value} if isinstance(value, dict) and key in job else value
        path = self.directory / f"{name}.yaml"
        path.write_text(yaml.safe_dump(job, sort_keys=False))
        return path

    def start(self, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
        """Starts `dativo` in a process group of its own, as a shell does."""
        environ = {**os.environ, "DATIVO_REGISTRY": str(self.registry), **self.environ}
        environ.pop("PYTHONUNBUFFERED", None)  # hides what happens to buffers at exit
        return subprocess.Popen(
            [*self.runs_as, DATIVO, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=options.pop("stderr", subprocess.PIPE),
            env=environ,
            text=True,
            process_group=0,
            **options,
        )

    def dativo(self, *arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **options)
        try:
            stdout, stderr = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def records(self, stream: str = "users") -> list[int]:
        """Ids of the records that the target has made visible."""
        path = self.loaded / f"{stream}.jsonl"
        return [json.loads(line)["id"] for line in path.read_text().splitlines()] if path.exists() else []

    def state(self, name: str = "users") -> Any:
        """The stored state document of `[TENANT/]JOB`, None if there is none."""
        tenant, _, job = name.rpartition("/")
        path = self.directory / ".dativo/tenants" / (tenant or "_") / "state" / job / "state.json"
        return json.loads(path.read_text())["state"] if path.exists() else None


def _plain(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "distribution": name,
        "version": "0.0.1",
        "executable": str(EXECUTABLES / f"{name.replace('-', '_')}.py"),
        "description": "For tests",
        "maturity": "alpha",
    }


REGISTRY = {
    "version": 1,
    "connectors": [
        {
            "name": "tap-steps",
            "kind": "tap",
            "distribution": "tap-steps",
            "version": "1.2.3",
            "executable": str(EXECUTABLES / "tap_steps.py"),
            "description": "Does what its configuration says",
            "maturity": "stable",
            "capabilities": ["about", "catalog", "discover", "state", "test"],
            "secret_settings": ["api_key"],
        },
        {
            "name": "target-lines",
            "kind": "target",
            "distribution": "target-lines",
            "version": "0.0.9",
            "executable": str(EXECUTABLES / "target_lines.py"),
            "description": "Appends lines",
            "maturity": "alpha",
            "capabilities": ["about"],
        },
        _plain("tap-hog", "tap"),
        _plain("mapper-lines", "mapper"),
    ],
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "registry.yaml").write_text(yaml.safe_dump(REGISTRY, sort_keys=False))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    return Project(directory, {"TMPDIR": str(temporary), "XDG_RUNTIME_DIR": ""})
