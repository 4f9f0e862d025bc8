"""Readers in environments of their own, one process for all tests: JSON lines in, JSON lines out."""

import atexit
import json
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.interop.venvs import tool_bin
from tests.readers.errors import ReaderDiedError, ReaderError


def ask(tool: str, script: Path, arguments: Sequence[str], request: Mapping[str, object]) -> None:
    """Have a request answered by the script, which is started if it does not run yet.

    Raises:
        ReaderError: the reader refuses the table.
        ReaderDiedError: its process ended.
    """
    process = _started(tool, script, tuple(arguments))
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        _started.cache_clear()
        raise ReaderDiedError(f"{script.name} died with exit code {process.wait()}")
    if problem := json.loads(line):
        raise ReaderError(problem)


@cache
def _started(tool: str, script: Path, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
    """One for the whole session: the start of these readers costs seconds. It ends when its input does."""
    process = subprocess.Popen(
        (str(tool_bin(tool) / "python"), str(script), *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",  # chDB reads nothing outside its working directory
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
