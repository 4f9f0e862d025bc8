"""An object of S3 as a file that can be read anywhere in it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

    from target_parquet.s3_bucket import Bucket

_TAIL_BYTES = 64 << 10
_BLOCK_BYTES = 8 << 20


class ObjectReader(io.RawIOBase):
    """Reads by ranges; the end, where Parquet has its footer, comes with the size in the first request.

    Args:
        bucket: where the object is.
        name: of it.

    Raises:
        StoreError: it does not exist or cannot be read.
    """

    def __init__(self, bucket: Bucket, name: str) -> None:
        super().__init__()
        self._bucket = bucket
        self._name = name
        self._tail = bucket.read(name, f"bytes=-{_TAIL_BYTES}")
        self._at = 0

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def seekable(self) -> bool:
        """Any place can be read."""
        return True

    def tell(self) -> int:
        """Place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._tail.total}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all that are left if it is negative."""
        total = self._tail.total
        end = total if size < 0 else min(self._at + size, total)
        content = self._bytes(self._at, end) if self._at < end else b""
        self._at += len(content)
        return content

    def _bytes(self, start: int, end: int) -> bytes:
        tail_start = self._tail.total - len(self._tail.content)
        if start >= tail_start:
            return self._tail.content[start - tail_start : end - tail_start]
        return self._bucket.read(self._name, f"bytes={start}-{end - 1}", self._tail.version).content


def download(bucket: Bucket, name: str, file: BinaryIO) -> None:
    """Copy an object into a file, block by block; it is one version of the object from beginning to end.

    Raises:
        StoreError: it does not exist, cannot be read, or changes meanwhile.
        OSError: the file cannot be written.
    """
    with ObjectReader(bucket, name) as reader:
        while block := reader.read(_BLOCK_BYTES):
            file.write(block)
