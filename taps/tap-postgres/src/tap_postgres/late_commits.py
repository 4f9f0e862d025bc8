"""Rows that are committed late: their keys are smaller than those that an earlier run has read up to.

A transaction that began at 12:00 and is still open will commit rows of 12:00 after a run has read one of
12:05. Waiting for the transactions that were open when a run took its snapshot is not enough, as the one of
12:00 may write for the first time after the one of 12:05. Two remedies are sound:

- `oldest_transaction`, for keys that are the server's clock: a run reads up to the start of the oldest
  transaction that was open before its snapshot. All that will be committed has a greater key.
- `xmin`, for any key: a run reads everything committed so far, and keeps the oldest transaction that was open
  then. The next run also reads rows, whatever their keys, that this or a later transaction has written.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_protocol.errors import ConfigError

from tap_postgres.errors import PermissionDenied, ServerNotReady, asking

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql
    from psycopg.rows import TupleRow

    from tap_postgres.connections import Connections
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.snapshot import Snapshot
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")

_LATE = "late"
_XMIN = "xmin"
_LOW_BITS = (1 << 32) - 1
OLDEST_AGE = 1 << 30
"""Transactions after which the server's 32-bit numbers of them do not tell before from after surely."""

_RIGHTS = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')"

# A second off: a session says that a transaction has begun a moment after the time that it has as its own.
_OLDEST = """
SELECT least(min(xact_start), statement_timestamp() - interval '1 s')::text
FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND pid <> pg_catalog.pg_backend_pid()
    AND backend_type <> 'autovacuum worker'
"""
_PREPARED = "SELECT count(*) FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()"


@dataclass(frozen=True, slots=True)
class Horizon:
    """Up to where nothing will be committed any more.

    Attributes:
        before: moment, as the server writes it; None if a prepared transaction hides it.
    """

    before: str | None


@dataclass(frozen=True, slots=True)
class Fence:
    """What a run does about rows that are committed late.

    Attributes:
        horizon: with `oldest_transaction`.
        xmin: with `xmin`: transactions before this one had ended when the snapshot was taken.
    """

    horizon: Horizon | None = None
    xmin: int | None = None

    @property
    def holds_back(self) -> bool:
        """Whether no row that is read tells how far a later run may start."""
        return self.horizon is not None and self.horizon.before is None

    def upper(self, key: sql.Identifier) -> tuple[sql.Composable, ...]:
        """Return the condition that rows are old enough, if there is one."""
        from psycopg import sql

        if self.horizon is None or self.horizon.before is None:
            return ()
        moment = sql.Literal(self.horizon.before)
        return (sql.SQL("{} < {}::pg_catalog.timestamptz").format(key, moment),)

    def marked(self, bookmark: dict[str, Any]) -> dict[str, Any]:
        """Return a bookmark that tells the next run what to read again."""
        rest = {name: value for name, value in bookmark.items() if name != _LATE}
        return rest if self.xmin is None else {**rest, _LATE: {_XMIN: str(self.xmin)}}

    def since(self, bookmark: dict[str, Any]) -> int | None:
        """Return the transaction from which on rows are to be read again, whatever their keys; None for none.

        Raises:
            LookupError: too long ago to tell, or of another server.
        """
        if self.xmin is None or _LATE not in bookmark:
            return None
        try:
            before = int(bookmark[_LATE][_XMIN])
        except (KeyError, TypeError, ValueError):
            raise LookupError from None
        if not 0 <= self.xmin - before < OLDEST_AGE:
            raise LookupError
        return before


def written_since(transaction: int) -> sql.Composable:
    """Return the condition that a row was written by this transaction or a later one."""
    from psycopg import sql

    number = sql.Literal(str(transaction & _LOW_BITS))
    return sql.SQL("pg_catalog.age(xmin) <= pg_catalog.age({}::pg_catalog.xid)").format(number)


def read_horizon(connections: Connections, settings: TapPostgresSettings) -> Horizon | None:
    """Look for the oldest transaction, before the snapshot is taken; None if nobody asks for it.

    Raises:
        ServerNotReady: only the primary knows.
        PermissionDenied: the user does not see the transactions of others.
    """
    if settings.late_commits != "oldest_transaction":
        return None
    with connections.read("transactions") as connection, asking("looking for open transactions"):
        _check_rights(connection)
        oldest = connection.execute(_OLDEST).fetchone()
        # After the other question: a transaction that is prepared in between is in both answers.
        prepared = connection.execute(_PREPARED).fetchone()
    assert oldest is not None
    if prepared != (0,):
        log.warning(
            "a prepared transaction is open, and hides how far INCREMENTAL streams may be read: their "
            "bookmarks stay where they are"
        )
        return Horizon(None)
    log.info("INCREMENTAL streams are read up to %s", oldest[0])
    return Horizon(oldest[0])


def _check_rights(connection: psycopg.Connection[TupleRow]) -> None:
    row = connection.execute(_RIGHTS).fetchone()
    assert row is not None
    is_standby, sees_all = row
    if is_standby:
        raise ServerNotReady(
            "late_commits: a standby does not know the oldest transaction",
            instruction="Choose `xmin`, or read from the primary.",
        )
    if not sees_all:
        raise PermissionDenied(
            "late_commits: the user does not see the transactions of others",
            instruction="GRANT pg_read_all_stats to it, or choose `xmin`.",
        )


def fence_of(
    plan: StreamPlan, snapshot: Snapshot, horizon: Horizon | None, settings: TapPostgresSettings
) -> Fence:
    """Return what holds for one stream.

    Raises:
        ConfigError: its key or its kind does not allow what the settings ask for.
    """
    if settings.late_commits == "xmin":
        if plan.table.kind not in ("table", "partitioned table"):
            raise _refused(plan, f"a {plan.table.kind} has no row versions", "oldest_transaction")
        return Fence(xmin=snapshot.xmin())
    if horizon is not None:
        column = plan.table.column(plan.key or "")
        if column is None or not _is_moment(column.sql_type):
            raise _refused(plan, f"replication key {plan.key!r} is no timestamp with time zone", "xmin")
    return Fence(horizon)


def _is_moment(sql_type: str) -> bool:
    return sql_type.startswith("timestamp") and sql_type.endswith("with time zone")


def _refused(plan: StreamPlan, why: str, other: str) -> ConfigError:
    return ConfigError(
        f"late_commits: stream {plan.id!r}: {why}",
        instruction=f"Choose `{other}` or `none`, or another replication method for the stream.",
    )
