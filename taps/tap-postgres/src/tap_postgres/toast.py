"""Large values that an update left as they were: the log does not have them, the table does."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_postgres.copying import Copying, copy_statement
from tap_postgres.errors import MissingTable, asking
from tap_postgres.key_values import literal, state_value

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    import psycopg
    import pyarrow as pa
    from dativo_protocol.postgres import PgOptions
    from psycopg import sql
    from psycopg.rows import TupleRow

    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")

_ROWS_AT_ONCE = 1000

_NOW = """
SELECT n.nspname, c.relname, a.attname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = %s
"""

Key = tuple[str, ...]
"""Of a row: the texts of its columns, as SQL takes them."""


class ToastReader:
    """Reads values from tables by the keys of their rows."""

    def __init__(
        self, connection: psycopg.Connection[TupleRow], options: PgOptions, stop: threading.Event
    ) -> None:
        """Read by this connection, until `stop` is set."""
        self._connection = connection
        self._options = options
        self._stop = stop

    def filled(self, plan: StreamPlan, batch: pa.RecordBatch, unchanged: pa.ListArray) -> pa.RecordBatch:  # type: ignore[type-arg]
        """Return the batch with the values that its rows have left out.

        They are those of now: where a later change has made them newer, that change comes later in full. Of
        rows that are gone they stay null, and their deletion comes; likewise of columns that were dropped.

        Args:
            plan: of the stream.
            batch: in the order of the plan.
            unchanged: indices of columns by row; null for none.

        Raises:
            PostgresError: the table cannot be read.
        """
        import pyarrow as pa

        keys = plan.message.key_properties
        if not keys:
            return batch
        rows_of: dict[int, list[int]] = defaultdict(list)
        for row, indices in enumerate(unchanged.to_pylist()):
            for index in indices or ():
                rows_of[index].append(row)
        rows = sorted({row for some in rows_of.values() for row in some})
        row_keys = dict(zip(rows, _keys(batch.take(rows), keys), strict=True))
        wanted = list(dict.fromkeys(row_keys.values()))
        try:
            values = self._values(plan, [batch.schema.names[index] for index in rows_of], wanted)
        except MissingTable as error:
            log.warning(
                "%s: some large values that an update left as they were stay null: %s", plan.id, error
            )
            now, present = self._as_it_is_now(plan)
            rows_of = {index: some for index, some in rows_of.items() if batch.schema.names[index] in present}
            values = self._values(now, [batch.schema.names[index] for index in rows_of], wanted)
        arrays = list(batch.columns)
        for position, (index, lacking) in enumerate(rows_of.items()):
            found = {row: values[row_keys[row]][position] for row in lacking if row_keys[row] in values}
            arrays[index] = _replaced(arrays[index], found)
        return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)

    def _as_it_is_now(self, plan: StreamPlan) -> tuple[StreamPlan, set[str]]:
        """Return the plan with its table's name of now, and that one's columns; none if the key is gone."""
        while self._connection.pgconn.get_result() is not None:
            pass  # the connection takes the next statement after the last result only
        with asking(f"looking up the table of stream {plan.id!r}"):
            rows = self._connection.execute(_NOW, [plan.table.oid]).fetchall()
        if not rows or not {name for *_, name in rows}.issuperset(plan.message.key_properties):
            return plan, set()
        schema, table, _ = rows[0]
        return replace(plan, table=replace(plan.table, schema=schema, name=table)), {
            name for *_, name in rows
        }

    def _values(self, plan: StreamPlan, columns: list[str], keys: list[Key]) -> Mapping[Key, list[Any]]:
        """Return Arrow scalars by key, in the order of the columns."""
        if not columns:
            return {}
        partial = _only(plan, (*plan.message.key_properties, *columns))
        values: dict[Key, list[Any]] = {}
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            where = _among(plan, keys[start : start + _ROWS_AT_ONCE])
            copying = Copying(self._connection, partial, self._options, self._stop)
            for batch in copying.batches(copy_statement(partial, where=(where,))):
                found = _keys(batch, plan.message.key_properties)
                arrays = [batch.column(column) for column in columns]
                values |= {key: [array[row] for array in arrays] for row, key in enumerate(found)}
        return values


def _keys(batch: pa.RecordBatch, names: Sequence[str]) -> Iterator[Key]:
    columns = [[_text(scalar) for scalar in batch.column(name)] for name in names]
    return zip(*columns, strict=True)


def _text(scalar: pa.Scalar[Any]) -> str:
    return str(state_value(scalar))


def _only(plan: StreamPlan, names: Sequence[str]) -> StreamPlan:
    """Return the plan with some of its columns."""
    import pyarrow as pa

    wanted = list(dict.fromkeys(names))
    selects = dict(zip(plan.forms, plan.select_list, strict=True))
    return replace(
        plan,
        arrow_schema=pa.schema([plan.arrow_schema.field(name) for name in wanted]),
        select_list=tuple(selects[name] for name in wanted),
        constants=(),
    )


def _among(plan: StreamPlan, keys: Sequence[Key]) -> sql.Composable:
    from psycopg import sql

    names = plan.message.key_properties
    types = [column.sql_type for name in names if (column := plan.table.column(name)) is not None]
    rows = (
        sql.SQL("({})").format(
            sql.SQL(", ").join(literal(value, type_) for value, type_ in zip(key, types, strict=True))
        )
        for key in keys
    )
    return sql.SQL("({}) IN ({})").format(
        sql.SQL(", ").join(sql.Identifier(name) for name in names), sql.SQL(", ").join(rows)
    )


def _replaced(array: pa.Array[Any], found: Mapping[int, Any]) -> pa.Array[Any]:
    """Return the array with these rows replaced by scalars."""
    import pyarrow as pa

    if not found:
        return array
    parts, start = [], 0
    for row in sorted(found):
        parts += [array.slice(start, row - start), pa.repeat(found[row], 1)]
        start = row + 1
    return pa.concat_arrays([*parts, array.slice(start)])
