"""Where a destination or a batch file is: the meaning of a path or URI, before anything is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class LocalPlace:
    """An absolute path of the local file system."""

    path: Path


@dataclass(frozen=True, slots=True)
class S3Place:
    """A key in a bucket, or the common beginning of keys; without slashes at its ends, possibly empty."""

    bucket: str
    key: str


Place: TypeAlias = "LocalPlace | S3Place"


def parse_place(text: str) -> Place:
    """Read a local path, a `file://` or an `s3://` URI; the latter is taken literally, without `%` escapes.

    Raises:
        ValueError: another kind of store, or a URI that names no place; begins with the scheme in question.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        return LocalPlace(_absolute(text))
    match scheme.lower():
        case "file":
            return LocalPlace(_file_path(text))
        case "s3":
            return _s3_place(rest)
        case other:
            raise ValueError(f"{other}:// is not supported, give a local path, file:// or s3://")


def _absolute(text: str) -> Path:
    from pathlib import Path

    return Path(text).expanduser().absolute()


def _file_path(text: str) -> Path:
    from pathlib import Path
    from urllib.parse import unquote, urlsplit

    uri = urlsplit(text)
    if uri.netloc not in ("", "localhost") or not uri.path:
        raise ValueError("a file URI has three slashes and an absolute path, file:///data/lake")
    return Path(unquote(uri.path))


def _s3_place(rest: str) -> S3Place:
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("an S3 URI has a bucket after its two slashes, s3://bucket/prefix")
    key = key.strip("/")
    if any(step in ("", ".", "..") for step in key.split("/")) and key:
        raise ValueError("the path of an S3 URI has no empty steps, no . and no ..")
    return S3Place(bucket, key)
