"""The columns that make a key, and the keys of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from dativo_protocol.errors import SchemaError, StoreError

from target_iceberg.upsert.errors import UnusableKeyError
from target_iceberg.upsert.kernels import count_true

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa
    from pyiceberg.schema import Schema

    from target_iceberg.upsert.kernels import Values


@dataclass(frozen=True, slots=True)
class KeyColumns:
    """The columns of a table that make its key.

    Attributes:
        stream: whose rows they identify, for messages.
        ids: field ids, in order.
        schema: names and Arrow types, in the same order; no column takes null.
    """

    stream: str
    ids: tuple[int, ...]
    schema: pa.Schema

    @classmethod
    def of_table(cls, stream: str, schema: Schema, ids: Sequence[int]) -> KeyColumns:
        """The key of a table, from its Iceberg schema and the ids of the fields that make it.

        Raises:
            SchemaError: one of them is not a column of the table, or of a type that cannot be compared.
        """
        import pyarrow as pa
        from pyiceberg.io.pyarrow import schema_to_pyarrow
        from pyiceberg.schema import Schema

        columns = {field.field_id: field for field in schema.fields}
        fields = []
        for each in ids:
            if each not in columns:
                raise SchemaError(f"key field {each} is not a column of the table", stream=stream)
            if not columns[each].field_type.is_primitive:
                name = columns[each].name
                raise SchemaError(
                    f"a {columns[each].field_type} cannot be part of a key", stream=stream, path=f"/{name}"
                )
            kind = _plain(schema_to_pyarrow(Schema(columns[each])).field(0).type)
            fields.append(pa.field(columns[each].name, kind, nullable=False))
        return cls(stream, tuple(ids), pa.schema(fields))

    def at_least(self, kinds: Sequence[pa.DataType]) -> KeyColumns:
        """The same columns with types that take values of these too, which the table may be about to get."""
        import pyarrow as pa

        fields = [
            field.with_type(_wider(field.type, kind)) for field, kind in zip(self.schema, kinds, strict=True)
        ]
        return replace(self, schema=pa.schema(fields))

    def of_rows(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The keys of rows, whose columns have the names of the table's and types that widen to them.

        Raises:
            UnusableKeyError: a key is null or NaN somewhere.
        """
        import pyarrow as pa

        columns = [self.widen(rows.column(field.name), field.type) for field in self.schema]
        for field, column in zip(self.schema, columns, strict=True):
            self._check(field.name, column)
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def of_keys(self, keys: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Keys that were written with the types of their epoch, in those that the table has now."""
        import pyarrow as pa

        for batch in keys:
            pairs = zip(batch.columns, self.schema, strict=True)
            arrays = [self.widen(column, field.type) for column, field in pairs]
            yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def widen(self, column: Values, kind: pa.DataType) -> Values:
        """A column of keys as the type that the table has now.

        Raises:
            StoreError: the types have nothing to do with each other, so no table has both.
        """
        import pyarrow as pa
        from pyarrow import compute

        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        if column.type == kind:
            return column
        try:
            # What a reader sees of a timestamp is its microseconds.
            return compute.cast(column, kind, safe=not pa.types.is_timestamp(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise StoreError(
                f"stream {self.stream!r}: keys of type {column.type} cannot be compared with {kind}: {error}"
            ) from error

    def _check(self, name: str, column: Values) -> None:
        import pyarrow as pa
        from pyarrow import compute

        if column.null_count:
            self._refuse(name, column.null_count, "null")
        if pa.types.is_floating(column.type):
            nans = count_true(compute.is_nan(column))
            if nans:
                self._refuse(name, nans, "NaN")

    def _refuse(self, name: str, rows: int, value: str) -> NoReturn:
        count = "1 row has" if rows == 1 else f"{rows} rows have"
        raise UnusableKeyError(f"key column {name!r}: {count} the value {value}", stream=self.stream)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type that values of one Iceberg type are compared as, whatever holds them."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return kind.storage_type
    plain: dict[pa.DataType, pa.DataType] = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}
    return plain.get(kind, kind)


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type that the specification lets the other widen to; `one` where it knows of none."""
    import pyarrow as pa

    if pa.types.is_decimal(one) and pa.types.is_decimal(other) and one.scale == other.scale:
        return max(one, other, key=lambda each: each.precision)
    widest = {(pa.int32(), pa.int64()), (pa.float32(), pa.float64())}
    return other if (one, other) in widest else one
