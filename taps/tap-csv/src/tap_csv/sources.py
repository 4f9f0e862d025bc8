"""Which files a path leads to: itself, those of a directory, those of a glob, those inside zip archives."""

from __future__ import annotations

import glob
import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tap_csv.errors import NoFilesError, UnreadableFileError

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable, Iterator, Sequence

    from tap_csv.settings import CompressionName

Compression = Literal["none", "gzip", "bz2", "xz", "zstd", "zip"]

_BY_SUFFIX: dict[str, Compression] = {
    ".gz": "gzip",
    ".bz2": "bz2",
    ".xz": "xz",
    ".zst": "zstd",
    ".zip": "zip",
}
_CSV_NAME = re.compile(r"\.csv(\.(gz|bz2|xz|zst|zip))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A CSV file as it was when it was listed.

    Attributes:
        path: of the file, or of the archive that it is in.
        member: name inside the zip archive, None outside one.
        mtime_ns: modification time of `path`, nanoseconds since 1970.
        size: of `path`, bytes on disk.
    """

    path: str
    compression: Compression
    mtime_ns: int
    size: int
    member: str | None = None

    @property
    def name(self) -> str:
        """How records, bookmarks and messages call it."""
        return self.path if self.member is None else f"{self.path}/{self.member}"

    @property
    def modified_at(self) -> datetime:
        """The modification time, to the microsecond below."""
        seconds, rest = divmod(self.mtime_ns, 1_000_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)

    def has_changed(self) -> bool:
        """Whether the file is no longer as it was listed."""
        try:
            status = Path(self.path).stat()
        except OSError:
            return True
        return (status.st_mtime_ns, status.st_size) != (self.mtime_ns, self.size)


def list_files(path: str, compression: CompressionName = "auto") -> tuple[SourceFile, ...]:
    """List the files a path leads to, in the order of their names.

    Raises:
        NoFilesError: there is none.
        UnreadableFileError: the path is not a file or directory, or an archive cannot be opened.
    """
    found = [file for name in _paths(path) for file in _describe(name, compression)]
    if not found:
        raise NoFilesError("no CSV file inside", file=path)
    return tuple(sorted(found, key=lambda file: file.name))


def _paths(path: str) -> Iterable[str]:
    expanded = os.path.expanduser(path)  # noqa: PTH111 -- Path would rewrite ./a and a//b: records carry the path
    if Path(expanded).is_dir():
        found = sorted(_walk(expanded))
        if not found:
            raise NoFilesError("the directory holds no .csv file, compressed or not", file=path)
        return found
    if Path(expanded).exists():
        return [expanded]
    if not glob.has_magic(expanded):
        raise NoFilesError("no such file or directory", file=path)
    matching = {name for name in glob.glob(expanded, recursive=True) if not Path(name).is_dir()}  # noqa: PTH207
    if not matching:
        raise NoFilesError("no file matches", file=path)
    return matching


def _walk(directory: str) -> Iterator[str]:
    """Find the CSV files of a directory tree; hidden ones belong to programs, not to the data."""
    for parent, directories, names in os.walk(directory, onerror=_refuse):
        directories[:] = [name for name in directories if not name.startswith(".")]
        for name in names:
            if _CSV_NAME.search(name) and not name.startswith("."):
                yield str(Path(parent, name))


def _refuse(error: OSError) -> None:
    raise UnreadableFileError(error.strerror or str(error), file=str(error.filename)) from error


def _describe(path: str, compression: CompressionName) -> Sequence[SourceFile]:
    try:
        status = Path(path).stat()
    except OSError as error:
        raise UnreadableFileError(error.strerror or str(error), file=path) from error
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError("not a regular file", file=path)
    actual = _BY_SUFFIX.get(Path(path).suffix.lower(), "none") if compression == "auto" else compression
    file = SourceFile(path, actual, status.st_mtime_ns, status.st_size)
    return _members(file) if actual == "zip" else [file]


def _members(archive: SourceFile) -> Sequence[SourceFile]:
    import zipfile

    try:
        with zipfile.ZipFile(archive.path) as opened:
            entries = [entry for entry in opened.infolist() if _is_data(entry)]
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableFileError(f"not a readable zip archive: {error}", file=archive.path) from error
    named_csv = [entry for entry in entries if entry.filename.lower().endswith(".csv")]
    return [
        SourceFile(archive.path, "zip", archive.mtime_ns, archive.size, entry.filename)
        for entry in named_csv or entries
    ]


def _is_data(entry: zipfile.ZipInfo) -> bool:
    return not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
