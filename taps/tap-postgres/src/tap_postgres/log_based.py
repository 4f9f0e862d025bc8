"""LOG_BASED: the tables at first, then their changes as they were committed."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from dativo_protocol.ahead import read_ahead

from tap_postgres.acknowledged import Acknowledged
from tap_postgres.change_writer import ChangeWriter
from tap_postgres.connection_settings import is_set
from tap_postgres.ending import Ending
from tap_postgres.errors import PostgresError
from tap_postgres.initial_load import load
from tap_postgres.log_setup import positions_of, set_up
from tap_postgres.receiver import Receiver, Surroundings
from tap_postgres.relations import LogStream, Relations
from tap_postgres.replication import Subscription
from tap_postgres.run import options_of
from tap_postgres.toast import ToastReader
from tap_postgres.wal_budget import WalBudget, wal_position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter

    from tap_postgres.connections import Connections
    from tap_postgres.log_bookmarks import LogPosition
    from tap_postgres.log_setup import LogSetup
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")

_IDLE_MILLIS = 50
"""How long the stream must be silent for what has come to go out."""

_COMMIT_MILLIS = 1000
"""Shortest time between two places where a STATE may be written."""


def run_log_based(
    plans: Sequence[StreamPlan],
    connections: Connections,
    settings: TapPostgresSettings,
    state: State,
    out: MessageWriter,
) -> None:
    """Write the changes of streams since the state, of those that it does not know their tables first.

    Raises:
        ServerNotReady: the server is not configured for it.
        SlotError: the slot cannot be used, or changes are lost and may not be read anew.
        CatalogError: the changes of a table cannot be told apart.
        PostgresError: the server breaks off, or a stream cannot be read on.
    """
    connections = connections.primary()
    with connections.read("log-based") as control:
        setup = set_up(plans, connections, control, settings, state)
        acknowledged = Acknowledged(plans, setup.system, out.given)
        acknowledged.learn(state)
        known = positions_of(plans, state)
        loading = [plan for plan in plans if plan.id not in known or not known[plan.id].is_loaded]
        if loading:
            load(loading, setup, connections, control, settings, state, out)
        writer = ChangeWriter(plans, setup.sources, settings, state, out)
        for plan in plans:
            if plan not in loading:
                out.schema(plan.message)
        # Before the end is asked for, all that was committed during the load has a position.
        run = _Run(plans, setup, settings, acknowledged, end=wal_position(control))
        with writer:
            run.read(connections, positions_of(plans, state), writer, out)
        try:
            setup.publication.remove_others(plans, _still_wanted(plans, state, acknowledged.lsn))
        except PostgresError as error:  # costs the server some work only
            log.warning("tables that nobody reads stay in the publication: %s", error)


def _still_wanted(plans: Sequence[StreamPlan], state: State, confirmed: int) -> set[str]:
    """Return the ids of other streams whose changes are there yet, for whoever selects them again."""
    others = set(state.to_dict().get("bookmarks") or {}) - {plan.id for plan in plans}
    found = {stream: state.get_bookmark(stream).replication_key_value for stream in others}
    return {stream for stream, lsn in found.items() if isinstance(lsn, int) and lsn >= confirmed}


class _Run:
    """Reads the changes of one run."""

    def __init__(
        self,
        plans: Sequence[StreamPlan],
        setup: LogSetup,
        settings: TapPostgresSettings,
        acknowledged: Acknowledged,
        *,
        end: int,
    ) -> None:
        self._plans = plans
        self._setup = setup
        self._settings = settings
        self._acknowledged = acknowledged
        self._ending = Ending(settings, end)
        self._stop = threading.Event()

    def read(
        self,
        connections: Connections,
        positions: dict[str, LogPosition],
        writer: ChangeWriter,
        out: MessageWriter,
    ) -> None:
        starts = {stream: position.lsn for stream, position in positions.items()}
        settings, options = self._settings, replace(options_of(self._settings), idle_millis=_IDLE_MILLIS)
        is_streaming = is_set(settings.stream_large_transactions)
        subscription = Subscription(
            self._setup.slot, self._setup.publication.name, min(starts.values()), is_streaming
        )
        with (
            connections.read("changes") as side,
            connections.replication("changes") as session,
        ):
            fetches = settings.unchanged_toast == "fetch"
            around = Surroundings(
                Relations([LogStream.of(plan) for plan in self._plans], side, settings),
                starts,
                ToastReader(side, options, self._stop) if fetches else None,
                WalBudget(side, self._setup.slot, settings),
                self._acknowledged,
                self._ending,
            )
            receiver = Receiver(
                session,
                subscription,
                around,
                options,
                self._stop,
                commit_millis=_COMMIT_MILLIS if settings.state_interval_seconds else 0,
            )
            with read_ahead(
                [receiver.items()], limit=1, weight=_nothing, hold=out.hold, stop=self._stop
            ) as items:
                for item in items:
                    writer.take(item)
                    receiver.release(item)


def _nothing(_: object) -> int:
    """The receiver bounds what waits by itself, as it must not wait for long."""
    return 0
