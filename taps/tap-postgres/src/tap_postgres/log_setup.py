"""Before changes can be read: publication, slot, and what the bookmarks are worth."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_postgres.continuity import Origin, lost_streams, refuse_loss
from tap_postgres.log_bookmarks import LogSource, forgotten, log_position
from tap_postgres.publication import Publication
from tap_postgres.replica_identity import refuse_unlogged
from tap_postgres.slots import await_free, choose_slot, drop_slot, must_create, patience, refuse_unprepared
from tap_postgres.wal_budget import wal_position

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg
    from dativo_protocol.state import State
    from psycopg.rows import TupleRow

    from tap_postgres.connections import Connections
    from tap_postgres.log_bookmarks import LogPosition
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")


@dataclass(frozen=True, slots=True)
class LogSetup:
    """What changes can be read from.

    Attributes:
        publication: has the tables of all streams.
        sources: of each stream, by id.
        slot: name; it is there.
        system: identifier of the server.
    """

    publication: Publication
    sources: dict[str, LogSource]
    slot: str
    system: str


def positions_of(plans: Sequence[StreamPlan], state: State) -> dict[str, LogPosition]:
    """Return how far the changes of each stream were read, by id; of some there may be none.

    Raises:
        ConfigError: the state cannot be used.
    """
    found = ((plan.id, log_position(state.get_bookmark(plan.id), stream_id=plan.id)) for plan in plans)
    return {stream: position for stream, position in found if position is not None}


def set_up(
    plans: Sequence[StreamPlan],
    connections: Connections,
    control: psycopg.Connection[TupleRow],
    settings: TapPostgresSettings,
    state: State,
) -> LogSetup:
    """Make sure that changes can be read; bookmarks whose changes are lost are removed from the state.

    The publication comes before the slot: a slot does not know of a publication that was made after it.

    Args:
        plans: of the streams.
        connections: to the server.
        control: an ordinary one.
        settings: of the tap.
        state: with the bookmarks of the run before.

    Raises:
        ServerNotReady: the server is not configured for it.
        SlotError: the slot cannot be used, or changes are lost and may not be read anew.
        CatalogError: the changes of a table cannot be told apart.
        PostgresError: the server refuses.
    """
    refuse_unprepared(control)
    refuse_unlogged(control, plans)
    name, slot = choose_slot(control, settings.slot_name(control.info.dbname))
    if slot is not None:
        slot = await_free(control, name, settings.replication_slot_wait_seconds)
    publication = Publication(control, settings.publication_name or name, settings)
    with connections.replication("setup") as session:
        system = session.system()
        origin = Origin(name, slot, system, publication.members(), wal_position(control))
        _forget_lost(plans, origin, settings, state)
        publication.ensure(plans)
        if slot is not None and slot.is_lost:
            must_create(name, settings)
            drop_slot(control, name)
            slot = None
        if slot is None:
            must_create(name, settings)
            session.create_slot(name, patience(control, settings))
            log.info("slot %r was created", name)
    members = publication.members()
    sources = {plan.id: LogSource(name, system, members[plan.table.oid]) for plan in plans}
    return LogSetup(publication, sources, name, system)


def _forget_lost(
    plans: Sequence[StreamPlan], origin: Origin, settings: TapPostgresSettings, state: State
) -> None:
    lost = lost_streams(plans, positions_of(plans, state), origin)
    if settings.on_lost_slot == "fail":
        refuse_loss(lost)
    for stream, reason in lost.items():
        log.warning("%s: is read anew, as changes are lost: %s", stream, reason)
        state.set_bookmark(stream, forgotten(state.get_bookmark(stream)))
