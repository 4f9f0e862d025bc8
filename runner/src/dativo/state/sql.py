"""States in a database: SQLite, PostgreSQL. Both understand the statements here; only the marks differ."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from dativo.errors import StateConflict, StateError
from dativo.state.envelope import now
from dativo.state.lease import TTL_SECONDS, Lease, leased, release_lease
from dativo.state.store import HISTORY, Owner, StateKey, Stored, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.state.databases import Database
    from dativo.state.lease import LeaseHeld

_KEY = "tenant TEXT NOT NULL, job TEXT NOT NULL, suffix TEXT NOT NULL, part TEXT NOT NULL"
_STATE = "seq BIGINT NOT NULL, run TEXT, at TEXT NOT NULL, state TEXT NOT NULL"
TABLES = (
    f"CREATE TABLE IF NOT EXISTS dativo_state ({_KEY}, {_STATE}, PRIMARY KEY (tenant, job, suffix, part))",
    f"CREATE TABLE IF NOT EXISTS dativo_version ({_KEY}, {_STATE}, reason TEXT NOT NULL, "
    "PRIMARY KEY (tenant, job, suffix, part, seq))",
    f"CREATE TABLE IF NOT EXISTS dativo_lock ({_KEY}, tag BIGINT NOT NULL, run TEXT, host TEXT, pid BIGINT, "
    "since TEXT, until DOUBLE PRECISION NOT NULL, PRIMARY KEY (tenant, job, suffix, part))",
)
_KEY_IS = "tenant = ? AND job = ? AND suffix = ? AND part = ?"


class SqlStore:
    """A store of states in three tables, made on first use.

    Args:
        database: where they are.
        history: how many versions of each key are kept.
        ttl: seconds after which a run that does not answer loses its hold.
    """

    def __init__(self, database: Database, *, history: int = HISTORY, ttl: float = TTL_SECONDS) -> None:
        self._database = database
        self._history = max(history, 1)
        self._ttl = ttl
        self._made = False
        self.pace = database.pace

    def place(self, key: StateKey) -> str:
        return f"{self._database.name} {key}"

    def tenants(self) -> list[str | None]:
        rows = self._rows("SELECT DISTINCT tenant FROM dativo_state ORDER BY tenant")
        return [row[0] or None for row in rows]

    def keys(self, tenant: str | None) -> Iterator[StateKey]:
        rows = self._rows("SELECT job, suffix, part FROM dativo_state WHERE tenant = ?", tenant or "")
        for job, suffix, part in sorted(rows):
            yield StateKey(tenant, job, suffix or None, part or None)

    def read(self, key: StateKey) -> Stored | None:
        rows = self._rows("SELECT state, seq, run, at FROM dativo_state WHERE :key", *_columns(key))
        if not rows:
            return None
        text, seq, run, at = rows[0]
        return Stored(text, seq, run, at, str(seq))

    def write(self, key: StateKey, text: str, *, run: str, after: Stored | None) -> Stored:
        at = now()
        if after is None:
            last = self._rows("SELECT MAX(seq) FROM dativo_version WHERE :key", *_columns(key))
            seq = 1 + (last[0][0] or 0)
            changed = self._change(
                "INSERT INTO dativo_state VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*_columns(key), seq, run, at, text),
            )
        else:
            seq = after.seq + 1
            changed = self._change(
                "UPDATE dativo_state SET seq = ?, run = ?, at = ?, state = ? WHERE :key AND seq = ?",
                (seq, run, at, text, *_columns(key), int(after.tag)),
            )
        if not changed:
            raise StateConflict(f"{self.place(key)}: another process has stored a state meanwhile: run again")
        return Stored(text, seq, run, at, str(seq))

    def versions(self, key: StateKey) -> list[Version]:
        rows = self._rows(
            "SELECT seq, at, run, reason FROM dativo_version WHERE :key ORDER BY seq DESC", *_columns(key)
        )
        return [Version(*row) for row in rows]

    def version(self, key: StateKey, seq: int) -> str:
        rows = self._rows("SELECT state FROM dativo_version WHERE :key AND seq = ?", *_columns(key), seq)
        if not rows:
            known = ", ".join(str(each.seq) for each in self.versions(key)) or "nothing"
            raise StateError(f"{key}: the history holds no state number {seq} (it holds {known})")
        return str(rows[0][0])

    def keep(self, key: StateKey, reason: str) -> None:
        self._change(
            "INSERT INTO dativo_version SELECT tenant, job, suffix, part, seq, run, at, state, ? "
            "FROM dativo_state WHERE :key ON CONFLICT DO NOTHING",
            (reason, *_columns(key)),
        )
        old = [each.seq for each in self.versions(key)[self._history :]]
        if old:
            self._change("DELETE FROM dativo_version WHERE :key AND seq <= ?", (*_columns(key), old[0]))

    def remove(self, key: StateKey) -> None:
        self.keep(key, "cleared")
        self._change("DELETE FROM dativo_state WHERE :key", _columns(key))

    def unlock(self, key: StateKey, *, force: bool) -> list[str]:
        return release_lease(_Box(self, key), str(key), force=force)

    @contextmanager
    def lock(self, key: StateKey, owner: Owner, wait: float = 0.0) -> Iterator[LeaseHeld]:
        with leased(_Box(self, key), str(key), owner, wait, ttl=self._ttl) as held:
            yield held

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query gives."""
        return self._rows(statement, *values)

    def change(self, statement: str, values: tuple[Any, ...]) -> int:
        """Does one statement as one transaction, returns how many rows it touched."""
        return self._change(statement, values)

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._connected() as connection:
            found = connection.execute(self._spelled(statement), values).fetchall()
            return [tuple(row) for row in found]

    def _change(self, statement: str, values: tuple[Any, ...]) -> int:
        with self._connected() as connection:
            return int(connection.execute(self._spelled(statement), values).rowcount)

    def _spelled(self, statement: str) -> str:
        return self._database.spelled(statement.replace(":key", _KEY_IS))

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """A connection for one transaction: leases are renewed by a thread of their own."""
        with self._database.errors(), closing(self._database.connect()) as connection, connection:
            if not self._made:
                self._database.make_alone(connection)
                for statement in TABLES:
                    connection.execute(statement)
                self._made = True
            yield connection


class _Box:
    """The lease of a key as a row; its tag counts the changes."""

    def __init__(self, store: SqlStore, key: StateKey) -> None:
        self._store = store
        self._key = _columns(key)

    def read(self) -> tuple[Lease, str] | None:
        rows = self._store.rows(
            "SELECT run, host, pid, since, until, tag FROM dativo_lock WHERE :key", *self._key
        )
        if not rows:
            return None
        *owner, until, tag = rows[0]
        return Lease(Owner(*owner), float(until)), str(tag)

    def put(self, lease: Lease, after: str | None) -> str:
        owner = (lease.owner.run, lease.owner.host, lease.owner.pid, lease.owner.since, lease.until)
        if after is None:
            tag = time.time_ns()
            changed = self._store.change(
                "INSERT INTO dativo_lock VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*self._key, tag, *owner),
            )
        else:
            tag = int(after) + 1
            changed = self._store.change(
                "UPDATE dativo_lock SET tag = ?, run = ?, host = ?, pid = ?, since = ?, until = ? "
                "WHERE :key AND tag = ?",
                (tag, *owner, *self._key, int(after)),
            )
        if not changed:
            raise StateConflict("another process has taken the lock")
        return str(tag)


def _columns(key: StateKey) -> tuple[str, str, str, str]:
    return (key.tenant or "", key.job, key.suffix or "", key.part or "")
