"""Destinations that refuse, and runs that get into each other's way."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from dativo_protocol.testing import run

INTEGER = {"type": "integer"}


def as_nobody(command):
    """The command as a user whom permissions apply to: root may write to directories that are read-only."""
    if os.geteuid() != 0:
        return command
    user = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]


def critical(stderr):
    (line,) = [line for line in stderr.splitlines() if "CRITICAL" in line]
    assert "Traceback" not in stderr
    return line


@pytest.fixture
def public(tmp_path):
    """Lets any user come to this test's directory."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory.owner() == pwd.getpwuid(os.geteuid()).pw_name and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)
    return tmp_path


def test_a_read_only_destination_is_named(command, destination, public, schema_line, record, lines):
    destination.mkdir()
    destination.chmod(0o555)
    outcome = run(as_nobody(command()), stdin=lines(schema_line(id=INTEGER), record(id=1)))
    assert outcome.code == 1
    assert f"cannot write to {destination}: Permission denied. Check the path" in critical(outcome.stderr)


def test_a_stream_directory_that_is_read_only_is_named(
    command, destination, public, schema_line, record, lines
):
    (destination / "users").mkdir(parents=True)
    destination.chmod(0o777)
    (destination / "users").chmod(0o555)
    state = {"type": "STATE", "value": {"a": 1}}
    outcome = run(as_nobody(command()), stdin=lines(schema_line(id=INTEGER), record(id=1), state))
    assert outcome.code == 1
    assert outcome.stdout == b""
    assert "cannot publish files" in critical(outcome.stderr)
    assert "Permission denied" in critical(outcome.stderr)


@pytest.mark.parametrize("rows", [3_000, 40_000])
def test_a_full_disk_ends_the_run_and_leaves_nothing(command, destination, schema_line, lines, rows):
    """A limit on the size of files stands for the full disk: the kernel refuses to write on, or to finish."""
    body = b"".join(
        b'{"type":"RECORD","stream":"users","record":{"t":"%s"}}\n' % os.urandom(100).hex().encode()
        for _ in range(rows)
    )
    limited = ["bash", "-c", 'ulimit -f 200; exec "$@"', "--", *command(compression="none")]
    outcome = run(limited, stdin=lines(schema_line(t={"type": "string"}), body))
    assert outcome.code == 1
    assert "Parquet file: File too large" in critical(outcome.stderr)
    assert list(destination.rglob("*.parquet")) == []
    assert list((destination / ".dativo/runs").iterdir()) == []


def test_a_destination_that_vanishes_ends_the_run(begin, destination, schema_line, record, lines):
    with begin() as target:
        target.send(lines(schema_line(id=INTEGER), record(id=1)))
        target.wait_for(lambda _: destination.exists())
        while not list(destination.glob(".dativo/runs/*.lock")):
            pass
        shutil.rmtree(destination)
        outcome = target.finish()
    assert outcome.code == 1
    assert "No such file or directory" in critical(outcome.stderr)


def test_many_processes_append_to_one_stream_at_once(command, destination, schema_line, lines):
    """G10: no name is given twice, and no run removes or hides another's files."""
    limits = {"epoch_max_records": 100, "epoch_max_bytes": 0, "epoch_max_seconds": 0}
    processes = []
    for number in range(6):
        arguments = command(pipeline=f"tenant/{number}", **limits)
        body = b"".join(
            b'{"type":"RECORD","stream":"users","record":{"id":%d}}\n' % (number * 1000 + row)
            + (b'{"type":"STATE","value":{"n":%d}}\n' % row if row % 100 == 99 else b"")
            for row in range(1000)
        )
        file = destination.parent / f"{number}.singer"
        file.write_bytes(lines(schema_line(id=INTEGER), body))
        with file.open("rb") as source:
            processes.append(
                subprocess.Popen(arguments, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            )
    for process in processes:
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
    files = list((destination / "users").glob("*.parquet"))
    assert len(files) == 60
    found = sorted(value for file in files for value in pq.read_table(file).column("id").to_pylist())
    assert found == sorted(number * 1000 + row for number in range(6) for row in range(1000))
    assert list((destination / ".dativo/runs").iterdir()) == []


def test_a_file_that_is_no_parquet_is_named(load, destination, schema_line, record):
    (destination / "users").mkdir(parents=True)
    (destination / "users/x.parquet").write_bytes(b"not Parquet")
    outcome = load(schema_line(id=INTEGER), record(id=1))
    assert outcome.code == 1
    assert "users/x.parquet" in critical(outcome.stderr)


def test_the_end_of_a_good_run_has_no_word_of_failure(load, schema_line, record):
    """L5"""
    outcome = load(schema_line(id=INTEGER), record(id=1), {"type": "STATE", "value": {}})
    assert outcome.code == 0
    assert "published stream users: 1 files, 1 rows" in outcome.stderr
    for word in ("error", "exception", "critical"):
        assert word not in outcome.stderr.lower()
