"""What a SCHEMA asks of values that the types of columns do not guarantee already.

Rows that come as Arrow or Parquet have types. If those say all that the SCHEMA says, and it mostly is so,
there is nothing left to check but nulls, where a value is required. Otherwise the rows are validated as the
records that they would have been (`batch_lines`).

A null of a column stands for a property that is null or absent: such files cannot tell the two apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_protocol.columns import (
    Date,
    Decimal,
    Integer,
    JsonText,
    ListOf,
    MapOf,
    Struct,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
)
from dativo_protocol.schema import columns_of

if TYPE_CHECKING:
    import pyarrow as pa
    from dativo_protocol.columns import ColumnType
    from dativo_protocol.messages import SchemaMessage

_ASSERTING = frozenset(
    [
        "$ref",
        "$dynamicRef",
        "$recursiveRef",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "const",
        "enum",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "uniqueItems",
        "contains",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "propertyNames",
        "patternProperties",
        "additionalItems",
        "prefixItems",
        "unevaluatedItems",
        "unevaluatedProperties",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "extends",
    ]
)
"""Keywords that ask for more than a type; `format` and `multipleOf` are looked at by themselves."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What to check of rows with types.

    Attributes:
        beyond_types: the SCHEMA asks for more than types and required values.
        never_null: columns of required values.
    """

    beyond_types: bool
    never_null: frozenset[str]

    def are_kept_by(self, batch: pa.RecordBatch) -> bool:
        """Whether the types and nulls of rows alone show that they are valid."""
        return not self.beyond_types and not any(
            batch.column(name).null_count for name in self.never_null if name in batch.schema.names
        )


NO_RULES = Rules(beyond_types=False, never_null=frozenset())


def rules_of(message: SchemaMessage) -> Rules:
    """Work out what to check of the rows of a stream."""
    columns = columns_of(message.schema, stream=message.stream)
    properties = message.schema.get("properties", {})
    beyond = _asserts(message.schema) or any(
        not _is_guaranteed(properties.get(column.name), column.type) for column in columns
    )
    return Rules(beyond, frozenset(column.name for column in columns if column.required))


def lenient_schema(message: SchemaMessage) -> dict[str, Any]:
    """Write the schema so that null is as good as absent, for every property that need not be there."""
    required = message.schema.get("required", ())
    properties = message.schema.get("properties", {})
    lenient = {name: schema if name in required else _nullable(schema) for name, schema in properties.items()}
    return {**message.schema, "properties": lenient}


def _nullable(schema: Any) -> Any:
    if not isinstance(schema, Mapping) or "type" not in schema:
        return schema
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    nullable = {**schema, "type": [*types, "null"]}
    return nullable | {"enum": [*schema["enum"], None]} if "enum" in schema else nullable


def _asserts(schema: Mapping[str, Any]) -> bool:
    return not _ASSERTING.isdisjoint(schema) or schema.get("additionalProperties", True) is not True


def _is_guaranteed(schema: Any, type_: ColumnType) -> bool:
    """Whether every value of a column, nulls apart, satisfies the schema of its property."""
    if not isinstance(schema, Mapping) or _asserts(schema):
        return False
    match type_:
        case Struct() | ListOf() | MapOf():
            return False  # nulls inside would have to be looked at one by one
        case JsonText():
            return "type" not in schema
    return _has_format(schema, type_) and _has_scale(schema, type_)


def _has_format(schema: Mapping[str, Any], type_: ColumnType) -> bool:
    return "format" not in schema or isinstance(type_, TimestampTz | Timestamp | Date | Time | Uuid)


def _has_scale(schema: Mapping[str, Any], type_: ColumnType) -> bool:
    """Whether the digits of the type are those that `multipleOf` allows."""
    if "multipleOf" not in schema:
        return True
    step = float(schema["multipleOf"])
    if isinstance(type_, Decimal):
        return step == 10.0**-type_.scale
    return isinstance(type_, Integer) and step == 1
