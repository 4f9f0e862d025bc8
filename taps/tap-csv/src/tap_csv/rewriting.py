"""Dialects that Arrow's parser does not know, rewritten to plain CSV by Python's csv module."""

from __future__ import annotations

import csv
import io
from itertools import chain
from typing import TYPE_CHECKING

from tap_csv.errors import BadRowError
from tap_csv.parsing import END

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
        self, source: LineSource, dialect: Dialect, *, width: int, file: str, skip_bad: bool
    ) -> None:
        """Wrap a source whose header has been read.

        Args:
            source: closed together with this.
            dialect: of the source.
            width: fields of a good row.
            file: its name, for messages.
            skip_bad: leave a row that the dialect does not allow to the parser to skip; otherwise raise.
        """
        super().__init__()
        self._source = source
        self._width = width
        self._file = file
        self._skip_bad = skip_bad
        end = dialect.delimiter.join([END] * width)
        self._rows = self._good_rows(dialect.reader(chain(source.lines(), ["\n", f"{end}\n"])))

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read about `size` bytes; b"" only at the end.

        Raises:
            BadRowError: a row is malformed in a strict dialect, or its quotes are never closed.
            UnreadableFileError: the file cannot be read on.
        """
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\r\n")  # both characters are then quoted inside fields
        for row in self._rows:
            if row:
                writer.writerow(row)
            if out.tell() >= size >= 0:
                break
        return out.getvalue().encode()

    def close(self) -> None:
        self._source.close()
        super().close()

    def _good_rows(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        while True:
            line = self._source.lines_read + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                row = self._refused(f"malformed row: {error}", line)
            if row == [END] * self._width:
                return
            if row and END in row[-1]:
                row = self._refused("the row has a quote that is never closed", line)
            yield row

    def _refused(self, reason: str, line: int) -> list[str]:
        if not self._skip_bad:
            raise BadRowError(reason, file=self._file, line=line)
        return [""] * (self._width + 1)
