"""Two places taken for one: tables are in one of them, all that is beside them in the other.

Buckets that take nothing but tables, such as those of S3 Tables, refuse a ledger.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from target_parquet.names import SIDE_STREAMS
from target_parquet.s3_bucket import Bucket
from target_parquet.storage import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedRandom

    from target_parquet.s3_bucket import OpenUpload, Piece, StoredObject


class SplitBucket(Bucket):
    """Each request goes to the place that its name belongs to (see `Bucket`).

    Args:
        tables: has the streams.
        aside: has the ledger and the quarantine.
    """

    def __init__(self, tables: Bucket, aside: Bucket) -> None:
        self._tables = tables
        self._aside = aside

    def url(self, name: str = "") -> str:
        return self._of(name).url(name)

    def begin_upload(self, name: str) -> str:
        return self._of(name).begin_upload(name)

    def send_part(self, name: str, upload_id: str, number: int, part: BufferedRandom) -> str:
        return self._of(name).send_part(name, upload_id, number, part)

    def complete_upload(self, name: str, upload_id: str, parts: Sequence[tuple[int, str]]) -> bool:
        return self._of(name).complete_upload(name, upload_id, parts)

    def abort_upload(self, name: str, upload_id: str) -> None:
        self._of(name).abort_upload(name, upload_id)

    def is_open(self, name: str, upload_id: str) -> bool:
        return self._of(name).is_open(name, upload_id)

    def open_uploads(self) -> Iterator[OpenUpload]:
        return chain(self._tables.open_uploads(), self._aside.open_uploads())

    def size(self, name: str) -> int | None:
        return self._of(name).size(name)

    def put_if_absent(self, name: str, data: bytes) -> bool:
        return self._of(name).put_if_absent(name, data)

    def get(self, name: str) -> bytes | None:
        return self._of(name).get(name)

    def read(self, name: str, range_: str, version: str = "") -> Piece:
        return self._of(name).read(name, range_, version)

    def objects(self, directory: str) -> Iterator[StoredObject]:
        return self._of(directory).objects(directory)

    def remove(self, name: str) -> None:
        self._of(name).remove(name)

    def _of(self, name: str) -> Bucket:
        first, _, _ = name.partition("/")
        return self._aside if first == INTERNAL or first in SIDE_STREAMS else self._tables
