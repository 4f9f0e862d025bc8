"""Names that are safe in paths and tell their originals apart.

Percent-encoding keeps ASCII letters, digits and `-.~_` and writes every other byte of the UTF-8 form as
`%XX`, so any decoder of URIs gives the original back. Readers treat names that begin with `_` or `.` as
hidden, so a leading one is encoded too; that also rules out `.` and `..`.
"""

from __future__ import annotations

from urllib.parse import quote

from target_parquet.errors import LayoutError

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"

QUARANTINE = "_quarantine"
SCHEMAS = "_quarantine_schemas"
REPLAYED = "_quarantine_replayed"
SIDE_STREAMS = frozenset({QUARANTINE, SCHEMAS, REPLAYED})
"""Streams that the target writes beside those of the tap; `side_stream` says where."""

# A directory entry holds 255 bytes on every file system in use.
MAX_ENTRY_BYTES = 255
_MAX_NAME_BYTES = 160
_DIGEST_CHARACTERS = 24


def stream_directory(stream: str) -> str:
    """Name the directory of a stream; different streams never get the same one.

    A name that would be too long keeps its beginning and ends in `%~` and a digest. No encoded name
    contains `%~`, so the two kinds cannot meet.

    Raises:
        LayoutError: the name is empty.
    """
    if not stream:
        raise LayoutError("a stream without a name cannot be given a directory")
    name = _encode(stream)
    if name[0] in "._":
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) <= _MAX_NAME_BYTES:
        return name
    import hashlib

    digest = hashlib.sha256(stream.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{name[: _MAX_NAME_BYTES - _DIGEST_CHARACTERS - 2]}%~{digest}"


def partition_directory(column: str, value: str | None) -> str:
    """Name one Hive directory, `column=value`; None stands for null.

    Raises:
        LayoutError: the name would not fit into a directory entry.
    """
    if value is None:
        text = NULL_PARTITION
    elif value == NULL_PARTITION:
        text = f"%5F{value[1:]}"
    else:
        text = _encode(value)
    name = f"{partition_key(column)}={text}"
    if len(name) > MAX_ENTRY_BYTES:
        raise LayoutError(
            f"a value of partition column {column!r} makes a directory name of {len(name)} bytes, "
            f"{MAX_ENTRY_BYTES} is the most a file system takes",
            instruction="Partition by a column with short values.",
        )
    return name


def partition_key(column: str) -> str:
    """Name a column in a Hive directory, before the `=`."""
    return _encode(column)


def _encode(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
