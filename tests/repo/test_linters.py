"""What `make lint` runs finds nothing; the commands are read from the Makefile, their one place."""

import re
import subprocess

import pytest

from tests.paths import ROOT

RECIPE = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
COMMANDS = [line.strip() for line in RECIPE.group(1).splitlines()] if RECIPE else []
SHOWN_CHARACTERS = 4_000


@pytest.mark.parametrize(
    "tool", ["ruff format --check", "ruff check", "mypy", "cargo fmt --check", "cargo clippy"]
)
def test_lint_runs_every_tool(tool: str) -> None:
    assert any(tool in command for command in COMMANDS)


def test_mypy_is_strict_and_sees_every_package() -> None:
    [mypy] = [command for command in COMMANDS if "mypy" in command]
    assert all(
        source in mypy
        for source in ("native/python", "protocol/src", "runner/src", "taps/*/src", "targets/*/src")
    )
    assert "[tool.mypy]\nstrict = true" in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_it_finds_nothing(command: str) -> None:
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{command}\n{(done.stdout + done.stderr)[:SHOWN_CHARACTERS]}", pytrace=False)
