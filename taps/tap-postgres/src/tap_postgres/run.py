"""The run: the selected streams one after the other, each read as a whole."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from typing import TYPE_CHECKING

from dativo_protocol.metrics import Counter
from dativo_protocol.state import Bookmark

from tap_postgres.copying import Copying

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter

    from tap_postgres.connections import Connections
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")

_VERSION = "version"


def run_streams(
    plans: Iterable[StreamPlan],
    connections: Connections,
    settings: TapPostgresSettings,
    state: State,
    out: MessageWriter,
) -> None:
    """Write every stream, and a STATE after each.

    Raises:
        PostgresError: a table cannot be read on.
    """
    for plan in plans:
        _Stream(plan, settings, state, out).run(connections)


class _Stream:
    """Reads one table once."""

    def __init__(
        self, plan: StreamPlan, settings: TapPostgresSettings, state: State, out: MessageWriter
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._state = state
        self._out = out
        self._name = plan.message.stream

    def run(self, connections: Connections) -> None:
        bookmark = self._state.get_bookmark(self._plan.id)
        version = time.time_ns() // 1_000_000 if self._settings.activate_version else None
        self._out.schema(self._plan.message)
        if version is not None and _VERSION not in bookmark.values:
            # Whatever the target has of an interrupted first reading goes before the rows come again.
            self._out.activate_version(self._name, version)
        changed = self._read(connections, version)
        with self._out.hold():
            if version is not None:
                self._out.activate_version(self._name, version)
                bookmark = Bookmark({**bookmark.values, _VERSION: version})
            self._state.set_bookmark(self._plan.id, bookmark)
            self._out.state(self._state.to_dict())
        self._report(changed)

    def _read(self, connections: Connections, version: int | None) -> Mapping[str, int]:
        from dativo_protocol.postgres import PgOptions

        options = PgOptions(
            batch_rows=self._settings.batch_rows,
            out_of_range=self._settings.out_of_range_dates,
            special_numbers=self._settings.special_numbers,
        )
        with (
            connections.read(self._plan.id) as connection,
            self._out.stream(self._name, self._plan.arrow_schema, version) as records,
        ):
            copying = Copying(connection, self._plan, options)
            # The rows are let go before their connection, whatever happens.
            with closing(copying.batches()) as batches:
                for batch in batches:
                    records.write(batch)
        return copying.changed

    def _report(self, changed: Mapping[str, int]) -> None:
        if not changed:
            return
        counter = Counter("values_changed", {"stream": self._name})
        for column, count in changed.items():
            log.warning(
                "%s: %d values of column %r have no JSON form and were changed, see out_of_range_dates and "
                "special_numbers",
                self._plan.id,
                count,
                column,
            )
            counter.add(count)
        counter.log()
