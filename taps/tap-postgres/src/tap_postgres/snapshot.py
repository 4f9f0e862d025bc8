"""Sessions that all see the database as it was at one moment."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tap_postgres.errors import PostgresError, asking

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from psycopg.rows import TupleRow

    from tap_postgres.connections import Connections

log = logging.getLogger("tap_postgres")

_XMIN = "SELECT pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot())"  # 12 has no pg_snapshot
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Snapshot:
    """A moment of the database.

    Attributes:
        first: a session that sees it.
    """

    def __init__(
        self, first: psycopg.Connection[TupleRow], connections: Connections, *, name: str | None = None
    ) -> None:
        """See a moment.

        Args:
            first: in a transaction of the snapshot.
            connections: for more sessions.
            name: by which they import it; None to export it from `first` once there are any.
        """
        self.first = first
        self._connections = connections
        self._name = name
        self._others = ExitStack()

    def sessions(self, count: int) -> list[psycopg.Connection[TupleRow]]:
        """Return so many sessions, or fewer with a warning; `first` is one of them.

        Args:
            count: at least one.
        """
        sessions = [self.first]
        try:
            while len(sessions) < count:
                sessions.append(self._importing(self._exported()))
        except PostgresError as error:
            # A pooler that changes sessions between transactions, or no more connections allowed.
            log.warning("reading by %d of %d connections: %s", len(sessions), count, error)
        return sessions

    def xmin(self) -> int:
        """Return the number, with its epoch, of the transaction before which all had ended."""
        with asking("looking at the snapshot"):
            row = self.first.execute(_XMIN).fetchone()
        assert row is not None
        return int(row[0])

    def _exported(self) -> str:
        if self._name is None:
            with asking("exporting the snapshot"):
                row = self.first.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
            assert row is not None
            self._name = row[0]
        return self._name

    def _importing(self, name: str) -> psycopg.Connection[TupleRow]:
        with ExitStack() as stack:
            connection = stack.enter_context(self._connections.read("reader"))
            _import(connection, name)
            self._others.push(stack.pop_all())
        return connection

    def close(self) -> None:
        """Close the other sessions."""
        self._others.close()


def _import(connection: psycopg.Connection[TupleRow], name: str) -> None:
    from psycopg import sql

    with asking("importing the snapshot"):
        connection.execute(_BEGIN)
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name)))


@contextmanager
def take_snapshot(connections: Connections) -> Iterator[Snapshot]:
    """Take a snapshot; it and its sessions are gone when the block is left.

    Raises:
        PostgresError: the server cannot be reached, or refuses.
    """
    with connections.read("snapshot") as first:
        with asking("taking a snapshot"):
            first.execute(_BEGIN)
            first.execute("SELECT 1")  # the transaction's first query takes it
        snapshot = Snapshot(first, connections)
        try:
            yield snapshot
        finally:
            snapshot.close()


@contextmanager
def import_snapshot(connections: Connections, name: str) -> Iterator[Snapshot]:
    """Use a snapshot that another session exports, such as that of a replication slot.

    Once this one's sessions are open the other may go on.

    Args:
        connections: to the server that it is of.
        name: of the snapshot.

    Raises:
        PostgresError: there is none of this name (any more).
    """
    with connections.read("snapshot") as first:
        _import(first, name)
        snapshot = Snapshot(first, connections, name=name)
        try:
            yield snapshot
        finally:
            snapshot.close()
