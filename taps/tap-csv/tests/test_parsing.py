"""Arrow's parser, led to its end: the feed, the rows it refuses, and errors on the way."""

from __future__ import annotations

import gc
import io
import threading
from typing import TYPE_CHECKING

import pytest
from tap_csv.definitions import Definition
from tap_csv.dialect import Dialect
from tap_csv.errors import BadRowError
from tap_csv.lines import LineSource
from tap_csv.locate import line_of_long_row, line_of_row
from tap_csv.parsing import END, Feed, RefusedRow, RowTooLongError, parse
from tap_csv.rewriting import RewrittenSource
from tap_csv.sources import list_files
from tap_csv.text import TextSource

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    import pyarrow as pa


class Dripping(io.RawIOBase):
    """A source that gives little at a time, and may break."""

    def __init__(self, data: bytes, *, drop: int, error: Exception | None = None) -> None:
        super().__init__()
        self._data = io.BytesIO(data)
        self._drop = drop
        self._error = error

    def read(self, size: int = -1) -> bytes:
        data = self._data.read(min(size, self._drop))
        if not data and self._error:
            raise self._error
        return data


def blocks(feed: Feed, size: int) -> list[bytes]:
    return list(iter(lambda: feed.read(size), b""))


class TestFeed:
    """What Arrow reads."""

    def test_it_is_begin_source_and_end(self) -> None:
        feed = Feed(io.BytesIO(b"abcdef"), begin=b"(", end=b")")  # type: ignore[arg-type]
        assert blocks(feed, 4) == [b"(", b"abcd", b"ef", b")"]
        assert feed.read(4) == b""

    def test_blocks_are_whole_however_little_the_source_gives(self) -> None:
        feed = Feed(Dripping(b"abcdefg", drop=1), begin=b"(", end=b")")
        assert blocks(feed, 3) == [b"(", b"abc", b"def", b"g", b")"]

    def test_an_error_looks_like_the_end_and_is_kept(self) -> None:
        error = OSError("broken")
        feed = Feed(Dripping(b"ab", drop=2, error=error), begin=b"(", end=b")")
        assert blocks(feed, 2) == [b"(", b"ab"]
        assert feed.error is error

    def test_it_can_be_stopped(self) -> None:
        feed = Feed(io.BytesIO(b"abcdef"), begin=b"(", end=b")")  # type: ignore[arg-type]
        assert feed.read(2) == b"("
        feed.stop()
        assert feed.read(2) == b""
        feed.wait_for_end()


def parsed(
    source: io.RawIOBase,
    refuse: Callable[[RefusedRow], bool] = lambda _: True,
    *,
    width: int = 2,
    block_bytes: int = 1 << 16,
) -> Generator[pa.RecordBatch]:
    definition = Definition("rows", "rows.csv", block_bytes=block_bytes)
    return parse(source, definition, range(width), width=width, refuse=refuse)


def rows_of(batches: Generator[pa.RecordBatch]) -> list[tuple[bytes, ...]]:
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


ENDING = (END.encode(), END.encode())


def test_the_last_row_is_the_end() -> None:
    assert rows_of(parsed(io.BytesIO(b"1,2\n3,4"))) == [(b"1", b"2"), (b"3", b"4"), ENDING]  # type: ignore[arg-type]
    assert rows_of(parsed(io.BytesIO(b""))) == [ENDING]  # type: ignore[arg-type]


def test_refused_rows_are_told_with_their_number() -> None:
    refused: list[RefusedRow] = []
    source = io.BytesIO(b'1,2\n3\n\n"4\n",5\n6,7,8\n9,"10\n')
    rows = rows_of(parsed(source, lambda row: refused.append(row) is None))  # type: ignore[arg-type]
    assert rows == [(b"1", b"2"), (b"4\n", b"5"), (b"9", f"10\n\n{END},{END}\n".encode())]
    assert refused == [RefusedRow(2, 1, False), RefusedRow(4, 3, False)]


def test_a_refused_row_that_ends_the_file_says_so() -> None:
    refused: list[RefusedRow] = []
    rows = rows_of(parsed(io.BytesIO(b'1,2\n"3,4\n'), lambda row: refused.append(row) is None))  # type: ignore[arg-type]
    assert rows == [(b"1", b"2")]
    assert refused == [RefusedRow(2, 1, True)]


def test_who_refuses_for_good_is_not_given_the_rest() -> None:
    many = b"1,2\n" * 100_000
    batches = parsed(io.BytesIO(b"1\n" + many * 10), lambda _: False)  # type: ignore[arg-type]
    assert len(rows_of(batches)) < 1_000_000


def test_errors_of_the_source_come_after_the_blocks_before_them() -> None:
    block = b"1,2\n" * (1 << 14)
    seen = 0
    with pytest.raises(ValueError, match="broken"):  # noqa: PT012 -- the rows before the error count
        for batch in parsed(Dripping(block, drop=1 << 10, error=ValueError("broken"))):
            seen += batch.num_rows
    assert seen == 1 << 14


