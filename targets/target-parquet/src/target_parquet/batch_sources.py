"""The files that a BATCH message names, each as a file on the local disk, wherever it is."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from target_parquet.destination import LocalPlace, S3Place, parse_place
from target_parquet.errors import BatchFileError, StoreError, store_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_parquet.s3_settings import S3Settings


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A batch file that can be opened; prints as the name that the message has for it.

    Attributes:
        name: of the message.
        path: to open.
        is_copy: of a file elsewhere, and removed when it has been read.
    """

    name: str
    path: Path
    is_copy: bool

    def __str__(self) -> str:
        return self.name


@contextmanager
def opened_batch_file(uri: str, stream: str, s3: S3Settings) -> Iterator[BatchFile]:
    """Bring a batch file here for as long as it is read; only one that comes from afar is removed then.

    Args:
        uri: a path, `file://` or `s3://`.
        stream: whose rows it has, for errors.
        s3: how to reach S3.

    Raises:
        BatchFileError: it does not exist, cannot be fetched, or is in a store that is not known.
    """
    try:
        place = parse_place(uri)
    except ValueError as error:
        raise BatchFileError(f"batch file {uri} of stream {stream!r}: {error}") from error
    if isinstance(place, LocalPlace):
        if not place.path.is_file():
            raise BatchFileError(f"batch file {uri} of stream {stream!r} does not exist")
        yield BatchFile(str(place.path), place.path, is_copy=False)
        return
    with tempfile.TemporaryDirectory(prefix="dativo-batch-") as directory:
        path = Path(directory) / "batch"
        _fetch(place, path, stream, s3)
        yield BatchFile(uri, path, is_copy=True)


def _fetch(place: S3Place, path: Path, stream: str, s3: S3Settings) -> None:
    from target_parquet.s3_reader import download
    from target_parquet.stores import open_bucket

    try:
        with path.open("wb") as file:
            download(open_bucket(s3, place.bucket), place.key, file)
    except StoreError as error:
        raise BatchFileError(
            f"batch file of stream {stream!r}: {error.message}",
            instruction=error.instruction,
            retryable=error.retryable,
        ) from error
    except OSError as error:
        raise store_error(f"write {path}", error) from error
