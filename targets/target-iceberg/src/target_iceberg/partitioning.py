"""Partition fields: as the user writes them, as a spec of the table, and as a way to divide rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from target_parquet.errors import LayoutError

from target_iceberg.terms import Term, checked_transform, parse_term

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import Transform


@dataclass(frozen=True, slots=True)
class PartitionField(Term):
    """A partition field."""

    @property
    def name(self) -> str:
        """Of the field in the spec, as Iceberg's engines name it."""
        suffix = {"identity": "", "truncate": "_trunc"}.get(
            kind := self.transform.partition("[")[0], f"_{kind}"
        )
        return f"{self.source}{suffix}"


def parse_partition_fields(texts: Sequence[str], stream: str) -> tuple[PartitionField, ...]:
    """Read what the user wrote.

    Raises:
        LayoutError: one of them is no transform of a column.
    """
    return tuple(_parse(text, stream) for text in texts)


def _parse(text: str, stream: str) -> PartitionField:
    term = parse_term(text)
    if term is None:
        raise LayoutError(
            f"partition_by: {text!r} of stream {stream!r} is no partition field",
            instruction="Write a column, or one of bucket[N], truncate[N], year, month, day and hour "
            "with the column in parentheses.",
        )
    return PartitionField(term.source, term.transform)


def spec_of(fields: Sequence[PartitionField], schema: Schema, stream: str) -> PartitionSpec:
    """Make the spec of a table that has none yet.

    Raises:
        LayoutError: there is no such column, or its type cannot be transformed so.
    """
    from pyiceberg.partitioning import PARTITION_FIELD_ID_START, PartitionSpec
    from pyiceberg.partitioning import PartitionField as SpecField

    transforms = [partition_transform(each, schema, stream) for each in fields]
    return PartitionSpec(
        *(
            SpecField(
                source_id=schema.find_field(each.source).field_id,
                field_id=PARTITION_FIELD_ID_START + index,
                transform=transform,
                name=each.name,
            )
            for index, (each, transform) in enumerate(zip(fields, transforms, strict=True))
        )
    )


def partition_transform(field: PartitionField, schema: Schema, stream: str) -> Transform[Any, Any]:
    """The transform of a field, if its column is there and can take it.

    Raises:
        LayoutError: it cannot.
    """
    return checked_transform(field, schema, stream, setting="partition_by", verb="partitioned")


@dataclass(slots=True)
class SpecPartitioning:
    """Divides rows by the fields of a table's spec.

    Attributes:
        spec: of the table.
        schema: of the table.
        values: of the partition of each directory that rows were put into, in the order of the spec.
    """

    spec: PartitionSpec
    schema: Schema
    values: dict[str, tuple[Any, ...]] = field(default_factory=lambda: {"": ()})

    def split(self, _: pa.RecordBatch, rows: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the directory ("" without partitions) and the rows of each partition; they keep their order.

        A copy is made of what is not the whole batch: a slice would keep all of it in memory for as long as
        the last rare value waits for its row group.
        """
        if self.spec.is_unpartitioned():
            yield "", rows
            return
        import pyarrow.compute as pc

        keys = [self._key(index, rows) for index in range(len(self.spec.fields))]
        codes = keys[0].codes
        for key in keys[1:]:
            codes = pc.add(pc.multiply(codes, len(key.values)), key.codes)
        order = pc.array_sort_indices(codes)
        runs = pc.run_end_encode(codes.take(order))  # type: ignore[attr-defined]
        start = 0
        for end, code in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
            whole = end - start == rows.num_rows
            directory = self._directory(_values(keys, code))
            yield directory, rows if whole else rows.take(order.slice(start, end - start))
            start = end

    def _key(self, index: int, rows: pa.RecordBatch) -> _Key:
        spec_field = self.spec.fields[index]
        source = self.schema.find_field(spec_field.source_id)
        transformed = spec_field.transform.pyarrow_transform(source.field_type)(rows.column(source.name))
        return _Key.of(transformed)

    def _directory(self, values: tuple[Any, ...]) -> str:
        """A path for these values that no others have: text cannot tell null from "null"."""
        from pyiceberg.typedef import Record

        path = self.spec.partition_to_path(Record(*values), self.schema)
        name, number = path, 1
        while self.values.setdefault(name, values) != values:
            number += 1
            name = f"{path}-{number}"
        return name


@dataclass(frozen=True, slots=True)
class _Key:
    """One partition field of one batch, as numbers into its distinct values."""

    codes: pa.Array[Any]
    values: list[Any]

    @classmethod
    def of(cls, transformed: pa.Array[Any] | pa.ChunkedArray[Any]) -> _Key:
        import pyarrow as pa
        import pyarrow.compute as pc

        whole = transformed.combine_chunks() if isinstance(transformed, pa.ChunkedArray) else transformed
        stored = whole.storage if isinstance(whole, pa.ExtensionArray) else whole
        encoded = cast("pa.DictionaryArray[Any, Any]", pc.dictionary_encode(stored, null_encoding="encode"))
        return cls(encoded.indices.cast(pa.int64()), _plain(encoded.dictionary, whole.type).to_pylist())


def _plain(values: pa.Array[Any], type_: pa.DataType) -> pa.Array[Any]:
    """Times and dates as the numbers that Iceberg keeps of them; bytes of UUIDs as UUIDs."""
    import pyarrow as pa
    from pyarrow import types

    if isinstance(type_, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(type_, values)
    if types.is_date32(values.type):
        return values.cast(pa.int32())
    if types.is_timestamp(values.type) or types.is_time64(values.type):
        return values.cast(pa.int64())
    return values


def _values(keys: Sequence[_Key], code: int) -> tuple[Any, ...]:
    values = []
    for key in reversed(keys):
        code, at = divmod(code, len(key.values))
        values.append(key.values[at])
    return tuple(reversed(values))
