"""Arrow's CSV parser, led so that it always comes to its end.

Arrow reads ahead in a thread of its own. Where its reader is dropped before that thread has come to an end,
by an error or because nobody wants the rest, the two may wait for each other for ever (seen in pyarrow 26).
So nothing here fails inside Arrow: bad rows are skipped and remembered, errors of the source are kept and
look like its end, and what is not wanted any more is ended by the source and read out. One error is left, a
row that no two blocks hold: then the reader is kept rather than dropped.
"""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    from tap_csv.definitions import Definition

END = "EndOfFileReachedByTapCsv"
"""Fields of a row that is put after the last one. A quote that is never closed would swallow it."""

_BEGIN = "x"
_SECONDS_TO_COME_TO_AN_END = 5.0
_kept_readers: list[object] = []


class RowTooLongError(Exception):
    """A row is longer than a block."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that has not as many fields as there are columns.

    Attributes:
        number: of the row, 1-based.
        fields: how many it has.
        swallowed_end: it goes to the end of the file, in quotes that are never closed.
    """

    number: int
    fields: int
    swallowed_end: bool


class Feed(io.RawIOBase):
    """What Arrow reads: a first row of its own, the source, and then its end, whatever happens.

    The first row makes sure that opening the parser, which already parses a block, cannot fail.

    Attributes:
        error: what the source raised, if anything.
    """

    def __init__(self, source: io.RawIOBase, *, begin: bytes, end: bytes) -> None:
        super().__init__()
        self.error: Exception | None = None
        self._source = source
        self._before = begin
        self._after = end
        self._is_stopped = False
        self._has_ended = threading.Event()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read about `size` bytes; b"" only at the end. Raises nothing."""
        data, self._before = self._before, b""
        data = data or self._next(size)
        if not data:
            self._has_ended.set()
        return data

    def stop(self) -> None:
        """Let the next read be the last."""
        self._is_stopped = True

    def wait_for_end(self) -> None:
        """Wait until Arrow has seen the end."""
        self._has_ended.wait(_SECONDS_TO_COME_TO_AN_END)

    def _next(self, size: int) -> bytes:
        if self._is_stopped:
            return b""
        try:
            data = self._whole_block(size)
        except Exception as error:  # noqa: BLE001 -- raised again where Arrow has let go
            self.error = error
            return b""
        if not data:
            data, self._after = self._after, b""
        return data

    def _whole_block(self, size: int) -> bytes:
        """Read no less than asked for while there is more: a short block could not hold a long row."""
        data = self._source.read(size) or b""
        while 0 < len(data) < size and (more := self._source.read(size - len(data))):
            data += more
        return data


def parse(
    source: io.RawIOBase,
    definition: Definition,
    wanted: Sequence[int],
    *,
    width: int,
    refuse: Callable[[RefusedRow], bool],
) -> Generator[pa.RecordBatch]:
    """Parse rows; the last row of the last batch is one of ENDs, unless a quote or an error swallowed it.

    Args:
        source: the rows, in the dialect of the definition or, if that needs rewriting, in plain CSV.
        definition: of the stream.
        wanted: positions of the columns to return, as bytes.
        width: how many columns there are.
        refuse: told of rows with another number of fields; whether to go on.

    Raises:
        RowTooLongError: a row is longer than a block.
        Exception: what the source raised.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    parsing = _parse_options(definition)
    delimiter = parsing.delimiter
    begin, end = (f"{delimiter.join([text] * width)}\n".encode() for text in (_BEGIN, END))
    feed = Feed(source, begin=begin, end=b"\n" + end)
    parsing.invalid_row_handler = _refusing(refuse, feed)
    reading = arrow_csv.ReadOptions(
        use_threads=False,  # only so are bad rows reported with their number
        block_size=definition.block_bytes,
        column_names=[str(at) for at in range(width)],
    )
    python_file: Any = pa.PythonFile(feed, mode="r")
    reader = arrow_csv.open_csv(python_file, reading, parsing, _convert_options(definition, wanted))
    return _batches(reader, feed)


def _batches(reader: pa.RecordBatchReader, feed: Feed) -> Generator[pa.RecordBatch]:
    import pyarrow as pa

    is_first = True
    try:
        for batch in reader:
            yield batch.slice(1) if is_first else batch
            is_first = False
    except GeneratorExit:
        feed.stop()
        _read_out(reader)
        raise
    except pa.ArrowInvalid as error:
        _keep(reader, feed)
        raise RowTooLongError(str(error)) from error
    if feed.error is not None:
        raise feed.error


def _read_out(reader: pa.RecordBatchReader) -> None:
    import pyarrow as pa

    try:
        for _ in reader:
            pass
    except pa.ArrowInvalid:
        _kept_readers.append(reader)


def _keep(reader: pa.RecordBatchReader, feed: Feed) -> None:
    _kept_readers.append(reader)
    feed.stop()
    feed.wait_for_end()


def _refusing(
    refuse: Callable[[RefusedRow], bool], feed: Feed
) -> Callable[[arrow_csv.InvalidRow], Literal["skip"]]:
    def handle(row: arrow_csv.InvalidRow) -> Literal["skip"]:
        number = cast("int", row.number) - 1  # the row of the feed is the first
        if not refuse(RefusedRow(number, row.actual_columns, END in row.text)):
            feed.stop()
        return "skip"

    return handle


def _parse_options(definition: Definition) -> arrow_csv.ParseOptions:
    from pyarrow import csv as arrow_csv

    dialect = definition.dialect
    if dialect.needs_rewriting:
        return arrow_csv.ParseOptions(newlines_in_values=True)
    return arrow_csv.ParseOptions(
        delimiter=dialect.delimiter,
        quote_char=dialect.quotechar or False,
        double_quote=dialect.doublequote,
        escape_char=dialect.escapechar or False,
        newlines_in_values=True,
    )


def _convert_options(definition: Definition, wanted: Sequence[int]) -> arrow_csv.ConvertOptions:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(at) for at in wanted]
    return arrow_csv.ConvertOptions(
        check_utf8=False,
        column_types=dict.fromkeys(names, pa.binary()),
        include_columns=names,
        null_values=list(definition.null_values),
        strings_can_be_null=True,
        quoted_strings_can_be_null=definition.quoted_nulls,
    )
