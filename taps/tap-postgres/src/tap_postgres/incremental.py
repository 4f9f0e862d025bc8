"""INCREMENTAL: rows from the greatest replication key of the run before on, in its order."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dativo_protocol.state import Bookmark

from tap_postgres.bookmarks import advanced, key_bookmark
from tap_postgres.jobs import Job
from tap_postgres.key_ranges import KeyRange, check_key, key_range, late_statement, statements
from tap_postgres.key_values import is_temporal, last_value, state_value
from tap_postgres.stream_run import StreamRun

if TYPE_CHECKING:
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter, RowWriter

    from tap_postgres.jobs import Rows
    from tap_postgres.late_commits import Fence
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")


class Incremental(StreamRun):
    """Reads what is new in a table, as its replication key tells."""

    def __init__(
        self, plan: StreamPlan, settings: TapPostgresSettings, state: State, out: MessageWriter, fence: Fence
    ) -> None:
        """Decide where to start.

        Args:
            plan: of the stream, with a replication key.
            settings: of the tap.
            state: with the bookmark of an earlier run.
            out: where to write.
            fence: against rows that are committed late.

        Raises:
            ConfigError: the state, or the key, cannot be used.
        """
        super().__init__(plan, settings, state, out)
        assert plan.key is not None
        check_key(plan)
        self._key = plan.key
        self._fence = fence
        self._place = plan.arrow_schema.get_field_index(plan.key)
        column, type_ = plan.table.column(plan.key), plan.arrow_schema.field(self._place).type
        self._is_temporal = column is not None and is_temporal(column.sql_type, type_)
        self._bookmark = key_bookmark(state.get_bookmark(plan.id), plan.key, stream_id=plan.id)
        since = self._late_since()
        self._range = self._new_rows()
        in_order = Job(
            plan, statements(plan, self._range, fence.upper(self._range.key), settings.most_records)
        )
        self._late = None if since is None else Job(plan, (late_statement(plan, self._range, since),))
        self.jobs = (in_order, self._late) if self._late else (in_order,)

    def begin(self) -> None:
        """Nothing: the target keeps what it has."""

    def write(self, records: RowWriter, rows: Rows) -> None:
        """Write rows and, as they are sorted, a STATE from which a run can go on."""
        is_in_order = rows.job is not self._late and not self._fence.holds_back
        keys = rows.batch.column(self._place)
        value = last_value(keys, is_temporal=self._is_temporal) if is_in_order else None
        with self.out.hold():
            records.write(rows.batch)
            if value is not None:
                self._bookmark = advanced(
                    self._bookmark, self._key, state_value(value), may_step_back=self._range.looks_back
                )
                self.state.set_bookmark(self.plan.id, self._bookmark)
        if value is not None:
            self.write_state()

    def finish_job(self, job: Job) -> None:
        """Nothing: rows that were committed late are done when all are."""

    def finish(self) -> None:
        """Write the STATE."""
        with self.out.hold():
            self._bookmark = Bookmark(self._fence.marked(dict(self._bookmark.values)))
            self.state.set_bookmark(self.plan.id, self._bookmark)
            self.write_state()

    def _late_since(self) -> int | None:
        """Return the transaction from which on rows are new whatever their keys; without it all are."""
        if self._bookmark.replication_key_value is None:
            return None
        try:
            return self._fence.since(dict(self._bookmark.values))
        except LookupError:
            log.warning(
                "%s: reads all rows: the state is too old, or of another server, to tell which were "
                "committed late",
                self.plan.id,
            )
            self._bookmark = key_bookmark(Bookmark(), self._key, stream_id=self.plan.id)
            return None

    def _new_rows(self) -> KeyRange:
        settings, value = self.settings, self._bookmark.replication_key_value
        return key_range(
            self.plan,
            value,
            start_date=settings.start_date if self._is_temporal else None,
            lookback_seconds=settings.lookback_seconds if self._is_temporal else 0,
            is_strict=settings.replication_key_strict,
        )
