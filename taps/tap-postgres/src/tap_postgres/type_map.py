"""PostgreSQL's types -> forms: the one place that decides what becomes of a column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_postgres.connection_settings import is_set
from tap_postgres.forms import (
    BYTEA,
    HEX,
    HSTORE,
    JSON,
    NATIVE,
    TEMPORAL_AS_TEXT,
    TEXT,
    UNBOUNDED_NUMERIC,
    Form,
    list_form,
    numeric_form,
    struct_form,
    text_form,
)
from tap_postgres.overrides import cast_to

if TYPE_CHECKING:
    from psycopg import sql

    from tap_postgres.pg_types import PgType
    from tap_postgres.settings import TypeSettings

_SYSTEM = "pg_catalog"
_MODIFIER_HEADER = 4
_GEOMETRY = ("geometry", "geography")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings want of types."""

    dates_as_text: bool
    json_as_object: bool
    hex_bytes: bool
    geojson: bool

    @classmethod
    def of(cls, settings: TypeSettings) -> Rules:
        """Take them from the settings."""
        return cls(
            dates_as_text=is_set(settings.dates_as_string),
            json_as_object=is_set(settings.json_as_object),
            hex_bytes=settings.bytea_as == "hex",
            geojson=settings.geometry_as == "geojson",
        )


@dataclass(frozen=True, slots=True)
class Mapped:
    """What becomes of a column.

    Attributes:
        name: of the column.
        form: of its values.
        select: the expression that reads it.
    """

    name: str
    form: Form
    select: sql.Composable


def map_column(
    name: str, type_: PgType, typmod: int, dimensions: int, rules: Rules, *, override: str | None = None
) -> Mapped | None:
    """Return what becomes of a column, None if nothing can.

    Args:
        name: of the column.
        type_: declared.
        typmod: declared.
        dimensions: declared of an array.
        rules: of the settings.
        override: a type of the setting `column_types`.

    Raises:
        ConfigError: there is no such type to override with.
    """
    from psycopg import sql

    column = sql.Identifier(name)
    if override is not None:
        return Mapped(name, *cast_to(override, column, _bottom(type_)))
    form = _form(type_, typmod, dimensions, rules)
    if form is None:
        return None
    bottom = _bottom(type_)
    if form.as_text and rules.geojson and _is_geometry(bottom):
        function = sql.Identifier(bottom.schema, "st_asgeojson")
        return Mapped(name, _as_json(JSON, rules), sql.SQL("{}({})").format(function, column))
    if form.as_text:
        return Mapped(name, form, sql.SQL("{}::pg_catalog.text").format(column))
    if form.kind == "array" and _item(form).as_text:
        return Mapped(name, form, sql.SQL("{}::pg_catalog.text[]").format(column))
    return Mapped(name, form, column)


def _form(type_: PgType, typmod: int, dimensions: int, rules: Rules) -> Form | None:
    match type_.kind:
        case "pseudo":
            return None
        case "domain":
            assert type_.base is not None
            # A domain over a domain has no modifier of its own; the one below has.
            return _form(type_.base, type_.typmod, type_.dimensions, rules)
        case "array":
            return _array(type_, typmod, dimensions, rules)
        case "composite":
            return _composite(type_, rules)
        case "enum":
            return TEXT
        case "range":
            return text_form()
        case "base":
            return _base(type_, typmod, rules)


def _base(type_: PgType, typmod: int, rules: Rules) -> Form | None:
    if type_.schema != _SYSTEM:
        known = {("hstore", "hstore"): HSTORE, ("citext", "citext"): TEXT}
        return known.get((type_.extension, type_.name)) or text_form()
    if type_.name == "unknown":
        return None
    if type_.name == "interval":
        return text_form(format="duration")
    form = NATIVE.get(type_.name)
    if form is None or (rules.dates_as_text and type_.name in TEMPORAL_AS_TEXT):
        return text_form()
    if form is BYTEA and rules.hex_bytes:
        return HEX
    if form.kind in ("json", "jsonb"):
        return _as_json(form, rules)
    return form if typmod < _MODIFIER_HEADER else _modified(form, type_.name, typmod - _MODIFIER_HEADER)


def _modified(form: Form, name: str, modifier: int) -> Form:
    if name in ("bpchar", "varchar"):
        return replace(form, keywords={"maxLength": modifier})
    if form is UNBOUNDED_NUMERIC:
        scale = modifier & 0x7FF
        return numeric_form(modifier >> 16 & 0xFFFF, (scale ^ 0x400) - 0x400)  # eleven bits, signed
    return form


def _as_json(form: Form, rules: Rules) -> Form:
    return replace(form, keywords={"type": "object"}) if rules.json_as_object else form


def _array(type_: PgType, typmod: int, dimensions: int, rules: Rules) -> Form | None:
    assert type_.item is not None
    item = _form(type_.item, typmod, 0, rules)
    if item is None:
        return None
    if item.kind == "array":  # of a domain over an array: lists whose lengths differ, which arrays have not
        return text_form()
    return list_form(item, max(1, dimensions), type_.item.delimiter)


def _composite(type_: PgType, rules: Rules) -> Form | None:
    members = [(each.name, _form(each.type, each.typmod, each.dimensions, rules)) for each in type_.fields]
    known = [(name, form) for name, form in members if form is not None]
    if len(known) < len(members) or not members or any(_needs_cast(form) for _, form in known):
        return text_form()
    return struct_form(known)


def _needs_cast(form: Form) -> bool:
    return form.as_text or any(_needs_cast(part) for _, part in form.parts)


def _item(form: Form) -> Form:
    while form.kind == "array":
        form = form.parts[0][1]
    return form


def _bottom(type_: PgType) -> PgType:
    while type_.base is not None:
        type_ = type_.base
    return type_


def _is_geometry(type_: PgType) -> bool:
    return type_.name in _GEOMETRY and type_.extension.startswith("postgis")
