"""Values from Parquet, given back to PostgreSQL, and compared there with those they came from.

Two values are equal when the server sends the same bytes for both: `float8send(a) = float8send(b)`.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

FROM_JSON = {
    "jsonb[]": "(SELECT array_agg(e) FROM jsonb_array_elements({}::jsonb) e)",
    "numeric[]": "(SELECT array_agg(e::numeric) FROM jsonb_array_elements_text({}::jsonb) e)",
}
"""Arrays of values that are JSON texts travel as one such text."""
ID = "id"


def differences(
    connection: psycopg.Connection[Any],
    table: str,
    returned: pa.Table,
    types: Mapping[str, str],
    policies: Mapping[str, str] | None = None,
) -> list[tuple[int, str, str | None, str | None]]:
    """Those values that came back otherwise: id, column, what the table has, what came back.

    Args:
        connection: to the server of the table.
        table: with a column `id`.
        returned: what Parquet has of it.
        types: declared, by column.
        policies: expressions over a column `{0}`: what is expected in its place.
    """
    _create(connection, returned, types)
    found = [
        row
        for name, declared in types.items()
        for row in connection.execute(_query(connection, table, name, declared, (policies or {}).get(name)))
    ]
    connection.execute("DROP TABLE returned")
    return [(row[0], *row[1:]) for row in found]


def _create(connection: psycopg.Connection[Any], returned: pa.Table, types: Mapping[str, str]) -> None:
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in types)
    connection.execute(sql.SQL("CREATE TEMPORARY TABLE returned (id bigint, {})").format(columns))
    with connection.cursor().copy("COPY returned FROM STDIN") as copy:
        for row in returned.to_pylist():
            copy.write_row([row[ID], *(text_of(row[name], types[name]) for name in types)])


def _query(
    connection: psycopg.Connection[Any], table: str, name: str, declared: str, policy: str | None
) -> sql.Composed:
    source, back = (sql.SQL("{}.{}").format(sql.SQL(side), sql.Identifier(name)) for side in ("t", "r"))
    cast = FROM_JSON.get(declared, "{}::" + declared)
    expected = sql.SQL(policy).format(source) if policy else source
    send = sql.SQL(_send(connection, declared))
    query = sql.SQL(
        "SELECT t.id, {name}, {source}::text, {back} FROM {table} t LEFT JOIN returned r USING (id)"
        " WHERE {send}({expected}) IS DISTINCT FROM {send}({cast}) OR r.id IS NULL ORDER BY id"
    )
    return query.format(
        name=sql.Literal(name),
        source=source,
        back=back,
        table=sql.SQL(table),
        send=send,
        expected=expected,
        cast=sql.SQL(cast).format(back),
    )


def _send(connection: psycopg.Connection[Any], declared: str) -> str:
    """The function that makes the bytes of a value."""
    (name,) = connection.execute(
        "SELECT typsend::regproc::text FROM pg_type WHERE oid = %s::regtype", [declared]
    ).fetchall()[0]
    return str(name)


def text_of(value: Any, declared: str) -> str | None:
    """How PostgreSQL reads what Arrow holds of a value of the declared type."""
    match value:
        case None | str():
            return value
        case bool():
            return "t" if value else "f"
        case bytes():
            return f"\\x{value.hex()}"
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case list() if declared == "hstore":
            return ", ".join(f"{quoted(key)}=>{quoted(each)}" for key, each in value)
        case list():
            item = declared.removesuffix("[]")
            return "{" + ",".join(_item(each, item) for each in value) + "}"
        case dict():
            members = [text_of(each, "") for each in value.values()]
            return "(" + ",".join("" if each is None else quoted(each) for each in members) + ")"
        case _:
            return str(value)


def _item(value: Any, declared: str) -> str:
    text = text_of(value, declared)
    return text if text is not None and declared.endswith("[]") else quoted(text)


def quoted(text: str | None) -> str:
    return "NULL" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
