"""From the number of a row to the line it starts on. Reads the file again: only for messages."""

from __future__ import annotations

import csv
from contextlib import closing
from typing import TYPE_CHECKING

from tap_csv.errors import CsvError
from tap_csv.header import read_header
from tap_csv.lines import LineSource
from tap_csv.text import TextSource

if TYPE_CHECKING:
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
    try:
        source = TextSource(file, definition.encoding)
        with closing(LineSource(source, max_line_bytes=definition.block_bytes)) as lines:
            read_header(lines, definition, file.name)
            return _start_of(row, lines, definition)
    except (CsvError, csv.Error, ValueError):
        return 0


def _start_of(row: int, lines: LineSource, definition: Definition) -> int:
    rows = definition.dialect.reader(lines.lines())
    start = lines.lines_read + 1
    for fields in rows:
        if fields:
            row -= 1
        if row == 0:
            return start
        start = lines.lines_read + 1
    return 0
