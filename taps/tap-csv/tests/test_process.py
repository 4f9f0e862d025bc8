"""The process: its memory, its ending, its start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.testing import peak_memory

if TYPE_CHECKING:
    from conftest import Workbench

ROW = '{n},{n}.25,2024-05-01T10:00:00Z,some text that is the same in every row,"with, commas"\n'


EXECUTABLE = Path(sys.executable).parent / "tap-csv"


def write_rows(path: Path, rows: int) -> Path:
    with path.open("w") as out:
        out.write("id,amount,at,text,quoted\n")
        for start in range(0, rows, 10_000):
            out.writelines(ROW.format(n=n) for n in range(start, min(start + 10_000, rows)))
    return path


@pytest.mark.parametrize("format_", ["", "jsonl", "parquet", "arrow"])
def test_memory_stays_flat_over_millions_of_rows(bench: Workbench, format_: str) -> None:
    """Of messages and of batches alike. What the 2.5 million rows more take in Arrow is 250 MB; the peak of
    one and the same run differs by 60 MB, as the allocator gives memory back sooner or later."""
    if format_:
        bench.settings["batch_config"] = {"encoding": {"format": format_}, "storage": {"root": "spool"}}
    write_rows(bench.directory / "small.csv", 500_000)  # enough for Arrow to read as far ahead as it does
    write_rows(bench.directory / "large.csv", 3_000_000)
    small = peak_memory(bench.command(path="small.csv"), directory=bench.directory)
    large = peak_memory(bench.command(path="large.csv"), directory=bench.directory)
    assert large < small + 110
    assert large < 320


def test_when_nobody_reads_on_it_ends_at_once_and_quietly(bench: Workbench) -> None:
    write_rows(bench.directory / "rows.csv", 200_000)
    with bench.start() as running:
        running.read_until(b'"RECORD"')
        running.stop_reading()
        assert running.wait(30) == 3
        assert "Traceback" not in running.stderr()
        assert "CRITICAL" not in running.stderr()


@pytest.mark.parametrize("raw", [{}, {"skipinitialspace": True}])
def test_a_signal_ends_it_with_its_code_and_no_torn_line(bench: Workbench, raw: dict[str, Any]) -> None:
    write_rows(bench.directory / "rows.csv", 200_000)
    with bench.start(**raw) as running:
        running.read_until(b'"RECORD"')
        running.signal(signal.SIGTERM)
        outcome = running.finish(30)
    assert outcome.code == 143
    assert 0 < len(outcome.messages("RECORD")) < 200_000
    assert "stopped by SIGTERM" in outcome.stderr


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n" + "1,2\n" * 200_000 + "3\n" + "1,2\n" * 2_000_000,
        "a,b\n" + "1,2\n" * 200_000 + "3," + "x" * 5_000_000 + "\n" + "1,2\n" * 2_000_000,
        "a,b\n" + "1,2\n" * 200_000 + '3,"' + "1,2\n" * 2_000_000,
    ],
    ids=["ragged", "too-long", "never-closed"],
)
def test_an_error_in_the_middle_of_a_large_file_ends_it(bench: Workbench, content: str) -> None:
    """Arrow reads ahead in a thread of its own, and must be led to an end."""
    bench.write(content)
    for _ in range(3):
        assert bench.failure().startswith("rows.csv:200002: ")


def test_the_version_is_there_at_once() -> None:
    fastest = min(_processor_seconds([str(EXECUTABLE), "--version"]) for _ in range(5))
    assert fastest < 0.4


def _processor_seconds(command: list[str]) -> float:
    """Run a command; return the time it computed, which other processes do not lengthen."""
    with open(os.devnull, "wb") as devnull:  # noqa: PTH123
        process = subprocess.Popen(command, stdout=devnull)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return usage.ru_utime + usage.ru_stime


def test_starting_imports_no_heavy_library() -> None:
    code = (
        "import sys, tap_csv.__main__; "
        "print(sorted({'pyarrow', 'jsonschema', 'yaml', 'dativo_native'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_about_names_settings_and_capabilities() -> None:
    done = subprocess.run([EXECUTABLE, "--about", "--format", "json"], check=True, capture_output=True)
    about = json.loads(done.stdout)
    assert about["name"] == "tap-csv"
    assert {"catalog", "discover", "state"} <= set(about["capabilities"])
    assert "files" in about["settings"]["properties"]
