"""From rows to the lines they start on. Reads the file again, slowly: only for messages."""

from __future__ import annotations

import csv
from collections import deque
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

from tap_csv.errors import CsvError
from tap_csv.header import read_header
from tap_csv.lines import LineSource
from tap_csv.text import TextSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_csv.definitions import Definition
    from tap_csv.sources import SourceFile

MAX_ROWS = 10_000_000
"""How far to look: a message must not take longer than some seconds."""


def line_of_row(file: SourceFile, definition: Definition, row: int) -> int:
    """Return the 1-based line on which a row starts, 0 if that cannot be told.

    Args:
        row: 1-based number of the row in its file, header and blank lines not counted.
    """
    if row > MAX_ROWS:
        return 0
    return _search(file, definition, lambda rows: next(islice(rows, row - 1, None), 0))


def line_of_long_row(file: SourceFile, definition: Definition) -> int:
    """Return the line on which the first row starts that is longer than a block, 0 if that cannot be told."""

    def search(rows: _RowStarts) -> int:
        last = deque(islice(rows, MAX_ROWS), maxlen=1)
        return last.pop() if last and rows.is_too_long else 0

    return _search(file, definition, search)


def _search(file: SourceFile, definition: Definition, search: Callable[[_RowStarts], int]) -> int:
    try:
        source = TextSource(file, definition.encoding)
        with closing(LineSource(source, max_line_bytes=definition.block_bytes)) as lines:
            read_header(lines, definition, file.name)
            return search(_RowStarts(lines, definition))
    except (CsvError, csv.Error):
        return 0


class _RowStarts:
    """The line each row starts on; ends with the first row that is longer than a block.

    Attributes:
        is_too_long: the last one is.
    """

    def __init__(self, lines: LineSource, definition: Definition) -> None:
        self.is_too_long = False
        self._lines = lines
        self._limit = definition.block_bytes
        self._bytes_before = lines.bytes_read
        self._rows = definition.dialect.reader(self._lines_within_limit())

    def __iter__(self) -> Iterator[int]:
        start = self._lines.lines_read + 1
        for fields in self._rows:
            if self.is_too_long:
                break
            if fields:
                yield start
            start = self._lines.lines_read + 1
            self._bytes_before = self._lines.bytes_read
        if self.is_too_long:
            yield start

    def _lines_within_limit(self) -> Iterator[str]:
        try:
            for line in self._lines.lines():
                if self._lines.bytes_read - self._bytes_before > self._limit:
                    self.is_too_long = True
                    return
                yield line
        except ValueError:  # a line that is longer than a block
            self.is_too_long = True
