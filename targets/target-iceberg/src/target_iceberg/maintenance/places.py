"""Where files are, in a form that can be compared: one file has several locations, `file:///a` and `/a`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_iceberg.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyarrow import fs
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table

_S3 = {"s3", "s3a", "s3n"}


def place_of(location: str) -> str:
    """`bucket/key` in S3, the path on this machine; locations decode no `%`."""
    if location.startswith("file:"):
        location = location.removeprefix("file:")
        return "/" + location.lstrip("/")
    scheme, separator, rest = location.partition("://")
    if not separator:
        return location
    return rest if scheme in _S3 else location


def directories_of(table: Table) -> list[str]:
    """The locations below which all files are the table's own; a path set by a property may be shared."""
    provider = table.location_provider()
    home = place_of(table.location()).rstrip("/") + "/"
    return sorted(
        {each for each in (provider.data_path, provider.metadata_path) if place_of(each).startswith(home)}
    )


def files_below(io: FileIO, directory: str) -> Iterator[fs.FileInfo]:
    """Everything below a directory, with size and time of last change; nothing if there is none.

    Raises:
        StoreError: it cannot be listed.
    """
    from pyarrow import fs

    system, path = _file_system(io, directory)
    try:
        found = system.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=True))
    except OSError as error:
        raise StoreError(f"cannot list {directory}: {error}") from error
    return (each for each in found if each.type == fs.FileType.File)


def location_like(place: str, directory: str) -> str:
    """The location of a file that was found below a directory, written as the directory is."""
    scheme, separator, _ = directory.partition("://")
    return f"{scheme}://{place}" if separator else place


def _file_system(io: FileIO, directory: str) -> tuple[fs.FileSystem, str]:
    from pyiceberg.io.pyarrow import PyArrowFileIO

    if not isinstance(io, PyArrowFileIO):
        raise StoreError(
            f"cannot list {directory} with {type(io).__name__}",
            instruction="Leave `py-io-impl` out of the catalog's properties.",
        )
    scheme, netloc, path = PyArrowFileIO.parse_location(directory, io.properties)
    return io.fs_by_scheme(scheme, netloc), path
