"""Changes of a database's tables, applied in their order as a target does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tap_postgres.lsn import parse_lsn

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def by_position(messages: list[dict[str, Any]], stream: str) -> dict[int, dict[str, Any]]:
    """Return rows as whoever reads an append-only table finds them: the newest of each key by `_sdc_lsn`."""
    version = messages[-1]["value"]["bookmarks"][stream]["version"]
    records = [it for it in messages if it["type"] == "RECORD" and it["version"] == version]
    return folded(sorted(records, key=lambda it: it["record"]["_sdc_lsn"]), stream)


def table(database: Any, name: str, key: str = "id") -> dict[Any, dict[str, Any]]:
    """Return the rows that the table has now, by key."""
    with database.connect() as connection:
        cursor = connection.execute(f"SELECT * FROM {name}".encode())
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


def value(database: Any, query: str) -> Any:
    with database.connect() as connection:
        row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]


def wait_for(database: Any, condition: str) -> None:
    deadline = time.monotonic() + 60
    while not value(database, f"SELECT {condition}"):
        assert time.monotonic() < deadline, condition
        time.sleep(0.02)


class Follower:
    """Runs the tap on a database again and again, each time from the STATE of the run before."""

    def __init__(self, database: Any, **settings: Any) -> None:
        self.database = database
        self.settings = settings
        self.messages: list[dict[str, Any]] = []
        self.state: Any = None

    def run(self, **settings: Any) -> Any:
        """Read to the end; returns what this run has written."""
        written = self.database.sync(state=self.state, **self.settings | settings)
        self.messages += written
        self.state = last_state(written) or self.state
        return written

    def after(self, statements: str, **settings: Any) -> Any:
        """Execute, then read to the end."""
        self.database.execute(statements)
        return self.run(**settings)

    def rows(self, stream: str = "public-orders") -> dict[Any, dict[str, Any]]:
        return folded(self.messages, stream)

    def confirmed(self) -> int:
        with self.database.connect() as connection:
            query = "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = %s"
            row = connection.execute(query, [self.database.name]).fetchone()
        assert row is not None
        return parse_lsn(row[0])
