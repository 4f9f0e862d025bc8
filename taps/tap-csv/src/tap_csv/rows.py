"""The rows of one file as Arrow batches of bytes: parsed, numbered, not yet typed."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_csv.errors import BadRowError, CsvError
from tap_csv.header import Header, read_header
from tap_csv.lines import LineSource
from tap_csv.locate import line_of_long_row, line_of_row
from tap_csv.numbering import RowCounter, RowNumbers
from tap_csv.parsing import END, RefusedRow, RowTooLongError, parse
from tap_csv.rewriting import RewrittenSource
from tap_csv.tally import Tally
from tap_csv.text import TextSource

if TYPE_CHECKING:
    import io
    from collections.abc import Generator, Iterator, Sequence

    import pyarrow as pa

    from tap_csv.definitions import Definition
    from tap_csv.sources import SourceFile

_NEVER_CLOSED = "the row has a quote that is never closed"


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Some consecutive rows of a file.

    Attributes:
        columns: by the names of the stream, as bytes of UTF-8.
        numbers: of the rows in the file.
    """

    columns: pa.RecordBatch
    numbers: RowNumbers

    def after(self, row: int) -> TextBatch:
        """Return what comes after row number `row`."""
        before = self.numbers.count_up_to(row)
        if not before:
            return self
        return TextBatch(self.columns.slice(before), self.numbers.slice(before, len(self.numbers)))


class CsvFile:
    """One open file.

    Attributes:
        header: its columns.
        left_out: malformed rows, where the settings allow them.
    """

    def __init__(self, file: SourceFile, definition: Definition) -> None:
        """Open a file and read its header.

        Raises:
            UnreadableFileError: it cannot be opened.
            HeaderError: its header cannot be used.
        """
        self.file = file
        self.left_out = Tally()
        self._definition = definition
        self._skips = definition.on_bad_row == "skip"
        self._counter = RowCounter()
        self._refused: RefusedRow | None = None
        self._end_swallowed = False
        self._text = TextSource(file, definition.encoding)
        self._lines = LineSource(self._text, max_line_bytes=definition.block_bytes)
        self.header: Header = read_header(self._lines, definition, file.name)

    @property
    def has_undecodable(self) -> bool:
        """Whether `decoding.MARK` may be in what was read so far."""
        return self._text.marked

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def batches(self, columns: Sequence[str]) -> Generator[TextBatch]:
        """Parse the rows, once; close the iterator if it is not taken to its end.

        Args:
            columns: those to read, of the header.

        Raises:
            BadRowError: a row is malformed, too long for a block, or its quotes are never closed.
            UnreadableFileError: the file cannot be read on.
        """
        names = self.header.columns
        if not names:
            return
        wanted = [names.index(column) for column in columns] or [0]
        parsed = parse(self._source(), self._definition, wanted, width=len(names), refuse=self._refuse)
        with closing(parsed):
            try:
                yield from self._numbered(parsed, columns)
            except RowTooLongError as error:
                raise self._too_long() from error

    def error_at(self, row: int, reason: str, kind: type[CsvError] = BadRowError) -> CsvError:
        """Make an error that names the line of a row."""
        line = line_of_row(self.file, self._definition, row)
        return kind(reason if line else f"row {row}: {reason}", file=self.file.name, line=line)

    def _source(self) -> io.RawIOBase:
        if not self._definition.dialect.needs_rewriting:
            return self._lines
        width = len(self.header.columns)
        return RewrittenSource(
            self._lines, self._definition.dialect, width=width, file=self.file.name, skip_bad=self._skips
        )

    def _refuse(self, row: RefusedRow) -> bool:
        self._counter.leave_out(row.number)
        self._end_swallowed = self._end_swallowed or row.swallowed_end
        if self._skips:
            self.left_out.add(row.number)
        else:
            self._refused = self._refused or row
        return self._skips

    def _numbered(self, parsed: Iterator[pa.RecordBatch], columns: Sequence[str]) -> Iterator[TextBatch]:
        held: pa.RecordBatch | None = None
        for batch in parsed:
            if not batch.num_rows:
                continue
            if held is not None:
                yield self._text_batch(held, columns)
            held = batch
        self._insist_on_good_rows()
        if held is not None and (last := self._without_end(held)).num_rows:
            yield self._text_batch(last, columns)

    def _text_batch(self, batch: pa.RecordBatch, columns: Sequence[str]) -> TextBatch:
        numbers = self._counter.take(batch.num_rows)
        if self._refused is not None and numbers.last > self._refused.number:
            self._insist_on_good_rows()
        kept = batch.rename_columns(list(columns)) if columns else batch.select([])
        return TextBatch(kept, numbers)

    def _without_end(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        last = batch.num_rows - 1
        if batch.column(0)[last].as_py() == END.encode():
            return batch.slice(0, last)
        if self._end_swallowed:
            return batch
        row = self._counter.number_ahead(batch.num_rows)
        if not self._skips:
            raise self.error_at(row, _NEVER_CLOSED)
        self.left_out.add(row)
        return batch.slice(0, last)

    def _insist_on_good_rows(self) -> None:
        refused = self._refused
        if refused is None:
            return
        if refused.swallowed_end:
            raise self.error_at(refused.number, _NEVER_CLOSED)
        noun = "field" if refused.fields == 1 else "fields"
        width = len(self.header.columns)
        raise self.error_at(refused.number, f"the row has {refused.fields} {noun}, the header has {width}")

    def _too_long(self) -> CsvError:
        reason = (
            f"the row is longer than {self._definition.block_bytes} bytes, or its quotes are never closed"
        )
        return BadRowError(
            reason,
            file=self.file.name,
            line=line_of_long_row(self.file, self._definition),
            instruction="Look for a stray quote character, or raise `block_size_kb`.",
        )


@contextmanager
def open_csv(file: SourceFile, definition: Definition) -> Iterator[CsvFile]:
    """Open a file for the block; see `CsvFile` for what can go wrong."""
    with closing(CsvFile(file, definition)) as opened:
        yield opened
