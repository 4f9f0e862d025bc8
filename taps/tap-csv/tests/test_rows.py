"""Rows of a file: held against Python's csv module, numbered, and refused when malformed."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tap_csv.definitions import Definition
from tap_csv.dialect import Dialect
from tap_csv.errors import BadRowError
from tap_csv.rows import open_csv
from tap_csv.sources import list_files

if TYPE_CHECKING:
    from collections.abc import Callable


def rows_of(path: Path, definition: Definition) -> list[tuple[int, list[str | None]]]:
    """Read all columns of a file: number and fields of each row."""
    found = []
    with open_csv(list_files(str(path))[0], definition) as opened:
        for batch in opened.batches(opened.header.columns):
            columns = [column.to_pylist() for column in batch.columns.columns]
            for at, fields in enumerate(zip(*columns, strict=True)):
                texts = [None if field is None else field.decode() for field in fields]
                found.append((batch.numbers.at(at), texts))
    return found


def fields_of(path: Path, definition: Definition) -> list[list[str | None]]:
    return [fields for _, fields in rows_of(path, definition)]


fields = st.text(st.sampled_from("ab,;\"'\\\n\r \t1é€\0"), max_size=6)
tables = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(fields, min_size=width, max_size=width), max_size=6)
)
dialects = st.sampled_from(
    [
        Dialect(),
        Dialect(delimiter=";", quotechar="'"),
        Dialect(delimiter="\t", doublequote=False, escapechar="\\"),
        Dialect(delimiter="|", skipinitialspace=True),
        Dialect(strict=True),
        Dialect(delimiter="¦"),
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables, dialect=dialects, line_end=st.sampled_from(["\n", "\r\n"]), all_quoted=st.booleans())
def test_rows_are_those_of_pythons_csv_module(
    table: list[list[str]], dialect: Dialect, line_end: str, all_quoted: bool
) -> None:
    width = len(table[0]) if table else 1
    out = io.StringIO(newline="")
    # Without quotes a carriage return ends a row, but the writer puts none around it.
    all_quoted = all_quoted or any("\r" in field for row in table for field in row)
    writer = csv.writer(
        out,
        delimiter=dialect.delimiter,
        quotechar=dialect.quotechar,
        doublequote=dialect.doublequote,
        escapechar=dialect.escapechar,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL,
    )
    header = [f"c{at}" for at in range(width)]
    writer.writerows([header, *table])
    expected = [row for row in dialect.reader(io.StringIO(out.getvalue(), newline="")) if row][1:]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "rows.csv")
        path.write_text(out.getvalue(), encoding="utf-8", newline="")
        definition = Definition("rows", str(path), dialect=dialect, null_values=())
        assert fields_of(path, definition) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n3,4\n", [["1", "2"], ["3", "4"]]),
        (b"a,b\n1,2", [["1", "2"]]),
        (b"a,b\n\n1,2\n\r\n\n3,4\n\n", [["1", "2"], ["3", "4"]]),
        (b"a,b\r1,2\r3,4\r", [["1", "2"], ["3", "4"]]),
        (b'a,b\n"1\n2","x""y"\n', [["1\n2", 'x"y']]),
        (b"a,b\n5\" pipe,it's\n", [['5" pipe', "it's"]]),
        (b'a,b\n"1"x,2\n', [["1x", "2"]]),
        (b'a,b\n,""\nNA,"NA"\n', [[None, None], ["NA", "NA"]]),
        (b"a,b\n", []),
        (b"a,b", []),
        (b"a\n1\n\n2\n", [["1"], ["2"]]),
        (b"a,b\n1,\0\n", [["1", "\0"]]),
    ],
)
def test_content_and_its_rows(
    tmp_path: Path, define: Callable[..., Definition], content: bytes, expected: list[list[str]]
) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    assert fields_of(tmp_path / "rows.csv", define()) == expected


def test_quoted_fields_can_be_kept_from_being_null(tmp_path: Path, define: Callable[..., Definition]) -> None:
    (tmp_path / "rows.csv").write_bytes(b'a,b\nNA,"NA"\n,""\n')
    definition = define(null_values=["", "NA"], quoted_nulls=False)
    assert fields_of(tmp_path / "rows.csv", definition) == [[None, "NA"], [None, ""]]


def test_blocks_make_no_difference(tmp_path: Path, define: Callable[..., Definition]) -> None:
    rows = [[str(n), "x\ny" * (n % 50)] for n in range(20_000)]
    with (tmp_path / "rows.csv").open("w", newline="") as out:
        csv.writer(out).writerows([["n", "text"], *rows])
    definition = define()
    small = Definition("rows", definition.path, null_values=(), block_bytes=64 << 10)
    assert rows_of(tmp_path / "rows.csv", small) == list(enumerate(rows, start=1))


MALFORMED = [
    (b"a,b\n1,2\n3\n", 3, "the row has 1 field, the header has 2"),
    (b"a,b\n1,2\n\n3,4,5\n", 4, "the row has 3 fields, the header has 2"),
    (b'skip\na,b\n"1\n2",3\n4\n', 5, "the row has 1 field, the header has 2"),
    (b'a,b\n1,2\n3,"4\n5,6\n', 3, "a quote that is never closed"),
    (b'a,b\n1,2\n"3,4\n', 3, "a quote that is never closed"),
    (b'a,b\n1,2\n3,"', 3, "a quote that is never closed"),
    (b'a,b\n1,2\n3,"4""', 3, "a quote that is never closed"),
]


@pytest.mark.parametrize(("content", "line", "reason"), MALFORMED)
def test_a_malformed_row_fails_and_its_line_is_named(
    tmp_path: Path, define: Callable[..., Definition], content: bytes, line: int, reason: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    definition = define(skip_header_lines=int(content.startswith(b"skip")))
    with pytest.raises(BadRowError, match=reason) as caught:
        rows_of(tmp_path / "rows.csv", definition)
    assert str(caught.value).startswith(f"{tmp_path}/rows.csv:{line}: ")
    assert caught.value.line == line


@pytest.mark.parametrize(("content", "line", "reason"), MALFORMED)
def test_a_malformed_row_can_be_left_out(
    tmp_path: Path, define: Callable[..., Definition], content: bytes, line: int, reason: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    definition = define(skip_header_lines=int(content.startswith(b"skip")), on_bad_row="skip")
    with open_csv(list_files(definition.path)[0], definition) as opened:
        batches = list(opened.batches(opened.header.columns))
        assert (sum(len(batch.numbers) for batch in batches), opened.left_out.count) == (1, 1)
        assert opened.left_out.first == 2


def test_rows_keep_their_numbers_when_others_are_left_out(
    tmp_path: Path, define: Callable[..., Definition]
) -> None:
    content = "".join(f"{n},x\n" if n % 1000 else f"{n}\n" for n in range(1, 20_001))
    (tmp_path / "rows.csv").write_text("n,x\n" + content)
    definition = define(on_bad_row="skip")
    small = Definition("rows", definition.path, on_bad_row="skip", block_bytes=64 << 10)
    found = rows_of(tmp_path / "rows.csv", small)
    assert [number for number, _ in found] == [n for n in range(1, 20_001) if n % 1000]
    assert all(str(number) == row[0] for number, row in found)


def test_a_bad_row_that_cannot_be_decoded_is_left_out_too(
    tmp_path: Path, define: Callable[..., Definition]
) -> None:
    (tmp_path / "rows.csv").write_bytes(b"a,b\n1,2\n\xff\n3,4\n")
    definition = define(on_bad_row="skip")
    assert rows_of(tmp_path / "rows.csv", definition) == [(1, ["1", "2"]), (3, ["3", "4"])]


def test_a_row_longer_than_a_block_says_which_setting_to_raise(
    tmp_path: Path, define: Callable[..., Definition]
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3," + "x" * 300_000 + "\n")
    definition = define()
    small = Definition("rows", definition.path, block_bytes=64 << 10)
    with pytest.raises(BadRowError, match=r"rows\.csv:3: the row is longer than 65536 bytes") as caught:
        rows_of(tmp_path / "rows.csv", small)
    assert "block_size_kb" in caught.value.instruction
    assert len(rows_of(tmp_path / "rows.csv", definition)) == 2


def test_strict_dialects_refuse_what_follows_a_closing_quote(
    tmp_path: Path, define: Callable[..., Definition]
) -> None:
    (tmp_path / "rows.csv").write_bytes(b'a,b\n1,2\n"3"x,4\n5,6\n')
    with pytest.raises(BadRowError, match=r"rows\.csv:3: malformed row"):
        rows_of(tmp_path / "rows.csv", define(strict=True))
    skipping = define(strict=True, on_bad_row="skip")
    assert rows_of(tmp_path / "rows.csv", skipping) == [(1, ["1", "2"]), (3, ["5", "6"])]


def test_spaces_after_delimiters_can_be_dropped(tmp_path: Path, define: Callable[..., Definition]) -> None:
    (tmp_path / "rows.csv").write_bytes(b'a, b\n1, "x, y"\n')
    assert fields_of(tmp_path / "rows.csv", define(skipinitialspace=True)) == [["1", "x, y"]]


@pytest.mark.parametrize("raw", [{}, {"skipinitialspace": True}])
def test_a_file_can_be_closed_before_its_end(
    tmp_path: Path, define: Callable[..., Definition], raw: dict[str, Any]
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,2\n" * 500_000)
    definition = define(**raw)
    with open_csv(list_files(definition.path)[0], definition) as opened:
        first = next(opened.batches(["b"]))
        assert first.columns.schema.names == ["b"]
