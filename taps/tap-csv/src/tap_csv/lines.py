"""A text source as lines, for what comes before the rows; what is left over goes to the parser."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_csv.text import TextSource

_LINE_END = re.compile(rb"\r\n|\n|\r")
_READ_BYTES = 64 * 1024


class LineSource(io.RawIOBase):
    """Hands out single lines, then everything else as bytes.

    Attributes:
        lines_read: lines handed out so far.
    """

    def __init__(self, source: TextSource, *, max_line_bytes: int) -> None:
        """Wrap a source.

        Args:
            source: closed together with this.
            max_line_bytes: the longest line to look for an end of.
        """
        super().__init__()
        self._source = source
        self._rest = b""
        self._ended = False
        self._max_line_bytes = max_line_bytes
        self.lines_read = 0

    def readable(self) -> bool:
        return True

    def next_line(self) -> bytes:
        """Return the next line with its end, b"" if there is none.

        Raises:
            ValueError: no end of line within the limit.
            UnreadableFileError: the file cannot be read on.
        """
        searched = 0
        while True:
            found = _LINE_END.search(self._rest, searched)
            if found and (found.end() < len(self._rest) or self._ended or found[0] != b"\r"):
                return self._take(found.end())
            if self._ended:
                return self._take(len(self._rest))
            searched = max(0, len(self._rest) - 1)
            if searched > self._max_line_bytes:
                raise ValueError(f"no end of line within {self._max_line_bytes} bytes")
            piece = self._source.read(_READ_BYTES)
            self._ended = not piece
            self._rest += piece

    def lines(self, errors: str = "strict") -> Iterator[str]:
        """Iterate over the lines as text.

        Raises:
            UnicodeDecodeError: a line is not UTF-8 and `errors` says that this matters.
        """
        while line := self.next_line():
            yield line.decode("utf-8", errors)

    def read(self, size: int = -1) -> bytes:
        """Read bytes after the last line handed out; b"" at the end."""
        rest, self._rest = self._rest, b""
        return rest or self._source.read(size)

    def close(self) -> None:
        self._source.close()
        super().close()

    def _take(self, size: int) -> bytes:
        line, self._rest = self._rest[:size], self._rest[size:]
        self.lines_read += bool(line)
        return line
