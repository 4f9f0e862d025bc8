"""Tables as the stream of changes describes them -> plans: what ALTER TABLE has changed shows here."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_postgres.discovery import look_up
from tap_postgres.errors import asking
from tap_postgres.forms import TEXT, text_form
from tap_postgres.log_plan import described, metadata_names
from tap_postgres.pg_types import read_types
from tap_postgres.type_map import Rules, map_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import psycopg
    from dativo_protocol.postgres import PgRelation, PgRelationColumn
    from psycopg import sql
    from psycopg.rows import TupleRow

    from tap_postgres.discovery import Discovered
    from tap_postgres.forms import Form
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")

_WIDTHS = (("int2", "int4", "int8", "numeric"), ("float4", "float8"))
"""Kinds whose texts the later ones of a row can read, too."""

Declared = tuple[int, int]
"""Oid of a type, and its modifier."""


@dataclass(frozen=True, slots=True)
class LogStream:
    """A stream as its changes are described now.

    Attributes:
        plan: of its batches.
        declared: types by column, of which the plan's forms were made.
    """

    plan: StreamPlan
    declared: Mapping[str, Declared]

    @classmethod
    def of(cls, plan: StreamPlan) -> LogStream:
        """As the server's catalog has it now."""
        columns = plan.table.columns
        return cls(plan, {column.name: (column.type_oid, column.typmod) for column in columns})


class Relations:
    """Finds the stream that a description is of, and adapts its plan.

    Args:
        streams: by id.
        connection: to ask for types by.
        settings: of the tap.
    """

    def __init__(
        self,
        streams: Iterable[LogStream],
        connection: psycopg.Connection[TupleRow],
        settings: TapPostgresSettings,
    ) -> None:
        self._streams = {stream.plan.table.oid: stream for stream in streams}
        self._connection = connection
        self._settings = settings

    def adapt(self, relation: PgRelation) -> tuple[LogStream, bool] | None:
        """Return the stream as it is described, and whether its SCHEMA has changed; None if it is not read.

        Raises:
            PostgresError: the server cannot be asked.
        """
        oid = self._oid(relation)
        if oid is None:
            return None
        stream = self._streams[oid]
        described_now = {column.name: (column.type_oid, column.modifier) for column in relation.columns}
        changed = [
            column for column in relation.columns if self._is_news(stream, column, described_now[column.name])
        ]
        adapted = self._with(stream, changed) if changed else stream
        self._streams[oid] = adapted
        return adapted, adapted.plan.message != stream.plan.message

    def _oid(self, relation: PgRelation) -> int | None:
        if relation.relid in self._streams:
            return int(relation.relid)
        names = (relation.schema, relation.table)
        same = (
            oid for oid, it in self._streams.items() if (it.plan.table.schema, it.plan.table.name) == names
        )
        return next(same, None)

    def _is_news(self, stream: LogStream, column: PgRelationColumn, declared: Declared) -> bool:
        if column.name in stream.plan.forms:
            return stream.declared.get(column.name) != declared
        if stream.declared.get(column.name) == declared:
            return False  # known, and left out
        selection = stream.plan.selection
        return selection is None or selection.includes(("properties", column.name))

    def _with(self, stream: LogStream, changed: list[PgRelationColumn]) -> LogStream:
        plan = stream.plan
        with asking(f"looking up the columns of stream {plan.id!r}"):
            found = look_up(self._connection, self._settings, {plan.table.stream_id})
            types = read_types(self._connection, [column.type_oid for column in changed])
        current = next((each for each in found if each.table.oid == plan.table.oid), None)
        forms, declared = dict(plan.forms), dict(stream.declared)
        selects = dict(zip(forms, plan.select_list, strict=True))
        for column in changed:
            form = self._form(column, current, types)
            declared[column.name] = (column.type_oid, column.modifier)
            if form is not None:
                forms[column.name] = form
                selects[column.name] = _select(column.name, current)
        log.info("%s: the table was altered: %s", plan.id, ", ".join(column.name for column in changed))
        names = metadata_names(self._settings.replication_metadata_columns)
        plan = replace(plan, select_list=tuple(selects[name] for name in forms))
        return replace(stream, plan=described(plan, forms, names), declared=declared)

    def _form(
        self, column: PgRelationColumn, current: Discovered | None, types: Mapping[int, object]
    ) -> Form | None:
        """Return the form of a column, by the catalog of now where that can read what the stream has."""
        now = None if current is None else current.table.column(column.name)
        mapped = None if current is None else current.mapped.get(column.name)
        if now is not None and (now.type_oid, now.typmod) == (column.type_oid, column.modifier):
            return None if mapped is None else mapped.form
        form = self._by_type(column, types, 0 if now is None else now.dimensions)
        if form is not None and mapped is not None and _reads(mapped.form, form):
            return mapped.form
        return form

    def _by_type(self, column: PgRelationColumn, types: Mapping[int, object], dimensions: int) -> Form | None:
        type_ = types.get(column.type_oid)
        if type_ is None:  # dropped since
            return text_form()
        rules = Rules.of(self._settings)
        mapped = map_column(column.name, type_, column.modifier, dimensions, rules)  # type: ignore[arg-type]
        return None if mapped is None else mapped.form


def _select(name: str, current: Discovered | None) -> sql.Composable:
    from psycopg import sql

    mapped = None if current is None else current.mapped.get(name)
    return sql.Identifier(name) if mapped is None else mapped.select


def _reads(wider: Form, form: Form) -> bool:
    """Whether texts of one form can be read as the other."""
    if wider.type == TEXT.type and wider.kind == "text":
        return True
    return any(
        form.kind in kinds and wider.kind in kinds and kinds.index(form.kind) <= kinds.index(wider.kind)
        for kinds in _WIDTHS
    )
