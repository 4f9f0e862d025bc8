"""The columns of a table as its metadata file has them, worked out without the Iceberg library.

That library takes a second to import. What it will say of a table that is new, or that already has just the
columns wanted, follows from rules of the format: which type a column has, and which ids a new table gives.
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from target_iceberg.columns import ID_KEY, NOTED
from target_iceberg.errors import UnforeseenError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import pyarrow as pa

    Field = dict[str, Any]

_INEXACT = ("float", "double")


def fresh_fields(columns: pa.Schema, keys: Collection[str]) -> list[Field]:
    """The fields that a table made for these columns has; key columns are required where they may be.

    Raises:
        UnforeseenError: a column has a type that is not known here.
    """
    fields = _Numbering().members(columns)
    for field in fields:
        field["required"] = (
            field["name"] in keys and isinstance(field["type"], str) and field["type"] not in _INEXACT
        )
    return fields


def alike(wanted: Sequence[Field], found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a table has these fields and no others, in their order, whatever their ids."""
    return len(wanted) == len(found) and all(
        each["name"] == other["name"] and _same_type(each["type"], other["type"])
        for each, other in zip(wanted, found, strict=True)
    )


def with_ids_of(columns: pa.Schema, fields: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """The columns as a data file has them: see `columns.with_field_ids`."""
    import pyarrow as pa

    return pa.schema([_identified(*each) for each in zip(columns, fields, strict=True)])


def notes_on(columns: pa.Schema, fields: Sequence[Mapping[str, Any]]) -> str:
    """What the table property says about these columns: see `columns.notes_of`."""
    notes: dict[str, dict[str, str]] = {}
    for column, field in zip(columns, fields, strict=True):
        _note(column, field["id"], field["type"], notes)
    return json.dumps(notes, sort_keys=True)


class _Numbering:
    """Gives ids as a new table does: those of a level first, then those inside each of its fields."""

    def __init__(self) -> None:
        self._ids = count(1)

    def members(self, fields: Iterable[pa.Field[Any]]) -> list[Field]:
        numbered = [(field, next(self._ids)) for field in fields]
        return [
            {"id": id_, "name": field.name, "required": not field.nullable, "type": self._type(field.type)}
            for field, id_ in numbered
        ]

    def _type(self, type_: pa.DataType) -> Any:
        import pyarrow as pa
        from pyarrow import types

        if isinstance(type_, pa.StructType):
            return {"type": "struct", "fields": self.members(type_)}
        if isinstance(type_, pa.MapType):
            key, value = next(self._ids), next(self._ids)
            return {
                "type": "map",
                "key-id": key,
                "key": self._type(type_.key_type),
                "value-id": value,
                "value-required": not type_.item_field.nullable,
                "value": self._type(type_.item_type),
            }
        if types.is_list(type_):
            return {
                "type": "list",
                "element-id": next(self._ids),
                "element-required": not type_.value_field.nullable,
                "element": self._type(type_.value_type),
            }
        return _primitive(type_)


def _primitive(type_: pa.DataType) -> str:
    import pyarrow as pa

    if isinstance(type_, pa.Decimal128Type):
        return f"decimal({type_.precision}, {type_.scale})"
    known = {
        pa.bool_(): "boolean",
        pa.int32(): "int",
        pa.int64(): "long",
        pa.float32(): "float",
        pa.float64(): "double",
        pa.string(): "string",
        pa.binary(): "binary",
        pa.date32(): "date",
        pa.time64("us"): "time",
        pa.timestamp("us"): "timestamp",
        pa.timestamp("us", tz="UTC"): "timestamptz",
    }
    if type_ not in known:
        raise UnforeseenError
    return known[type_]


def _same_type(wanted: Any, found: Any) -> bool:
    if not (isinstance(wanted, dict) and isinstance(found, dict)):
        return bool(wanted == found)
    if wanted["type"] != found["type"]:
        return False
    if wanted["type"] == "struct":
        required = [field["required"] for field in wanted["fields"]]
        return required == [field["required"] for field in found["fields"]] and alike(
            wanted["fields"], found["fields"]
        )
    flags = [name for name in wanted if name.endswith("-required")]
    inner = [name for name in ("key", "value", "element") if name in wanted]
    return all(wanted[name] == found[name] for name in flags) and all(
        _same_type(wanted[name], found[name]) for name in inner
    )


def _identified(column: pa.Field[Any], field: Mapping[str, Any]) -> pa.Field[Any]:
    return _with_id(column, field["id"], field["type"], required=field["required"])


def _with_id(column: pa.Field[Any], id_: int, type_: Any, *, required: bool) -> pa.Field[Any]:
    import pyarrow as pa

    kept = {key: value for key, value in (column.metadata or {}).items() if key in NOTED}
    metadata = cast("dict[bytes | str, bytes | str]", kept | {ID_KEY: str(id_).encode()})
    return pa.field(
        column.name, _with_inner_ids(column.type, type_), nullable=not required, metadata=metadata
    )


def _with_inner_ids(arrow: Any, type_: Any) -> pa.DataType:
    import pyarrow as pa

    if isinstance(arrow, pa.StructType):
        return pa.struct([_identified(*each) for each in zip(arrow, type_["fields"], strict=True)])
    if isinstance(arrow, pa.MapType):
        key: Any = _with_id(arrow.key_field.with_name("key"), type_["key-id"], type_["key"], required=True)
        value: Any = _with_id(
            arrow.item_field.with_name("value"),
            type_["value-id"],
            type_["value"],
            required=type_["value-required"],
        )
        return pa.map_(key, value)
    if isinstance(arrow, pa.ListType):
        element = arrow.value_field.with_name("element")
        inner = type_["element-id"], type_["element"]
        return pa.list_(_with_id(element, *inner, required=type_["element-required"]))
    return cast("pa.DataType", arrow)


def _note(column: pa.Field[Any], id_: int, type_: Any, notes: dict[str, dict[str, str]]) -> None:
    metadata = column.metadata or {}
    if noted := {name: metadata[key].decode() for key, name in NOTED.items() if key in metadata}:
        notes[str(id_)] = noted
    arrow: Any = column.type
    if not isinstance(type_, dict):
        return
    if type_["type"] == "struct":
        for member, field in zip(arrow, type_["fields"], strict=True):
            _note(member, field["id"], field["type"], notes)
    elif type_["type"] == "list":
        _note(arrow.value_field, type_["element-id"], type_["element"], notes)
    else:
        _note(arrow.item_field, type_["value-id"], type_["value"], notes)
