"""The private directory of a run: who may read it, and that it does not stay."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dativo.isolation.measure import disk_usage
from dativo.run.workspace import private_workspace, scratch_directory


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_files_are_for_the_owner_alone(temporary):
    with private_workspace() as workspace:
        path = workspace.write_json("config.json", {"key": "ü"})
        assert path.read_text() == '{"key": "ü"}'
        assert path.stat().st_mode & 0o777 == 0o600
        assert workspace.directory.stat().st_mode & 0o777 == 0o700
        assert workspace.directory.parent == temporary


def test_an_open_umask_changes_nothing():
    before = os.umask(0)
    try:
        with private_workspace() as workspace:
            assert workspace.write_text("a", "b").stat().st_mode & 0o777 == 0o600
            assert workspace.directory.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_nothing_stays_after_an_error(temporary):
    def fail():
        with private_workspace() as workspace:
            workspace.write_text("secret", "x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(temporary.iterdir()) == []


def test_a_second_file_of_a_name_leaves_the_first_to_those_who_have_it_open():
    with private_workspace() as workspace, workspace.write_text("a", "1").open() as first:
        assert workspace.write_text("a", "2").read_text() == "2"
        assert first.read() == "1"


def test_what_lies_in_the_way_is_not_followed(tmp_path):
    with private_workspace() as workspace:
        (workspace.directory / "a").symlink_to(tmp_path / "elsewhere")
        workspace.write_text("a", "1")
        assert not (tmp_path / "elsewhere").exists()


def test_who_tidies_up_never_meets_a_workspace_that_is_being_made(temporary, monkeypatch):
    really = fcntl.flock

    def meanwhile(lock, how):
        monkeypatch.setattr(fcntl, "flock", really)
        with private_workspace():
            pass
        really(lock, how)

    monkeypatch.setattr(fcntl, "flock", meanwhile)
    with private_workspace() as workspace:
        assert workspace.write_text("a", "1").read_text() == "1"
        # By now it is one like any other: held, so that nobody removes it.
        with private_workspace():
            assert workspace.directory.is_dir()
    assert list(temporary.iterdir()) == []


def test_scratch_is_gone_however_deep_a_connector_has_nested_directories(tmp_path):
    with scratch_directory(tmp_path / "job") as scratch:
        here = os.open(scratch, os.O_RDONLY)
        for _ in range(2000):
            os.mkdir("a", dir_fd=here)
            here, above = os.open("a", os.O_RDONLY, dir_fd=here), here
            os.close(above)
        os.close(here)
        assert disk_usage(scratch) >= 0
    assert not (tmp_path / "job").exists()


def test_scratch_is_empty_at_first_and_gone_at_last(tmp_path):
    (tmp_path / "job").mkdir()
    (tmp_path / "job/left-by-a-killed-run").touch()
    with scratch_directory(tmp_path / "job") as scratch:
        assert list(scratch.iterdir()) == []
        (scratch / "file").touch()
    assert not (tmp_path / "job").exists()


def test_without_a_runtime_directory_the_temporary_one_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with private_workspace() as workspace:
        assert workspace.directory.parent == tmp_path


HOLDER = """
import sys
from dativo.isolation.measure import disk_usage
from dativo.run.workspace import private_workspace
with private_workspace() as workspace:
    workspace.write_text("secret", "x")
    print(workspace.directory, flush=True)
    sys.stdin.read()
"""


def start_holder():
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return holder, Path(holder.stdout.readline().strip())


def test_what_a_killed_run_left_is_removed_by_the_next_and_a_living_one_is_not(temporary):
    killed, left = start_holder()
    living, kept = start_holder()
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert left.exists()
        with private_workspace():
            assert not left.exists()
            assert (kept / "secret").exists()
    finally:
        for holder in (killed, living):
            holder.stdin.close()
            holder.stdout.close()
            holder.wait()
    assert list(temporary.iterdir()) == []


def test_directories_of_others_by_that_name_are_left_alone(temporary):
    strange = temporary / "dativo-run-strange"
    strange.mkdir()
    (strange / "data").write_text("x")
    with private_workspace():
        pass
    assert (strange / "data").exists()
