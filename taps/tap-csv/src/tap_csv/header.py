"""Column names of one file: read, made unique, and checked."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_csv.decoding import MARK
from tap_csv.definitions import METADATA_COLUMNS
from tap_csv.errors import HeaderError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tap_csv.definitions import Definition
    from tap_csv.lines import LineSource


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file.

    Attributes:
        columns: unique names, in the order of the fields; empty if the file has nothing in it.
        renamed: what the header calls them and what they are called instead, where that differs.
    """

    columns: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...] = ()


def read_header(lines: LineSource, definition: Definition, file: str) -> Header:
    """Read up to the first row of data.

    Raises:
        HeaderError: the header cannot be read, or has bytes that cannot be decoded.
    """
    try:
        for _ in range(definition.skip_header_lines):
            lines.next_line()
        if definition.columns is not None:
            return Header(definition.columns)
        rows = definition.dialect.reader(lines.lines())
        names: Sequence[str] = next((row for row in rows if row), ())
        if any(MARK in name for name in names):
            raise _undecodable(definition, lines, file)
    except csv.Error as error:
        raise HeaderError(f"the header is malformed: {error}", file=file, line=lines.lines_read) from error
    except ValueError as error:
        raise HeaderError(
            f"{error}: not a CSV file?",
            file=file,
            line=lines.lines_read + 1,
            instruction="Check `path`, `encoding` and `compression`, or raise `block_size_kb`.",
        ) from error
    return name_columns(names, METADATA_COLUMNS if definition.add_metadata_columns else ())


def _undecodable(definition: Definition, lines: LineSource, file: str) -> HeaderError:
    return HeaderError(
        f"the header has bytes that are not {definition.encoding}",
        file=file,
        line=lines.lines_read,
        instruction="Correct `encoding`.",
    )


def name_columns(names: Sequence[str], reserved: Collection[str] = ()) -> Header:
    """Give every field a name of its own.

    An empty name becomes `column_<position>`. Of equal names the first stays, the next become `name_2`,
    `name_3` …, passing over names that the header has anyway. The same header always gives the same names.
    """
    taken = set(reserved)
    columns: list[str] = []
    renamed: list[tuple[str, str]] = []
    for position, name in enumerate(names, start=1):
        column = name or f"column_{position}"
        if column in taken or (not name and column in names):
            column = _free_name(column, taken | set(names))
        if column != name:
            renamed.append((name, column))
        taken.add(column)
        columns.append(column)
    return Header(tuple(columns), tuple(renamed))


def _free_name(name: str, taken: Collection[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
