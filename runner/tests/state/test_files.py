"""Files that are whole or not there."""

from __future__ import annotations

import os

import pytest
from dativo.state.files import remove_file, replace_file, sync_directory


def test_a_file_is_put_in_place_with_its_directories(tmp_path):
    path = tmp_path / "a" / "b" / "state.json"
    replace_file(path, b"one")
    assert path.read_bytes() == b"one"
    assert [each.stat().st_mode & 0o777 for each in (tmp_path / "a", path.parent, path)] == [
        0o700,
        0o700,
        0o600,
    ]


def test_the_new_one_takes_the_place_of_the_old_which_a_reader_keeps(tmp_path):
    path = tmp_path / "state.json"
    replace_file(path, b"older and longer")
    with path.open("rb") as reader:
        replace_file(path, b"newer")
        assert reader.read() == b"older and longer"
    assert path.read_bytes() == b"newer"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_was_open_to_all_is_private_afterwards(tmp_path):
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    path.chmod(0o644)
    replace_file(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_process_of_the_same_number_left_is_no_hindrance(tmp_path):
    path = tmp_path / "state.json"
    (tmp_path / f".state.json.{os.getpid()}").write_bytes(b"half")
    replace_file(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_planted_link_is_not_written_through(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"kept")
    path = tmp_path / "state.json"
    (tmp_path / f".state.json.{os.getpid()}").symlink_to(other)
    path.symlink_to(other)
    replace_file(path, b"new")
    assert other.read_bytes() == b"kept"
    assert path.read_bytes() == b"new"
    assert not path.is_symlink()


def test_one_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path):
    path = tmp_path / "state.json"
    (path / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        replace_file(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert (path / "in the way").is_dir()


@pytest.mark.parametrize("content", ["text", None])
def test_what_is_no_content_leaves_the_old_one(tmp_path, content):
    path = tmp_path / "state.json"
    replace_file(path, b"old")
    with pytest.raises(TypeError):
        replace_file(path, content)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_and_directory_are_synced_around_the_rename(tmp_path, monkeypatch):
    path, done = tmp_path / "state.json", []
    monkeypatch.setattr(os, "fsync", lambda fd: done.append((os.fstat(fd), path.exists())))
    replace_file(path, b"new")
    assert [(each.st_ino, there) for each, there in done] == [
        (path.stat().st_ino, False),
        (tmp_path.stat().st_ino, True),
    ]
    assert done[0][0].st_size == 3


def test_removing_is_for_good_and_may_be_done_twice(tmp_path, monkeypatch):
    path, done = tmp_path / "state.json", []
    path.touch()
    monkeypatch.setattr(os, "fsync", lambda fd: done.append((os.fstat(fd).st_ino, path.exists())))
    remove_file(path)
    remove_file(path)
    assert not path.exists()
    assert done == [(tmp_path.stat().st_ino, False)]


def test_removing_a_directory_is_refused(tmp_path):
    with pytest.raises(OSError, match="directory"):
        remove_file(tmp_path)


def test_syncing_leaves_nothing_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        sync_directory(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_directory(tmp_path / "none")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