@pytest.mark.parametrize("attempt", range(5))
@pytest.mark.parametrize(
    ("middle", "ends"),
    [(b"", None), (b"x" * 200_000 + b",1\n", RowTooLongError), (b'"never closed\n', RowTooLongError)],
    ids=["left early", "too long", "never closed"],
)
def test_no_reader_is_left_waiting(middle: bytes, ends: type[Exception] | None, attempt: int) -> None:
    """Whatever the ending, Arrow's threads come to rest: another file can be read, and quickly."""
    many = b"1,2\n" * 200_000

    def work() -> None:
        batches = parsed(io.BytesIO(many + middle + many))  # type: ignore[arg-type]
        next(batches)
        if ends is None:
            batches.close()
        else:
            with pytest.raises(ends):
                rows_of(batches)
        gc.collect()
        assert len(rows_of(parsed(io.BytesIO(many)))) == 200_001  # type: ignore[arg-type]

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(60)
    assert not worker.is_alive()


def lines_of(path: Path, *, block_bytes: int = 1 << 16) -> LineSource:
    source = TextSource(list_files(str(path))[0], "utf-8")
    return LineSource(source, max_line_bytes=block_bytes)


class TestRewriting:
    """Dialects that Arrow does not know, as plain CSV."""

    def rewritten(self, path: Path, content: bytes, dialect: Dialect, *, skip_bad: bool = False) -> bytes:
        path.write_bytes(content)
        source = RewrittenSource(lines_of(path), dialect, width=2, file="rows.csv", skip_bad=skip_bad)
        with source:
            return b"".join(iter(lambda: source.read(8), b""))

    def test_fields_are_quoted_where_they_must_be(self, tmp_path: Path) -> None:
        content = "a¦ \"b¦\nc\"\n\n'd'¦e,f\n".encode()
        dialect = Dialect(delimiter="¦", skipinitialspace=True)
        assert self.rewritten(tmp_path / "x.csv", content, dialect) == 'a,"b¦\nc"\r\n\'d\',"e,f"\r\n'.encode()

    def test_ragged_rows_stay_ragged(self, tmp_path: Path) -> None:
        dialect = Dialect(skipinitialspace=True)
        assert self.rewritten(tmp_path / "x.csv", b"1\n2,3,4\n", dialect) == b"1\r\n2,3,4\r\n"

    @pytest.mark.parametrize(
        ("content", "line"),
        [(b'1,2\n"3"x,4\n', 2), (b'1,2\n\n3,"4\n5,6\n', 3), (b'"1\n2",3\n4,"5', 3)],
    )
    def test_malformed_rows(self, tmp_path: Path, content: bytes, line: int) -> None:
        dialect = Dialect(strict=True)
        with pytest.raises(BadRowError) as caught:
            self.rewritten(tmp_path / "x.csv", content, dialect)
        assert caught.value.line == line
        skipped = self.rewritten(tmp_path / "x.csv", content, dialect, skip_bad=True)
        assert skipped.splitlines().count(b",,") == 1


class TestLocating:
    """From rows to lines."""

    @pytest.fixture
    def definition(self, tmp_path: Path) -> Definition:
        path = tmp_path / "rows.csv"
        path.write_bytes(b'# note\na,b\n1,2\n\n\n"3\n\n",4\r\n5,6\n7,' + b"x" * 70_000 + b"\n8,9\n")
        return Definition("rows", str(path), skip_header_lines=1, block_bytes=1 << 16)

    @pytest.mark.parametrize(("row", "line"), [(1, 3), (2, 6), (3, 9), (4, 10), (6, 0)])
    def test_a_row(self, definition: Definition, row: int, line: int) -> None:
        assert line_of_row(list_files(definition.path)[0], definition, row) == line

    def test_the_first_row_that_is_longer_than_a_block(self, definition: Definition) -> None:
        assert line_of_long_row(list_files(definition.path)[0], definition) == 10

    def test_a_row_of_many_lines_that_is_longer_than_a_block(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.csv"
        path.write_bytes(b'a,b\n1,2\n3,"' + b"x\n" * 50_000 + b'"\n')
        definition = Definition("rows", str(path), block_bytes=1 << 16)
        assert line_of_long_row(list_files(str(path))[0], definition) == 3

    def test_no_row_is_longer(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.csv"
        path.write_bytes(b"a,b\n1,2\n")
        assert line_of_long_row(list_files(str(path))[0], Definition("rows", str(path))) == 0

    def test_a_file_that_is_gone_has_no_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.csv"
        path.write_bytes(b"a,b\n1,2\n")
        (file,) = list_files(str(path))
        path.unlink()
        assert line_of_row(file, Definition("rows", str(path)), 1) == 0
