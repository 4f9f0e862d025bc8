"""What the target has delivered, as far as we were told: the STATE of `--state`, which may be replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_postgres.continuity import confirmable
from tap_postgres.log_bookmarks import log_position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo_protocol.state import State
    from dativo_protocol.state_file import StateFile

    from tap_postgres.tables import StreamPlan


class Acknowledged:
    """The position up to which the server may forget.

    Nothing else ever advances a slot: not what was read, nor what was written to the pipe.

    Attributes:
        lsn: 0 if nothing is known to have been delivered.
    """

    def __init__(self, plans: Sequence[StreamPlan], system: str, given: StateFile | None) -> None:
        """Know nothing yet.

        Args:
            plans: of the streams that are read.
            system: identifier of the server.
            given: the file of the state, if there is one.
        """
        self.lsn = 0
        self._plans = plans
        self._system = system
        self._given = given

    def learn(self, state: State) -> None:
        """Take a state that was given to us."""
        found = (
            (plan.id, log_position(state.get_bookmark(plan.id), stream_id=plan.id)) for plan in self._plans
        )
        known = {stream: at for stream, at in found if at is not None and at.system in (None, self._system)}
        self.lsn = max(self.lsn, confirmable(self._plans, known))

    def look(self) -> int:
        """Look whether the file was replaced; returns the position."""
        newer = None if self._given is None else self._given.newer()
        if newer is not None:
            self.learn(newer)
        return self.lsn
