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
        bytes_read: bytes of these lines.
    """

    def __init__(self, source: TextSource, *, max_line_bytes: int) -> None:
        """Wrap a source.

        Args:
            source: closed together with this.
            max_line_bytes: the longest line to look for an end of.
        """
        super().__init__()
        self._source = source
        self._piece = b""
        self._at = 0
        self._ended = False
        self._max_line_bytes = max_line_bytes
        self.lines_read = 0
        self.bytes_read = 0

    def readable(self) -> bool:
        return True

    def next_line(self) -> bytes:
        """Return the next line with its end, b"" if there is none.

        Raises:
            ValueError: no end of line within the limit.
            UnreadableFileError: the file cannot be read on.
        """
        searched = self._at
        while True:
            found = _LINE_END.search(self._piece, searched)
            if found and (found.end() < len(self._piece) or self._ended or found[0] != b"\r"):
                return self._take(found.end())
            if self._ended:
                return self._take(len(self._piece))
            if len(self._piece) - self._at > self._max_line_bytes:
                raise ValueError(f"no end of line within {self._max_line_bytes} bytes")
            rest = self._piece[self._at :]
            searched = max(0, len(rest) - 1)  # a \r at the end may be half a line end
            more = self._source.read(_READ_BYTES)
            self._piece, self._at, self._ended = rest + more, 0, not more

    def lines(self) -> Iterator[str]:
        """Iterate over the lines as text."""
        while line := self.next_line():
            yield line.decode()

    def read(self, size: int = -1) -> bytes:
        """Read bytes after the last line handed out; b"" at the end."""
        rest, self._piece, self._at = self._piece[self._at :], b"", 0
        return rest or self._source.read(size)

    def close(self) -> None:
        self._source.close()
        super().close()

    def _take(self, end: int) -> bytes:
        line, self._at = self._piece[self._at : end], end
        self.lines_read += bool(line)
        self.bytes_read += len(line)
        return line
