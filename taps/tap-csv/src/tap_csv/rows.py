"""The rows of one file as Arrow batches of bytes, parsed but not yet typed."""

from __future__ import annotations

import io
import re
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from tap_csv.errors import BadRowError, CsvError, UnreadableFileError
from tap_csv.header import Header, read_header
from tap_csv.lines import LineSource
from tap_csv.locate import line_of_row
from tap_csv.numbering import RowCounter, RowNumbers
from tap_csv.rewriting import RewrittenSource
from tap_csv.tally import Tally
from tap_csv.text import TextSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    from tap_csv.definitions import Definition
    from tap_csv.sources import SourceFile

END = "EndOfFileReachedByTapCsv"
"""Fields of a row that is put after the last one. A quote that is never closed would swallow it."""

_BAD_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_TOO_LONG = "straddl"


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Some consecutive rows of a file.

    Attributes:
        columns: by the names of the stream, as bytes; UTF-8 unless the file says otherwise.
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
        left_out: bad rows, where the settings allow them.
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
        self._end_swallowed = False
        self._text = TextSource(file, definition.encoding, mark=self._skips)
        self._lines = LineSource(self._text, max_line_bytes=definition.block_bytes)
        self.header: Header = read_header(self._lines, definition, file.name)

    @property
    def has_undecodable(self) -> bool:
        """Whether `text.MARK` may be in what was read so far."""
        return self._text.marked

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def batches(self, columns: Sequence[str]) -> Iterator[TextBatch]:
        """Parse the rows, once.

        Args:
            columns: those to read, of the header.

        Raises:
            BadRowError: a row is malformed, too long for a block, or its quotes are never closed.
            UnreadableFileError: the file cannot be read on.
        """
        import pyarrow as pa

        if not self.header.columns:
            return
        names = self.header.columns
        wanted = [str(names.index(column)) for column in columns] or ["0"]
        try:
            yield from self._numbered(self._parse(wanted), columns)
        except pa.ArrowException as error:
            raise self._explained(error) from error

    def error_at(self, row: int, reason: str, kind: type[CsvError] = BadRowError) -> CsvError:
        """Make an error that names the line of a row."""
        line = line_of_row(self.file, self._definition, row)
        return kind(reason if line else f"row {row}: {reason}", file=self.file.name, line=line)

    def _parse(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield batches of which all but the last hold good rows only; the last ends with the row of ENDs."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        definition = self._definition
        reading = arrow_csv.ReadOptions(
            use_threads=False,  # only so are bad rows reported with their number
            block_size=definition.block_bytes,
            column_names=[str(at) for at in range(len(self.header.columns))],
        )
        conversion = arrow_csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(wanted, pa.binary()),
            include_columns=list(wanted),
            null_values=list(definition.null_values),
            strings_can_be_null=True,
            quoted_strings_can_be_null=definition.quoted_nulls,
        )
        source: Any = pa.PythonFile(self._canonical_source(), mode="r")
        yield from arrow_csv.open_csv(source, reading, self._parsing(), conversion)

    def _parsing(self) -> arrow_csv.ParseOptions:
        from pyarrow import csv as arrow_csv

        dialect = self._definition.dialect
        plain = dialect.needs_rewriting
        return arrow_csv.ParseOptions(
            delimiter="," if plain else dialect.delimiter,
            quote_char='"' if plain else dialect.quotechar or False,
            double_quote=plain or dialect.doublequote,
            escape_char=False if plain else dialect.escapechar or False,
            newlines_in_values=True,
            invalid_row_handler=self._leave_out if self._skips else None,
        )

    def _canonical_source(self) -> io.RawIOBase:
        dialect = self._definition.dialect
        width = len(self.header.columns)
        end = f"\n{dialect.delimiter.join([END] * width)}\n"
        if not dialect.needs_rewriting:
            return _EndMarked(self._lines, end.encode())
        return RewrittenSource(
            self._lines, dialect, end, width=width, file=self.file.name, skip_bad=self._skips
        )

    def _leave_out(self, row: arrow_csv.InvalidRow) -> Literal["skip"]:
        number = cast("int", row.number)
        self._counter.leave_out(number)
        self.left_out.add(number)
        self._end_swallowed = self._end_swallowed or END in row.text
        return "skip"

    def _numbered(self, parsed: Iterator[pa.RecordBatch], columns: Sequence[str]) -> Iterator[TextBatch]:
        held: pa.RecordBatch | None = None
        for batch in parsed:
            if not batch.num_rows:
                continue
            if held is not None:
                yield self._text_batch(held, columns)
            held = batch
        if held is not None and (last := self._without_end(held)).num_rows:
            yield self._text_batch(last, columns)

    def _text_batch(self, batch: pa.RecordBatch, columns: Sequence[str]) -> TextBatch:
        kept = batch.rename_columns(list(columns)) if columns else batch.select([])
        return TextBatch(kept, self._counter.take(batch.num_rows))

    def _without_end(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        last = batch.num_rows - 1
        if batch.column(0)[last].as_py() == END.encode():
            return batch.slice(0, last)
        if self._end_swallowed:
            return batch
        row = self._counter.number_ahead(batch.num_rows)
        if not self._skips:
            raise self.error_at(row, "the row has a quote that is never closed")
        self.left_out.add(row)
        return batch.slice(0, last)

    def _explained(self, error: Exception) -> CsvError:
        text = str(error)
        if found := _BAD_ROW.search(text):
            row, expected, got = map(int, found.groups())
            if END in text:
                return self.error_at(row, "the row has a quote that is never closed")
            return self.error_at(row, f"the row has {got} {_fields(got)}, the header has {expected}")
        if _TOO_LONG in text:
            limit = self._definition.block_bytes
            reason = f"a row from here on is longer than {limit} bytes, or a quote is never closed"
            located = self.error_at(self._counter.upcoming, reason)
            located.instruction = "Look for a stray quote character, or raise `block_size_kb`."
            return located
        return UnreadableFileError(f"cannot be parsed: {text}", file=self.file.name)


@contextmanager
def open_csv(file: SourceFile, definition: Definition) -> Iterator[CsvFile]:
    """Open a file for the block; see `CsvFile` for what can go wrong."""
    with closing(CsvFile(file, definition)) as opened:
        yield opened


class _EndMarked(io.RawIOBase):
    """A source with a row of ENDs after everything else."""

    def __init__(self, source: io.RawIOBase, end: bytes) -> None:
        super().__init__()
        self._source = source
        self._end = end

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        if not data:
            data, self._end = self._end, b""
        return data or b""


def _fields(count: int) -> str:
    return "field" if count == 1 else "fields"
