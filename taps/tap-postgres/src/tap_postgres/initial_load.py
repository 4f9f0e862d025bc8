"""The tables as they were at a position of the log; their changes go on from there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_postgres.full_table import FullTable, LogStart
from tap_postgres.log_plan import read_at
from tap_postgres.lsn import format_lsn
from tap_postgres.run import read_streams
from tap_postgres.slots import find_slot, patience
from tap_postgres.snapshot import import_snapshot
from tap_postgres.storage import storage_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter
    from psycopg.rows import TupleRow

    from tap_postgres.connections import Connections
    from tap_postgres.log_setup import LogSetup
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")


def load(
    plans: Sequence[StreamPlan],
    setup: LogSetup,
    connections: Connections,
    control: psycopg.Connection[TupleRow],
    settings: TapPostgresSettings,
    state: State,
    out: MessageWriter,
) -> None:
    """Read tables whole, or the rest of them, at a snapshot of which the slot's stream is the continuation.

    It is that of a slot of its own, which is gone afterwards: tables can be added at any time.

    Raises:
        SlotError: transactions that have written stay open for too long.
        PostgresError: a table cannot be read on.
    """
    with connections.replication("snapshot") as session:
        exported = session.export_snapshot(patience(control, settings))
        # What transactions did that are open now comes later, though its position may be before the
        # snapshot's: rows of the snapshot get one that is before all of it.
        slot = find_slot(control, exported.slot)
        begun = exported.lsn if slot is None else slot.restart
        log.info("reading %d tables as they were at %s", len(plans), format_lsn(exported.lsn))
        with import_snapshot(connections, exported.name) as snapshot:
            streams = [
                FullTable(
                    read_at(plan, begun),
                    settings,
                    state,
                    out,
                    storage_of(snapshot.first, plan),
                    log=LogStart(exported.lsn, setup.sources[plan.id].to_dict()),
                )
                for plan in plans
            ]
            read_streams(streams, snapshot, settings, out)
