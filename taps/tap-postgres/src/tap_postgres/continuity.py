"""Which streams can go on where their bookmarks say, and which have lost changes. Nothing here asks a "
"server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_postgres.errors import SlotError
from tap_postgres.lsn import format_lsn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_postgres.log_bookmarks import LogPosition
    from tap_postgres.slots import Slot
    from tap_postgres.tables import StreamPlan

_RECIPE = (
    'Set `on_lost_slot` to "resnapshot" for a run: it reads the tables of these streams anew. Coming from '
    "another tap, create publication and slot first, then let the old tap run to its end once more."
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where changes come from.

    Attributes:
        name: of the slot.
        slot: as it is on the server, None if it is not there.
        system: identifier of the server.
        members: tables of the publication, by oid, each with the number of its membership.
        end: position that the server's log has now.
    """

    name: str
    slot: Slot | None
    system: str
    members: Mapping[int, int]
    end: int


def lost_streams(
    plans: Sequence[StreamPlan],
    positions: Mapping[str, LogPosition],
    origin: Origin,
) -> dict[str, str]:
    """Return why streams cannot go on, by their ids.

    Args:
        plans: of the streams.
        positions: of those that have one.
        origin: where changes would come from.
    """
    reasons = {plan.id: _loss(plan, positions[plan.id], origin) for plan in plans if plan.id in positions}
    return {stream: reason for stream, reason in reasons.items() if reason is not None}


def _loss(plan: StreamPlan, position: LogPosition, origin: Origin) -> str | None:
    slot = origin.slot
    if position.system not in (None, origin.system):
        return "this is another server than the one of the STATE"
    if position.lsn > origin.end:
        return "the server is behind the STATE, as after a restore"
    if slot is None:
        return f"slot {origin.name!r} is gone"
    if slot.is_lost:
        return f"the server has given slot {origin.name!r} up, as it held too much WAL"
    if position.lsn < slot.confirmed:
        return (
            f"slot {origin.name!r} is at {format_lsn(slot.confirmed)}, beyond the STATE's "
            f"{format_lsn(position.lsn)}"
        )
    member = origin.members.get(plan.table.oid)
    if member is None or position.published not in (None, member):
        return "its table was not in the publication all the time"
    return None


def refuse_loss(lost: Mapping[str, str]) -> None:
    """Say which streams have lost changes.

    Raises:
        SlotError: if any has.
    """
    if not lost:
        return
    reasons: dict[str, list[str]] = {}
    for stream, reason in lost.items():
        reasons.setdefault(reason, []).append(stream)
    said = "; ".join(f"{', '.join(streams)}: {reason}" for reason, streams in reasons.items())
    raise SlotError(f"changes are lost of {said}", instruction=_RECIPE)


def confirmable(plans: Sequence[StreamPlan], positions: Mapping[str, LogPosition]) -> int:
    """Return the position up to which no stream needs changes any more; 0 if none has said so.

    Args:
        plans: of the streams.
        positions: of a STATE that was given to us: what it says was delivered.
    """
    return min((positions[plan.id].lsn for plan in plans if plan.id in positions), default=0)
