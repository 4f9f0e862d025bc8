"""Dialects that Arrow's parser does not know, rewritten to plain CSV by Python's csv module."""

from __future__ import annotations

import csv
import io
from itertools import chain
from typing import TYPE_CHECKING

from tap_csv.errors import BadRowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_csv.dialect import Dialect
    from tap_csv.lines import LineSource


class RewrittenSource(io.RawIOBase):
    """Rows of a dialect as UTF-8 CSV with commas and double quotes, for Arrow to parse.

    A row that the csv module refuses is replaced by one with a field too many: whoever parses it next refuses
    it too, at the same place.
    """

    def __init__(
        self, source: LineSource, dialect: Dialect, end: str, *, width: int, file: str, skip_bad: bool
    ) -> None:
        """Wrap a source whose header has been read.

        Args:
            source: closed together with this.
            dialect: of the source.
            end: lines to read after the last one.
            width: fields of a good row.
            file: its name, for messages.
            skip_bad: leave a row that the dialect does not allow to the parser to skip; otherwise raise.
        """
        super().__init__()
        self._source = source
        self._width = width
        self._file = file
        self._skip_bad = skip_bad
        self._rows = self._checked(
            dialect.reader(chain(source.lines("replace"), end.splitlines(keepends=True)))
        )

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read about `size` bytes; b"" only at the end.

        Raises:
            BadRowError: a row is malformed in a strict dialect.
            UnreadableFileError: the file cannot be read on.
        """
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        for row in self._rows:
            if row:
                writer.writerow(row)
            if out.tell() >= size >= 0:
                break
        return out.getvalue().encode()

    def close(self) -> None:
        self._source.close()
        super().close()

    def _checked(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        while True:
            try:
                yield next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                if not self._skip_bad:
                    line = self._source.lines_read
                    raise BadRowError(f"malformed row: {error}", file=self._file, line=line) from error
                yield [""] * (self._width + 1)
