"""Column types <-> Arrow (pyarrow is imported when the first function is called: start-up is a promise).

Two directions: a target turns a SCHEMA's columns into the Arrow schema that the native decoder fills; a tap
turns the Arrow schema of its source into the JSON Schema it announces.

Field metadata directs the native core: `dativo.json` = "text" (the column holds JSON text verbatim) and
`dativo.key` = "true" (a record without the property is invalid).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from dativo_protocol.columns import (
    MAX_DECIMAL_DIGITS,
    Binary,
    Boolean,
    Column,
    ColumnType,
    Date,
    Decimal,
    Integer,
    JsonText,
    ListOf,
    MapOf,
    Number,
    String,
    Struct,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
    name_fault,
)
from dativo_protocol.describe import json_schema_of_columns
from dativo_protocol.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pyarrow as pa

JSON_KEY = b"dativo.json"
KEY_KEY = b"dativo.key"

UUID_BYTES = 16
"""Width of the fixed-size binary that the native core reads and writes as a UUID; other widths are base64."""


def arrow_schema(columns: Iterable[Column], *, keys: Collection[str] = (), stream: str = "") -> pa.Schema:
    """Return the Arrow schema of a stream's records; every field is nullable.

    Args:
        columns: in order.
        keys: names of the key properties.
        stream: name for errors.

    Raises:
        SchemaError: a key is not among the columns.
    """
    import pyarrow as pa

    columns = tuple(columns)
    missing = sorted(set(keys) - {column.name for column in columns})
    if missing:
        raise SchemaError(f"key properties not in the schema: {', '.join(missing)}", stream=stream)
    return pa.schema([arrow_field(column, key=column.name in keys) for column in columns])


def arrow_field(column: Column, *, key: bool = False) -> pa.Field[Any]:
    """Return the nullable Arrow field of one column, with the metadata that directs the native core."""
    import pyarrow as pa

    metadata: dict[bytes | str, bytes | str] = {}
    if isinstance(column.type, JsonText):
        metadata[JSON_KEY] = b"text"
    if key:
        metadata[KEY_KEY] = b"true"
    return pa.field(column.name, arrow_type(column.type), nullable=True, metadata=metadata or None)


def arrow_type(type_: ColumnType) -> pa.DataType:
    """Return the Arrow type of a column type; JsonText is a string whose *field* carries the difference."""
    import pyarrow as pa

    match type_:
        case Decimal(precision, scale):
            return pa.decimal128(precision, scale)
        case Struct(columns):
            return pa.struct([arrow_field(column) for column in columns])
        case ListOf(item):
            return pa.list_(arrow_field(Column("item", item)))
        case MapOf(value):
            member: Any = arrow_field(Column("value", value))
            return cast("pa.DataType", pa.map_(pa.string(), member))
        case _:
            return _simple_type(type_)


def columns_of_arrow(schema: pa.Schema, *, stream: str = "") -> tuple[Column, ...]:
    """Return the columns that hold the values of an Arrow schema without loss.

    Raises:
        SchemaError: a type that JSON records cannot carry, such as a duration.
    """
    return tuple(_column(field, stream=stream, path="") for field in schema)


def json_schema_of(schema: pa.Schema, *, keys: Collection[str] = (), stream: str = "") -> dict[str, Any]:
    """Return the Singer schema a tap announces for batches of this Arrow schema.

    Args:
        schema: of the batches.
        keys: names of the key properties: not nullable, all others are.
        stream: name for errors.

    Raises:
        SchemaError: a type that JSON records cannot carry, or a key that is no field.
    """
    missing = sorted(set(keys) - set(schema.names))
    if missing:
        raise SchemaError(f"key properties not in the data: {', '.join(missing)}", stream=stream)
    return json_schema_of_columns(columns_of_arrow(schema, stream=stream), keys=keys)


def _simple_type(type_: ColumnType) -> pa.DataType:
    import pyarrow as pa

    simple: dict[type, pa.DataType] = {
        Boolean: pa.bool_(),
        Integer: pa.int64(),
        Number: pa.float64(),
        String: pa.string(),
        JsonText: pa.string(),
        Binary: pa.binary(),
        TimestampTz: pa.timestamp("us", tz="UTC"),
        Timestamp: pa.timestamp("us"),
        Date: pa.date32(),
        Time: pa.time64("us"),
        Uuid: pa.uuid(),
    }
    return simple[type(type_)]


def _column(field: pa.Field[Any], *, stream: str, path: str) -> Column:
    place = f"{path}/{field.name}"
    if fault := name_fault(field.name):
        raise SchemaError(fault, stream=stream, path=ascii(place)[1:-1])
    return Column(field.name, _column_type(field, stream=stream, path=place))


def _column_type(field: pa.Field[Any], *, stream: str, path: str) -> ColumnType:
    if (field.metadata or {}).get(JSON_KEY) == b"text":
        return JsonText()
    return _type_of_arrow(field.type, stream=stream, path=path)


def _type_of_arrow(type_: pa.DataType, *, stream: str, path: str) -> ColumnType:
    import pyarrow as pa
    from pyarrow import types

    if isinstance(type_, pa.DictionaryType):
        return _type_of_arrow(type_.value_type, stream=stream, path=path)
    if isinstance(type_, pa.BaseExtensionType):
        return _type_of_arrow(type_.storage_type, stream=stream, path=path)
    if isinstance(type_, pa.StructType):
        members = (type_.field(index) for index in range(type_.num_fields))
        return Struct(tuple(_column(member, stream=stream, path=path) for member in members))
    if isinstance(type_, pa.MapType) and _is_text(type_.key_type):
        return MapOf(_column_type(type_.item_field, stream=stream, path=f"{path}/value"))
    if types.is_list(type_) or types.is_large_list(type_) or types.is_fixed_size_list(type_):
        return ListOf(_column_type(type_.value_field, stream=stream, path=f"{path}/item"))
    if types.is_decimal(type_):
        return _decimal(type_)
    return _scalar(type_, stream=stream, path=path)


def _decimal(type_: Any) -> ColumnType:
    precision, scale = type_.precision, type_.scale
    if scale < 0:
        precision, scale = precision - scale, 0
    digits = max(precision, scale)
    return Decimal(digits, scale) if digits <= MAX_DECIMAL_DIGITS else JsonText()


def _scalar(type_: pa.DataType, *, stream: str, path: str) -> ColumnType:
    from pyarrow import types

    if types.is_uint64(type_):
        return Decimal(20, 0)
    if types.is_fixed_size_binary(type_) and type_.byte_width == UUID_BYTES:
        return Uuid()
    if types.is_timestamp(type_):
        return Timestamp() if type_.tz is None else TimestampTz()
    for is_kind, column_type in (
        (types.is_boolean, Boolean()),
        (types.is_integer, Integer()),
        (types.is_floating, Number()),
        (_is_text, String()),
        (types.is_null, String()),  # a column that never had a value: text can take whatever comes
        (types.is_date, Date()),
        (types.is_time, Time()),
        (types.is_binary, Binary()),
        (types.is_large_binary, Binary()),
        (types.is_binary_view, Binary()),
        (types.is_fixed_size_binary, Binary()),
    ):
        if is_kind(type_):
            return column_type
    raise _unsupported(type_, stream=stream, path=path)


def _is_text(type_: pa.DataType) -> bool:
    from pyarrow import types

    return types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_)


def _unsupported(type_: pa.DataType, *, stream: str, path: str) -> SchemaError:
    return SchemaError(
        f"records cannot carry the Arrow type {type_}",
        stream=stream,
        path=path,
        instruction="Cast the column to a string or a supported type first.",
    )
