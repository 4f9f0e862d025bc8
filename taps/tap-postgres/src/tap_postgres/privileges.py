"""What the user may do on the server, in clear words: what `--test` reports."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from psycopg.rows import TupleRow

    from tap_postgres.tables import TableInfo

log = logging.getLogger("tap_postgres")

_NAMES_SHOWN = 5

_QUERY = """
SELECT current_user, pg_catalog.pg_is_in_recovery(),
    (SELECT rolsuper OR rolreplication FROM pg_catalog.pg_roles WHERE rolname = current_user),
    current_setting('wal_level'),
    current_setting('max_replication_slots')::int
        - (SELECT count(*) FROM pg_catalog.pg_replication_slots)::int,
    current_setting('max_wal_senders')::int - (
        SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'walsender')::int
"""


@dataclass(frozen=True, slots=True)
class Privileges:
    """Of one user on one server.

    Attributes:
        is_standby: the server follows another one.
        may_replicate: the user has the attribute REPLICATION.
        wal_level: of the server; log-based replication needs "logical".
        free_slots: replication slots that can still be made.
        free_senders: connections for replication that can still be opened.
    """

    user: str
    is_standby: bool
    may_replicate: bool
    wal_level: str
    free_slots: int
    free_senders: int

    def replication_obstacles(self) -> Iterator[str]:
        """Yield what stands against reading from a slot, and how to remove it."""
        if self.wal_level != "logical":
            yield f"wal_level is {self.wal_level!r}: set it to 'logical' and restart the server"
        if not self.may_replicate:
            yield f"user {self.user!r} lacks the right: ALTER ROLE ... REPLICATION"

    def obstacles(self) -> Iterator[str]:
        """Yield what stands against beginning log-based replication, and how to remove it."""
        yield from self.replication_obstacles()
        if self.free_slots <= 0:
            yield "no replication slot is free: raise max_replication_slots or drop one"
        if self.free_senders <= 0:
            yield "no connection for replication is free: raise max_wal_senders"


def read_privileges(connection: psycopg.Connection[TupleRow]) -> Privileges:
    """Ask the server."""
    row = connection.execute(_QUERY).fetchone()
    assert row is not None
    return Privileges(*row)


def report(
    connection: psycopg.Connection[TupleRow], privileges: Privileges, tables: tuple[TableInfo, ...]
) -> None:
    """Log the server's version, what may be read, and whether log-based replication could begin."""
    version = connection.info.parameter_status("server_version")
    role = "a standby" if privileges.is_standby else "a primary"
    log.info("connected as %r to PostgreSQL %s, %s", privileges.user, version, role)
    closed = [table.stream_id for table in tables if not any(column.readable for column in table.columns)]
    log.info("%d of %d tables and views can be read", len(tables) - len(closed), len(tables))
    if closed:
        more = f" and {len(closed) - _NAMES_SHOWN} more" if len(closed) > _NAMES_SHOWN else ""
        log.warning("no right to SELECT from %s%s", ", ".join(closed[:_NAMES_SHOWN]), more)
    obstacles = list(privileges.obstacles())
    log.info("log-based replication: %s", "; ".join(obstacles) or "nothing stands against it")
