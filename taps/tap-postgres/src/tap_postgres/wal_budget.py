"""What a slot costs the server: WAL that it must keep, and how far the stream is behind."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_protocol import metrics

from tap_postgres.errors import SlotError, asking
from tap_postgres.lsn import parse_lsn
from tap_postgres.slots import drop_slot, find_slot

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from tap_postgres.replication_settings import SlotSettings

log = logging.getLogger("tap_postgres")

_POSITION = """
SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
    ELSE pg_catalog.pg_current_wal_flush_lsn() END::text
"""
_DROP = "drop_slot"
_STOP = "stop"


@dataclass(frozen=True, slots=True)
class WalCost:
    """What the server keeps for a slot.

    Attributes:
        position: of the server's log now.
        retained: bytes of it that are kept.
    """

    position: int
    retained: int


def wal_position(connection: psycopg.Connection[TupleRow]) -> int:
    """Return the position up to which the server's log is safe on its disk."""
    with asking("looking up the server's position"):
        row = connection.execute(_POSITION).fetchone()
    assert row is not None
    return parse_lsn(row[0])


class WalBudget:
    """Watches one slot."""

    def __init__(self, connection: psycopg.Connection[TupleRow], slot: str, settings: SlotSettings) -> None:
        """Watch by this connection, which is used by one thread."""
        self._connection = connection
        self._slot = slot
        self._settings = settings
        self._has_warned = False

    def look(self) -> WalCost:
        """Measure, report, and warn once."""
        position = wal_position(self._connection)
        found = find_slot(self._connection, self._slot)
        cost = WalCost(position, 0 if found is None else max(0, position - found.restart))
        metrics.gauge("wal_retained_bytes", cost.retained, {"slot": self._slot})
        limits = [self._settings.wal_warn_bytes, self._settings.wal_limit_bytes]
        if not self._has_warned and any(limit and cost.retained > limit for limit in limits):
            self._has_warned = True
            log.warning(
                "slot %r makes the server keep %d MiB of WAL; it lets go of what the STATE of the next run "
                "confirms",
                self._slot,
                cost.retained >> 20,
            )
        return cost

    def must_drop(self, cost: WalCost) -> bool:
        """Whether the slot is to be given up."""
        return self._is_beyond(cost.retained, _DROP)

    def must_stop(self, held_by_run: int) -> bool:
        """Whether the run is to end, so that the next one confirms what this one has read.

        Args:
            held_by_run: bytes of WAL that the server keeps although this run has read them.
        """
        return self._is_beyond(held_by_run, _STOP)

    def give_up(self, cost: WalCost) -> None:
        """Drop the slot, which nobody may be reading.

        Raises:
            SlotError: always: the changes are lost.
        """
        drop_slot(self._connection, self._slot)
        raise SlotError(
            f"slot {self._slot!r} made the server keep {cost.retained >> 20} MiB of WAL, beyond "
            f"`wal_limit_bytes`, and was dropped",
            instruction='Run with `on_lost_slot` "resnapshot" to read its tables anew.',
        )

    def _is_beyond(self, size: int, action: str) -> bool:
        limit = self._settings.wal_limit_bytes
        return bool(limit) and size > limit and self._settings.on_wal_limit == action
