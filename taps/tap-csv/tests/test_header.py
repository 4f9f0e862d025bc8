"""Column names: found, made unique, always the same way."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_csv.errors import HeaderError
from tap_csv.header import name_columns, read_header
from tap_csv.lines import LineSource
from tap_csv.sources import list_files
from tap_csv.text import TextSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_csv.definitions import Definition


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["id", "name"], ["id", "name"]),
        (["id", "id", "id"], ["id", "id_2", "id_3"]),
        (["id", "id_2", "id"], ["id", "id_2", "id_3"]),
        (["id", "id", "id_2"], ["id", "id_3", "id_2"]),
        (["", "a", ""], ["column_1", "a", "column_3"]),
        (["", "column_1"], ["column_1_2", "column_1"]),
        (["ID", "id"], ["ID", "id"]),
        ([" id", "e-mail", "größe €", "a.b", "a b", "1"], [" id", "e-mail", "größe €", "a.b", "a b", "1"]),
    ],
)
def test_names_become_unique(names: list[str], expected: list[str]) -> None:
    header = name_columns(names)
    assert list(header.columns) == expected
    assert header.renamed == tuple((old, new) for old, new in zip(names, expected, strict=True) if old != new)


def test_a_reserved_name_goes_to_the_one_it_is_reserved_for() -> None:
    assert name_columns(["_sdc_source_file", "a"], ["_sdc_source_file"]).columns == (
        "_sdc_source_file_2",
        "a",
    )


@given(st.lists(st.sampled_from(["", "a", "a_2", "a_3", "column_1", "column_2"]), max_size=8))
def test_whatever_the_names_the_columns_are_unique_and_not_empty(names: list[str]) -> None:
    columns = name_columns(names).columns
    assert len(set(columns)) == len(columns) == len(names)
    assert all(columns)


def header_of(path: Path, definition: Definition) -> tuple[tuple[str, ...], bytes]:
    """Read the header; return it and the bytes after it."""
    source = TextSource(list_files(str(path))[0], definition.encoding)
    with closing(LineSource(source, max_line_bytes=definition.block_bytes)) as lines:
        header = read_header(lines, definition, path.name)
        return header.columns, b"".join(iter(lambda: lines.read(100), b""))


@pytest.mark.parametrize(
    ("content", "raw", "columns", "rest"),
    [
        (b"a,b\n1,2\n", {}, ("a", "b"), b"1,2\n"),
        (b"a,b\r\n1,2\r\n", {}, ("a", "b"), b"1,2\r\n"),
        (b"a,b\r1,2\r", {}, ("a", "b"), b"1,2\r"),
        (b"a,b", {}, ("a", "b"), b""),
        (b"\n\r\na,b\n1,2\n", {}, ("a", "b"), b"1,2\n"),
        (b'"a\nx","b,""y"""\n1,2\n', {}, ("a\nx", 'b,"y"'), b"1,2\n"),
        (b'say "hi\n---\na,b\n1,2\n', {"skip_header_lines": 2}, ("a", "b"), b"1,2\n"),
        (b"a;'b;c'\n", {"delimiter": ";", "quotechar": "'"}, ("a", "b;c"), b""),
        (b"a, b\n", {"skipinitialspace": True}, ("a", "b"), b""),
        (b"1,2\n", {"columns": ["x", "y"]}, ("x", "y"), b"1,2\n"),
        (b"\xef\xbb\xbfa,b\n", {}, ("a", "b"), b""),
        (b"", {}, (), b""),
        (b"\n\n", {}, (), b""),
    ],
)
def test_a_header_is_read_and_what_follows_is_left(
    tmp_path: Path,
    define: Callable[..., Definition],
    content: bytes,
    raw: dict[str, Any],
    columns: tuple[str, ...],
    rest: bytes,
) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    assert header_of(tmp_path / "rows.csv", define(**raw)) == (columns, rest)


def test_a_line_end_across_two_reads_is_one(tmp_path: Path, define: Callable[..., Definition]) -> None:
    name = b"a" * (64 * 1024 - 1)
    (tmp_path / "rows.csv").write_bytes(name + b"\r\n1\r\n")
    assert header_of(tmp_path / "rows.csv", define()) == ((name.decode(),), b"1\r\n")


def test_undecodable_names_say_so(tmp_path: Path, define: Callable[..., Definition]) -> None:
    (tmp_path / "rows.csv").write_bytes(b"comment\ngr\xf6\xdfe,b\n")
    with pytest.raises(HeaderError, match=r"rows\.csv:2: the header has bytes that are not utf-8"):
        header_of(tmp_path / "rows.csv", define(skip_header_lines=1))


def test_what_has_no_lines_is_no_csv_file(tmp_path: Path, define: Callable[..., Definition]) -> None:
    (tmp_path / "rows.csv").write_bytes(b"\0" * (5 << 20))
    with pytest.raises(HeaderError, match="not a CSV file"):
        header_of(tmp_path / "rows.csv", define())
