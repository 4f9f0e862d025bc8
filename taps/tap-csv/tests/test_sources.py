"""Which files a path leads to."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tap_csv.errors import NoFilesError, UnreadableFileError
from tap_csv.sources import list_files

if TYPE_CHECKING:
    from pathlib import Path


def touch(directory: Path, *names: str) -> None:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a\n1\n")


def names(directory: Path, path: str = "") -> list[str]:
    return [os.path.relpath(file.name, directory) for file in list_files(str(directory / path))]


def test_a_directory_gives_its_csv_files_sorted_and_those_below(tmp_path: Path) -> None:
    touch(tmp_path, "b.csv", "a.CSV", "sub/c.csv.gz", "notes.txt", ".hidden.csv", ".git/d.csv", "e.csv.zst")
    assert names(tmp_path) == ["a.CSV", "b.csv", "e.csv.zst", "sub/c.csv.gz"]


def test_a_glob_takes_any_name_and_no_directories(tmp_path: Path) -> None:
    touch(tmp_path, "2.txt", "1.txt", "d.txt/inside.csv", "sub/3.txt")
    assert names(tmp_path, "*.txt") == ["1.txt", "2.txt"]
    assert names(tmp_path, "**/[13].txt") == ["1.txt", "sub/3.txt"]
    assert names(tmp_path, "**/**/3.txt") == ["sub/3.txt"]


def test_a_file_with_glob_characters_in_its_name_is_itself(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].csv", "a1.csv")
    assert names(tmp_path, "a[1].csv") == ["a[1].csv"]


def test_the_path_is_kept_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "x/a.csv")
    monkeypatch.chdir(tmp_path)
    assert [file.name for file in list_files("./x/a.csv")] == ["./x/a.csv"]


@pytest.mark.parametrize(
    ("name", "compression"),
    [("a.csv", "none"), ("a.csv.gz", "gzip"), ("a.BZ2", "bz2"), ("a.xz", "xz"), ("a.csv.zst", "zstd")],
)
def test_compression_goes_by_the_name(tmp_path: Path, name: str, compression: str) -> None:
    touch(tmp_path, name)
    (file,) = list_files(str(tmp_path / name))
    assert file.compression == compression
    (file,) = list_files(str(tmp_path / name), "none")
    assert file.compression == "none"


def test_an_archive_gives_its_csv_members_and_leaves_out_what_systems_add(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("z.csv", "d/b.csv", "read.me", "__MACOSX/._z.csv"):
            archive.writestr(name, "a\n1\n")
    found = list_files(str(tmp_path / "a.zip"))
    assert [file.member for file in found] == ["d/b.csv", "z.csv"]
    assert found[0].name == f"{tmp_path}/a.zip/d/b.csv"


def test_an_archive_without_csv_names_gives_all_its_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("data", "a\n1\n")
    assert [file.member for file in list_files(str(tmp_path / "a.zip"))] == ["data"]


def test_time_and_size_are_those_of_the_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.csv")
    os.utime(tmp_path / "a.csv", ns=(0, 1_700_000_000_123_456_789))
    (file,) = list_files(str(tmp_path / "a.csv"))
    assert (file.mtime_ns, file.size) == (1_700_000_000_123_456_789, 4)
    assert file.modified_at == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert not file.has_changed()
    (tmp_path / "a.csv").write_text("a\n1\n2\n")
    assert file.has_changed()


@pytest.mark.parametrize(
    ("path", "reason"), [("a.csv", "no such file"), ("*.csv", "no file matches"), (".", "holds no .csv file")]
)
def test_a_path_that_leads_nowhere_is_named(tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(NoFilesError, match=reason) as caught:
        list_files(str(tmp_path / path))
    assert str(tmp_path) in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        list_files(str(tmp_path / "pipe.csv"))


def test_a_link_that_leads_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(UnreadableFileError, match="No such file"):
        list_files(str(tmp_path / "*.csv"))


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.zip")
    with pytest.raises(UnreadableFileError, match=r"a\.zip: not a readable zip archive"):
        list_files(str(tmp_path / "a.zip"))
