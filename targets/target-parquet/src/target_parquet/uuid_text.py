"""UUIDs as sixteen bytes become the text that they have in JSON, where a column is to hold text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import pyarrow as pa

    Column = pa.Array[Any]

_GROUPS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
"""Hexadecimal digits between the dashes."""


def with_text_of_uuids(column: Column, wanted: pa.DataType) -> Column:
    """Return the column with text wherever it has UUIDs and `wanted` has text, in lists and structs too."""
    import pyarrow as pa

    of = column.type
    if pa.types.is_string(wanted) and of in (pa.uuid(), pa.binary(16)):
        return _text(column.storage if isinstance(column, pa.ExtensionArray) else column)
    if pa.types.is_list(of) and pa.types.is_list(wanted):
        return _list(cast("pa.ListArray[Any]", column), wanted)
    if pa.types.is_struct(of) and pa.types.is_struct(wanted):
        return _struct(cast("pa.StructArray", column), wanted)
    return column


def _text(column: Column) -> Column:
    import pyarrow as pa
    from pyarrow import compute as pc

    data = column.buffers()[1]
    start = 16 * column.offset
    digits = b"" if data is None else memoryview(data)[start : start + 16 * len(column)].hex().encode()
    buffers = [None, pa.py_buffer(digits)]
    hexadecimal = (
        pa.Array.from_buffers(pa.binary(32), len(column), buffers).cast(pa.binary()).cast(pa.string())
    )
    parts = [pc.utf8_slice_codeunits(hexadecimal, start, stop) for start, stop in _GROUPS]
    joined = pc.binary_join_element_wise(*parts, pa.scalar("-"))  # type: ignore[call-overload]
    return cast("Column", pc.if_else(column.is_valid(), joined, pa.scalar(None, pa.string())))


def _list(column: pa.ListArray[Any], wanted: pa.DataType) -> Column:
    import pyarrow as pa
    from pyarrow import compute as pc

    values = with_text_of_uuids(column.values, wanted.field(0).type)
    if values is column.values or values.type == column.values.type:
        return column
    # Offsets of a slice cannot be given together with nulls; the sum is no slice.
    offsets = pc.add(column.offsets, pa.scalar(0, pa.int32()))
    return cast("Column", pa.ListArray.from_arrays(offsets, values, mask=column.is_null()))


def _struct(column: pa.StructArray, wanted: pa.DataType) -> Column:
    import pyarrow as pa

    fields = [column.type.field(index) for index in range(column.type.num_fields)]
    types = {wanted.field(index).name: wanted.field(index).type for index in range(wanted.num_fields)}
    members = [
        with_text_of_uuids(column.field(index), types.get(field.name, field.type))
        for index, field in enumerate(fields)
    ]
    if all(member.type == field.type for member, field in zip(members, fields, strict=True)):
        return column
    changed = [field.with_type(member.type) for member, field in zip(members, fields, strict=True)]
    return cast("Column", pa.StructArray.from_arrays(members, fields=changed, mask=column.is_null()))
