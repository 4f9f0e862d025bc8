"""A command that only says its version starts at once: it pays for no heavy library."""

import os
import subprocess
import sys

import pytest

from tests.paths import BIN
from tests.repo.rooms import rooms

EXECUTABLES = sorted(script for room in rooms() for script in room.scripts)
HEAVY = {"pyarrow", "pyiceberg", "sqlalchemy", "jsonschema", "yaml", "numpy", "dativo_native"}
HEAVY |= {"psycopg", "paramiko", "cryptography"}
CPU_SECONDS = 0.3

every_executable = pytest.mark.parametrize("name", EXECUTABLES)


@every_executable
def test_version_imports_no_heavy_library(name: str) -> None:
    command = (sys.executable, "-X", "importtime", str(BIN / name), "--version")
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.stderr.splitlines()}
    assert "click" in imported
    assert imported & HEAVY == set()


@every_executable
def test_version_takes_no_time(name: str) -> None:
    """CPU time, the best of five: a busy machine slows the clock on the wall, not this one."""
    assert min(cpu_seconds(name) for _ in range(5)) <= CPU_SECONDS


def cpu_seconds(name: str) -> float:
    with subprocess.Popen((str(BIN / name), "--version"), stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime
