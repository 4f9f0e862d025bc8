"""The replication slot: what the server keeps changes for."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_postgres.connection_settings import is_set
from tap_postgres.errors import ServerNotReady, SlotError, asking
from tap_postgres.lsn import parse_lsn
from tap_postgres.privileges import read_privileges
from tap_postgres.replication import Patience

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from tap_postgres.replication_settings import SlotSettings

log = logging.getLogger("tap_postgres")

PLUGIN = "pgoutput"

# Columns differ between versions: 12 has no wal_status.
_SLOT = """
SELECT pg_catalog.row_to_json(s) FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = %s
"""
_WRITERS = """
SELECT pid FROM pg_catalog.pg_stat_activity
WHERE backend_xid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid() ORDER BY xact_start
"""
_PIDS_SHOWN = 5
_GONE_SECONDS = 10.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as the server has it.

    Attributes:
        database: that it belongs to; empty for a physical one.
        active_pid: process that reads from it, None if none does.
        confirmed: what is before is not sent again.
        restart: WAL from here is kept for it.
        is_lost: that WAL is gone.
    """

    name: str
    plugin: str
    database: str
    active_pid: int | None
    confirmed: int
    restart: int
    is_lost: bool

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Slot:
        """Take what every version of the server has."""
        return cls(
            name=row["slot_name"],
            plugin=row.get("plugin") or "",
            database=row.get("database") or "",
            active_pid=row.get("active_pid"),
            confirmed=parse_lsn(row.get("confirmed_flush_lsn") or "0/0"),
            restart=parse_lsn(row.get("restart_lsn") or "0/0"),
            is_lost=row.get("wal_status") == "lost" or bool(row.get("invalidation_reason")),
        )


def find_slot(connection: psycopg.Connection[TupleRow], name: str) -> Slot | None:
    """Return the slot of this name, if any."""
    with asking(f"looking for slot {name!r}"):
        row = connection.execute(_SLOT, [name]).fetchone()
    return None if row is None else Slot.of_row(row[0])


def choose_slot(connection: psycopg.Connection[TupleRow], name: str) -> tuple[str, Slot | None]:
    """Return the name of the slot to use, and the slot if it is there.

    Args:
        connection: to ask by.
        name: of the settings; that of a slot of another plugin is left alone.

    Raises:
        SlotError: the slot is of another database.
    """
    found = find_slot(connection, name)
    if found is not None and found.plugin != PLUGIN:
        other = f"{name}_{PLUGIN}"
        log.warning("slot %r is of plugin %r: using slot %r", name, found.plugin or "none", other)
        name, found = other, find_slot(connection, other)
    if found is not None and found.plugin != PLUGIN:
        raise SlotError(
            f"slot {name!r} is of plugin {found.plugin or 'none'!r}, not of {PLUGIN}",
            instruction="Set `replication_slot_name` to another name.",
        )
    if found is not None and found.database != connection.info.dbname:
        raise SlotError(
            f"slot {name!r} is of database {found.database!r}",
            instruction="Set `replication_slot_name` to a name of its own for each database.",
        )
    return name, found


def await_free(connection: psycopg.Connection[TupleRow], name: str, seconds: float) -> Slot | None:
    """Return the slot once nobody reads from it, None if there is none.

    A process of the server lives on for a moment after its client has gone.

    Raises:
        SlotError: somebody still does after so long; names the process.
        PostgresError: the server refuses.
    """
    deadline = time.monotonic() + seconds
    while (slot := find_slot(connection, name)) is not None and slot.active_pid is not None:
        if time.monotonic() > deadline:
            raise SlotError(
                f"slot {slot.name!r} is being read by process {slot.active_pid} of the server",
                instruction="Wait for the other run to end; each pipeline needs a slot of its own.",
                retryable=True,
            )
        time.sleep(_POLL_SECONDS)
    return slot


def refuse_unprepared(connection: psycopg.Connection[TupleRow]) -> None:
    """Refuse a server that has no changes to give.

    Raises:
        ServerNotReady: says what to change.
    """
    with asking("looking up the server's settings"):
        found = read_privileges(connection)
    obstacles = list(found.replication_obstacles())
    if obstacles:
        raise ServerNotReady(f"log-based replication is not possible: {'; '.join(obstacles)}")


def must_create(name: str, settings: SlotSettings) -> None:
    """Refuse to do without the slot.

    Raises:
        SlotError: the settings do not let us create it.
    """
    if not is_set(settings.manage_slot):
        raise SlotError(
            f"there is no slot {name!r}",
            instruction=f"SELECT pg_create_logical_replication_slot('{name}', '{PLUGIN}');",
        )


def patience(connection: psycopg.Connection[TupleRow], settings: SlotSettings) -> Patience:
    """Return how long to wait for open transactions, and a way to name them."""

    def blockers() -> str:
        pids = [str(pid) for (pid,) in connection.execute(_WRITERS)]
        more = f" and {len(pids) - _PIDS_SHOWN} more" if len(pids) > _PIDS_SHOWN else ""
        return f", of the processes {', '.join(pids[:_PIDS_SHOWN])}{more}" if pids else ""

    return Patience(float(settings.replication_slot_wait_seconds), blockers)


def drop_slot(connection: psycopg.Connection[TupleRow], name: str) -> None:
    """Let the server keep nothing for this slot any more.

    Raises:
        SlotError: somebody still reads from it.
        PostgresError: the server refuses.
    """
    await_free(connection, name, _GONE_SECONDS)
    with asking(f"dropping slot {name!r}"):
        connection.execute("SELECT pg_catalog.pg_drop_replication_slot(%s)", [name])
