"""Batches of text -> batches of the stream's schema, with bad rows and values treated as the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dativo_protocol.arrow import arrow_type

from tap_csv.conversion import Converted, convert
from tap_csv.decoding import MARK
from tap_csv.definitions import SOURCE_FILE, SOURCE_FILE_MTIME, SOURCE_LINENO
from tap_csv.describe import describe
from tap_csv.errors import BadValueError
from tap_csv.numbering import RowNumbers
from tap_csv.tally import Tally
from tap_csv.typenames import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from dativo_protocol.columns import Column

    from tap_csv.plan import StreamPlan
    from tap_csv.rows import CsvFile, TextBatch


@dataclass(frozen=True, slots=True)
class TypedBatch:
    """Rows ready to be written.

    Attributes:
        last_row: number of the last row of the file that is in the batch or was left out before its end.
    """

    rows: pa.RecordBatch
    last_row: int


class RowTyper:
    """Types the rows of one file.

    Attributes:
        left_out: bad rows, where the settings allow them.
        nulled: bad values that became null.
    """

    def __init__(self, plan: StreamPlan, file: CsvFile) -> None:
        self.left_out = Tally()
        self.nulled = Tally()
        self._plan = plan
        self._file = file
        self._schema = plan.arrow_schema
        self._skips_rows = plan.definition.on_bad_row == "skip"
        self._nulls_values = plan.definition.on_bad_value == "null"
        header = set(file.header.columns)
        self.columns = [each.name for each in plan.columns if each.name in header]

    def typed(self, batch: TextBatch) -> TypedBatch:
        """Type a batch.

        Raises:
            BadRowError: a row cannot be decoded or lacks its key, and bad rows fail the run.
            BadValueError: a value does not fit its column, and bad values fail the run.
        """
        last_row = batch.numbers.last
        text, numbers = self._decodable(batch.columns, batch.numbers)
        columns = [self._column(column, text, numbers) for column in self._plan.columns]
        rows = _record_batch(columns, self._schema, len(numbers))
        return TypedBatch(self._with_keys(rows, numbers), last_row)

    def _decodable(self, text: pa.RecordBatch, numbers: RowNumbers) -> tuple[pa.RecordBatch, RowNumbers]:
        import pyarrow.compute as pc

        if not self._file.has_undecodable:
            return text, numbers
        marked: Any = None
        for column in text.columns:
            found = pc.fill_null(pc.match_substring(cast("Any", column), MARK), False)  # noqa: FBT003
            marked = found if marked is None else pc.or_(marked, found)
        if marked is None or not pc.any(marked).as_py():
            return text, numbers
        self._bad_rows(marked, numbers, lambda: self._undecodable(text, marked))
        return text.filter(pc.invert(marked)), _without(numbers, marked)

    def _column(self, column: Column, text: pa.RecordBatch, numbers: RowNumbers) -> Any:
        if self._plan.produces(column.name):
            return self._metadata(column, numbers)
        if column.name not in self.columns:
            import pyarrow as pa

            return pa.nulls(len(numbers), cast("Any", arrow_type(column.type)))
        lenient = column.name in self._plan.definition.types
        values: Any = text.column(column.name)
        converted = convert(values, column.type, lenient=lenient)
        if converted.bad is not None:
            self._bad_values(column, values, converted, numbers)
        return converted.values

    def _metadata(self, column: Column, numbers: RowNumbers) -> Any:
        import pyarrow as pa

        file = self._file.file
        constant: dict[str, Any] = {SOURCE_FILE: file.name, SOURCE_FILE_MTIME: file.modified_at}
        if column.name == SOURCE_LINENO:
            return numbers.array()
        value: Any = pa.scalar(constant[column.name], arrow_type(column.type))
        return pa.repeat(value, len(numbers))

    def _with_keys(self, rows: pa.RecordBatch, numbers: RowNumbers) -> pa.RecordBatch:
        import pyarrow.compute as pc

        for key in self._plan.keys:
            values = rows.column(key)
            if values.null_count:
                keyless = pc.is_null(values)
                self._bad_rows(keyless, numbers, lambda key=key: f"key column {key!r} is null")  # type: ignore[misc]
                rows, numbers = rows.filter(pc.invert(keyless)), _without(numbers, keyless)
        return rows

    def _bad_rows(self, bad: Any, numbers: RowNumbers, reason: Callable[[], str]) -> None:
        row, count = numbers.at(_first(bad)), bad.true_count
        if not self._skips_rows:
            raise self._file.error_at(row, reason())
        self.left_out.add(row, count)

    def _bad_values(self, column: Column, text: Any, converted: Converted, numbers: RowNumbers) -> None:
        bad: Any = converted.bad
        at = _first(bad)
        if self._nulls_values:
            self.nulled.add(numbers.at(at), bad.true_count)
            return
        kind = describe(text[at].as_py())
        reason = f"column {column.name!r}: expected {type_name(column.type)}, got {kind}"
        error = self._file.error_at(numbers.at(at), reason, BadValueError)
        name = column.name
        error.instruction = (
            f'Set `types: {{"{name}": "string"}}` or another type that fits, add the text to `null_values` '
            "if it means null, or set `on_bad_value: null`."
        )
        raise error

    def _undecodable(self, text: pa.RecordBatch, marked: Any) -> str:
        row = _first(marked)
        names = (
            name for name in text.schema.names if MARK.encode() in (text.column(name)[row].as_py() or b"")
        )
        column = next(names, "")
        return f"column {column!r} has bytes that are not {self._plan.definition.encoding}"


def _first(mask: Any) -> int:
    import pyarrow.compute as pc

    return int(pc.index(mask, value=True).as_py())


def _without(numbers: RowNumbers, dropped: Any) -> RowNumbers:
    """Drop the numbers of dropped rows; there are few of them, or the batch is small."""
    import pyarrow.compute as pc

    kept: list[range] = []
    start = 0
    for at in [*pc.indices_nonzero(dropped).to_pylist(), len(numbers)]:
        kept.extend(numbers.slice(start, at).ranges)
        start = at + 1
    return RowNumbers(tuple(kept))


def _record_batch(columns: Sequence[Any], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    import pyarrow as pa

    if columns:
        return pa.record_batch(list(columns), schema=schema)
    empty: Any = pa.array([{}] * rows, pa.struct([]))
    return pa.RecordBatch.from_struct_array(empty)
