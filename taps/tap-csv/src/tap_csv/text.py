"""The bytes of a file as UTF-8: decompressed, decoded, without a byte order mark.

What cannot be decoded is replaced by `MARK`, a code point that Unicode promises never to assign, so that the
row it is in can be found later and told from good ones. UTF-8 itself is passed on as it is when the caller
validates it: that is the fast way.
"""

from __future__ import annotations

import codecs
import io
from typing import IO, TYPE_CHECKING, Any, cast

from tap_csv.errors import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_csv.sources import SourceFile

MARK = "\ufdd0"
"""Stands for bytes that the encoding has no character for."""


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MARK, error.end


codecs.register_error("tap_csv.mark", _mark)


class TextSource(io.RawIOBase):
    """One file as a stream of UTF-8.

    Attributes:
        marked: some bytes could not be decoded and were replaced by `MARK`.
    """

    def __init__(self, file: SourceFile, encoding: str, *, mark: bool) -> None:
        """Open a file.

        Args:
            file: what to read.
            encoding: canonical name of a Python text codec.
            mark: replace what cannot be decoded even in UTF-8; otherwise bad UTF-8 goes through as it is.

        Raises:
            UnreadableFileError: it cannot be opened.
        """
        super().__init__()
        self._file = file
        self._raw = _open(file)
        passed_on = encoding in ("utf-8", "utf-8-sig") and not mark
        self._decoder = None if passed_on else codecs.getincrementaldecoder(encoding)("tap_csv.mark")
        self._at_start = True
        self._ended = False
        self.marked = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read about `size` bytes; b"" only at the end.

        Raises:
            UnreadableFileError: the file cannot be read or decompressed on.
        """
        data = b""
        while not data and not self._ended:
            piece = self._guarded(lambda: self._raw.read(size))
            self._ended = not piece
            data = self._without_order_mark(self._decoded(piece))
        return data

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()

    def _decoded(self, piece: bytes) -> bytes:
        if self._decoder is None:
            return piece
        text = self._decoder.decode(piece, final=self._ended)
        self.marked = self.marked or MARK in text
        return text.encode("utf-8", "replace")

    def _without_order_mark(self, data: bytes) -> bytes:
        if not self._at_start or not data:
            return data
        self._at_start = False
        return data.removeprefix(codecs.BOM_UTF8)

    def _guarded(self, read: Callable[[], Any]) -> bytes:
        try:
            return cast("bytes", read())
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

    return cast(
        "IO[bytes]", pa.CompressedInputStream(pa.OSFile(file.path, "rb"), cast("Any", file.compression))
    )


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
