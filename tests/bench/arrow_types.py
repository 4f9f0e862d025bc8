"""The Arrow types of the streams' fields."""

import pyarrow as pa

from tests.bench.streams import Field, Stream

TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"),
}
IN_JSON = TYPES | {"date": pa.string(), "datetime": pa.string()}
"""The types as JSON has them: dates are strings."""


def arrow_schema(stream: Stream, scalars: dict[str, pa.DataType] = TYPES) -> pa.Schema:
    return pa.schema([(field.name, _arrow_type(field, scalars)) for field in stream.fields])


def _arrow_type(field: Field, scalars: dict[str, pa.DataType]) -> pa.DataType:
    if field.kind == "object":
        return pa.struct([(member.name, _arrow_type(member, scalars)) for member in field.fields])
    if field.kind == "array":
        return pa.list_(_arrow_type(field.fields[0], scalars))
    return scalars[field.kind]
