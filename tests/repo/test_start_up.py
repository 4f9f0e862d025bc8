"""A command that only says its version starts at once: it pays for no heavy library; nor does a run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import BIN
from tests.repo.rooms import rooms

EXECUTABLES = sorted(script for room in rooms() for script in room.scripts)
HEAVY = {"pyarrow", "pyiceberg", "sqlalchemy", "jsonschema", "yaml", "numpy", "dativo_native"}
HEAVY |= {"psycopg", "paramiko", "cryptography"}
CPU_SECONDS = 0.3
NOT_FOR_A_RUN = {"jsonschema", "rich", "tenacity", "prometheus_client", "opentelemetry", "urllib.request"}
RUN_CPU_SECONDS = 0.6
"""0.2 on a machine that does nothing else."""

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


def test_a_run_costs_the_runner_little(tmp_path: Path) -> None:
    """What is left of a run's time is the connectors': it imports few things, and nothing is asked twice."""
    job = _small_job(tmp_path)
    command = (sys.executable, "-X", "importtime", "-m", "dativo", "run", job)
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in said.stderr.splitlines()}
    assert "dativo.run.loop" in imported
    assert {name for name in imported if name in NOT_FOR_A_RUN} == set()
    for _ in range(3):
        subprocess.run((str(BIN / "dativo"), "run", job), cwd=tmp_path, check=True, capture_output=True)
    reports = [json.loads(path.read_text()) for path in tmp_path.rglob("report.json")]
    assert min(report["runner_cpu_seconds"] for report in reports) <= RUN_CPU_SECONDS
    assert {report["outcome"] for report in reports} == {"succeeded"}
    assert not list(tmp_path.rglob("cache/about/*.json"))
    for report in reports:
        assert 0 < report["first_record_seconds"] < report["seconds"] + 5


def _small_job(directory: Path) -> str:
    (directory / "dativo.yaml").write_text("version: 1\n")
    (directory / "users.csv").write_text("id,name\n1,a\n2,b\n")
    source = {"connector": "tap-csv", "config": {"files": [{"entity": "users", "path": "users.csv"}]}}
    target = {"connector": "target-parquet", "config": {"destination_path": "lake"}}
    job = directory / "users.yaml"
    job.write_text(json.dumps({"name": "users", "source": source, "target": target}))
    return str(job)
