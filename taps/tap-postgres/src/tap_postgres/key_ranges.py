"""Rows by their replication keys, as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_protocol.errors import ConfigError
from dativo_protocol.state import is_less

from tap_postgres.copying import copy_statement
from tap_postgres.key_values import literal
from tap_postgres.late_commits import written_since

if TYPE_CHECKING:
    from psycopg import sql

    from tap_postgres.tables import StreamPlan

_INDEXED = ("table", "materialized view", "partitioned table")


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Rows from a key on.

    Attributes:
        key: column.
        start: condition that rows are in it; None for all, those without a key too.
        done: the key that a run before has read up to, itself included; None if there was none.
        floor: condition of the settings that rows must meet in any case.
        is_strict: rows with the key `done` are not in it.
        looks_back: rows before `done` are in it.
    """

    key: sql.Identifier
    start: sql.Composable | None = None
    done: sql.Composable | None = None
    floor: sql.Composable | None = None
    is_strict: bool = False
    looks_back: bool = False


def key_range(
    plan: StreamPlan, value: Any, *, start_date: str | None, lookback_seconds: int, is_strict: bool
) -> KeyRange:
    """Return the rows that are new.

    Args:
        plan: of the stream, with a replication key.
        value: that the run before has ended with, None if there was none.
        start_date: of the first run.
        lookback_seconds: how far to go back behind `value`.
        is_strict: leave rows with `value` out, if there can be but one.
    """
    from psycopg import sql

    assert plan.key is not None
    column = plan.table.column(plan.key)
    assert column is not None
    key = sql.Identifier(plan.table.name, plan.key)
    floor = None
    if start_date:
        floor = sql.SQL("{} >= {}").format(key, literal(start_date, column.sql_type))
    if value is None or (start_date and is_less(value, start_date)):
        return KeyRange(key, floor)
    done = literal(value, column.sql_type)
    if lookback_seconds:
        back = sql.SQL("{} - pg_catalog.make_interval(secs => {}::pg_catalog.float8)").format(
            done, sql.Literal(str(lookback_seconds))
        )
        return KeyRange(key, sql.SQL("{} >= {}").format(key, back), done, floor, looks_back=True)
    is_strict = is_strict and (plan.key,) in (plan.table.primary_key, *plan.table.unique_keys)
    start = sql.SQL("{} {} {}").format(key, sql.SQL(">" if is_strict else ">="), done)
    return KeyRange(key, start, done, floor, is_strict)


def check_key(plan: StreamPlan) -> None:
    """Refuse a key whose values a bookmark cannot have, or do not tell the order of its column.

    That of text stays that of text, whatever `column_types` reads it as.

    Raises:
        ConfigError: names the stream.
    """
    import pyarrow as pa

    column = plan.table.column(plan.key or "")
    type_ = plan.arrow_schema.field(plan.key or "").type
    if pa.types.is_boolean(type_) or pa.types.is_nested(type_):
        name = type_ if column is None else column.sql_type
        raise ConfigError(
            f"stream {plan.id!r}: replication key {plan.key!r} is of type {name}",
            instruction="Choose one that grows, such as a number or a time, or FULL_TABLE.",
        )
    is_text = column is not None and column.sql_type.startswith(("text", "character"))
    if is_text and not pa.types.is_string(type_):
        raise ConfigError(
            f"column_types: stream {plan.id!r}: replication key {plan.key!r} is text, and sorted as text",
            instruction="Leave its type as it is, or choose another replication key.",
        )


def statements(
    plan: StreamPlan, rows: KeyRange, upper: tuple[sql.Composable, ...], limit: int | None
) -> tuple[sql.Composable, ...]:
    """Return what reads a range in order; several statements, so that an index serves each.

    Args:
        plan: of the stream.
        rows: to read.
        upper: conditions on the greatest key.
        limit: most rows that no run has read before. Others come in any case: if more rows share a key than
            the limit allows each run would read the same ones.
    """
    from psycopg import sql

    if rows.start is None:
        return _all(plan, rows.key, upper, limit)
    if limit is None or rows.done is None:
        return (copy_statement(plan, where=(rows.start, *upper), order=rows.key, limit=limit),)
    again = copy_statement(
        plan, where=(rows.start, sql.SQL("{} <= {}").format(rows.key, rows.done), *upper), order=rows.key
    )
    new = copy_statement(
        plan, where=(sql.SQL("{} > {}").format(rows.key, rows.done), *upper), order=rows.key, limit=limit
    )
    return (new,) if rows.is_strict else (again, new)


def _all(
    plan: StreamPlan, key: sql.Identifier, upper: tuple[sql.Composable, ...], limit: int | None
) -> tuple[sql.Composable, ...]:
    from psycopg import sql

    assert plan.key is not None
    column = plan.table.column(plan.key)
    if column is not None and column.not_null:
        return (copy_statement(plan, where=upper, order=key, limit=limit),)
    if plan.table.kind not in _INDEXED and not upper and limit is None:
        return (copy_statement(plan, order=sql.SQL("{} NULLS FIRST").format(key)),)
    return (
        copy_statement(plan, where=(sql.SQL("{} IS NULL").format(key),)),
        copy_statement(plan, where=(sql.SQL("{} IS NOT NULL").format(key), *upper), order=key, limit=limit),
    )


def late_statement(plan: StreamPlan, rows: KeyRange, transaction: int) -> sql.Composable:
    """Return what reads the rows outside a range that this transaction or a later one has written."""
    from psycopg import sql

    outside = sql.SQL("({}) IS NOT TRUE").format(rows.start or sql.SQL("TRUE"))
    floor = (rows.floor,) if rows.floor is not None else ()
    return copy_statement(plan, where=(outside, written_since(transaction), *floor))
