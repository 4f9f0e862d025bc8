"""What a table looks like to whoever applies messages in their order, as a target does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conftest import Database

METADATA = ("_sdc_lsn", "_sdc_commit_time", "_sdc_xid", "_sdc_deleted_at")


def folded(messages: Iterable[dict[str, Any]], stream: str, key: str = "id") -> dict[Any, dict[str, Any]]:
    """Return rows by key; deleted ones are gone, and those of versions before the one activated."""
    rows: dict[Any, tuple[int, dict[str, Any]]] = {}
    for message in messages:
        if message.get("stream") != stream:
            continue
        if message["type"] == "ACTIVATE_VERSION":
            rows = {at: row for at, row in rows.items() if row[0] >= message["version"]}
        if message["type"] == "RECORD":
            record = message["record"]
            rows.pop(record[key], None)
            if record["_sdc_deleted_at"] is None:
                plain = {name: value for name, value in record.items() if name not in METADATA}
                rows[record[key]] = message.get("version", 0), plain
    return {at: row for at, (_, row) in rows.items()}


def table(database: Database, name: str, key: str = "id") -> dict[Any, dict[str, Any]]:
    """Return the rows that the table has now, by key."""
    with database.connect() as connection:
        cursor = connection.execute(f"SELECT * FROM {name}".encode())  # noqa: S608
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
    return {row[key]: row for row in rows}


def last_state(messages: Iterable[dict[str, Any]]) -> Any:
    """Return the newest STATE, None if there is none."""
    states = [message["value"] for message in messages if message["type"] == "STATE"]
    return states[-1] if states else None


def position(state: Any, stream: str) -> int:
    """Return how far a STATE says the changes of a stream were read."""
    value: int = state["bookmarks"][stream]["replication_key_value"]
    return value
