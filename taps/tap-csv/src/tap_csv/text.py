"""The bytes of a file as UTF-8: decompressed, decoded, without a byte order mark."""

from __future__ import annotations

import codecs
import io
from typing import IO, TYPE_CHECKING, Any, cast

from tap_csv.decoding import decoder_for
from tap_csv.errors import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_csv.sources import SourceFile


class TextSource(io.RawIOBase):
    """One file as a stream of valid UTF-8."""

    def __init__(self, file: SourceFile, encoding: str) -> None:
        """Open a file.

        Args:
            file: what to read.
            encoding: canonical name of a Python text codec.

        Raises:
            UnreadableFileError: it cannot be opened.
        """
        super().__init__()
        self._file = file
        self._raw = _open(file)
        self._decoder = decoder_for(encoding)
        self._at_start = True
        self._ended = False

    @property
    def marked(self) -> bool:
        """Whether some bytes could not be decoded and were replaced by `decoding.MARK`."""
        return self._decoder.marked

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read about `size` bytes; b"" only at the end.

        Raises:
            UnreadableFileError: the file cannot be read or decompressed on.
        """
        data = b""
        while not data and not self._ended:
            piece = self._read_raw(size)
            self._ended = not piece
            data = self._without_order_mark(self._decoder.decode(piece, final=self._ended))
        return data

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()

    def _without_order_mark(self, data: bytes) -> bytes:
        if not self._at_start or not data:
            return data
        self._at_start = False
        return data.removeprefix(codecs.BOM_UTF8)

    def _read_raw(self, size: int) -> bytes:
        try:
            return self._raw.read(size)
        except _unreadable() as error:
            raise UnreadableFileError(f"cannot be read on: {error}", file=self._file.name) from error


def _unreadable() -> tuple[type[Exception], ...]:
    """Name what decompressors raise; zipfile says KeyError for no member and RuntimeError for a password."""
    import lzma
    import zipfile
    import zlib

    special = (lzma.LZMAError, zipfile.BadZipFile, zlib.error)
    return (OSError, EOFError, KeyError, NotImplementedError, RuntimeError, *special)


def _open(file: SourceFile) -> IO[bytes]:
    try:
        return _OPENERS[file.compression](file)
    except _unreadable() as error:
        raise UnreadableFileError(f"cannot be opened: {error}", file=file.name) from error


def _open_plain(file: SourceFile) -> IO[bytes]:
    return open(file.path, "rb", buffering=0)  # noqa: PTH123 -- the caller closes it


def _open_by_arrow(file: SourceFile) -> IO[bytes]:
    import pyarrow as pa

    stream = pa.CompressedInputStream(pa.OSFile(file.path, "rb"), cast("Any", file.compression))
    return cast("IO[bytes]", stream)


def _open_xz(file: SourceFile) -> IO[bytes]:
    import lzma

    return cast("IO[bytes]", lzma.open(file.path))


def _open_member(file: SourceFile) -> IO[bytes]:
    import zipfile

    with zipfile.ZipFile(file.path) as archive:  # an open member keeps the archive's file open
        return archive.open(cast("str", file.member))


_OPENERS: dict[str, Callable[[SourceFile], IO[bytes]]] = {
    "none": _open_plain,
    "gzip": _open_by_arrow,
    "bz2": _open_by_arrow,
    "xz": _open_xz,
    "zstd": _open_by_arrow,
    "zip": _open_member,
}
