"""INCREMENTAL: rows from the greatest replication key of the run before on, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.state import is_less

from tap_postgres.bookmarks import advanced, key_bookmark
from tap_postgres.copying import copy_statement
from tap_postgres.jobs import Job
from tap_postgres.key_values import is_temporal, last_value, literal, state_value
from tap_postgres.stream_run import StreamRun

if TYPE_CHECKING:
    from typing import Any

    import pyarrow as pa
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter, RowWriter
    from psycopg import sql

    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

_INDEXED = ("table", "materialized view", "partitioned table")


class Incremental(StreamRun):
    """Reads what is new in a table, as its replication key tells."""

    def __init__(
        self, plan: StreamPlan, settings: TapPostgresSettings, state: State, out: MessageWriter
    ) -> None:
        """Decide where to start.

        Raises:
            ConfigError: the state cannot be used.
        """
        super().__init__(plan, settings, state, out)
        assert plan.key is not None
        self._key = plan.key
        self._place = plan.arrow_schema.get_field_index(plan.key)
        self._is_temporal = is_temporal(plan.arrow_schema.field(self._place).type)
        self._bookmark = key_bookmark(state.get_bookmark(plan.id), plan.key, stream_id=plan.id)
        self.jobs = (Job(plan, self._statements()),)

    def begin(self) -> None:
        """Nothing: the target keeps what it has."""

    def write(self, records: RowWriter, rows: pa.RecordBatch) -> None:
        """Write rows and, as they are sorted, a STATE from which a run can go on."""
        value = last_value(rows.column(self._place))
        with self.out.hold():
            records.write(rows)
            if value is not None:
                self._bookmark = advanced(
                    self._bookmark, self._key, state_value(value), may_step_back=self._looks_back
                )
                self.state.set_bookmark(self.plan.id, self._bookmark)
        if value is not None:
            self.write_state()

    def finish_job(self, job: Job) -> None:
        """Never comes: the stream has one."""

    def finish(self) -> None:
        """Write the STATE."""
        with self.out.hold():
            self.state.set_bookmark(self.plan.id, self._bookmark)
            self.write_state()

    @property
    def _looks_back(self) -> bool:
        return self._is_temporal and self.settings.lookback_seconds > 0

    def _statements(self) -> tuple[sql.Composable, ...]:
        from psycopg import sql

        key = sql.Identifier(self.plan.table.name, self._key)
        start = self._start(key)
        if start is not None:
            return (copy_statement(self.plan, where=(start,), order=key),)
        column = self.plan.table.column(self._key)
        if column is not None and column.not_null:
            return (copy_statement(self.plan, order=key),)
        if self.plan.table.kind not in _INDEXED:
            return (copy_statement(self.plan, order=sql.SQL("{} NULLS FIRST").format(key)),)
        # Apart, so that an index serves the order.
        return (
            copy_statement(self.plan, where=(sql.SQL("{} IS NULL").format(key),)),
            copy_statement(self.plan, where=(sql.SQL("{} IS NOT NULL").format(key),), order=key),
        )

    def _start(self, key: sql.Identifier) -> sql.Composable | None:
        """Return the condition that rows are new, None to read them all."""
        from psycopg import sql

        before = self._bookmark.replication_key_value
        start_date = self.settings.start_date if self._is_temporal else None
        value: Any = before
        is_from_state = before is not None and not (start_date and is_less(before, start_date))
        if not is_from_state:
            value = start_date
        if value is None:
            return None
        column = self.plan.table.column(self._key)
        assert column is not None
        bound = literal(value, column.sql_type)
        if is_from_state and self._looks_back:
            seconds = sql.Literal(str(self.settings.lookback_seconds))
            bound = sql.SQL("{} - pg_catalog.make_interval(secs => {}::pg_catalog.float8)").format(
                bound, seconds
            )
        is_strict = is_from_state and self.settings.replication_key_strict and self._is_unique
        after = sql.SQL(">" if is_strict and not self._looks_back else ">=")
        return sql.SQL("{} {} {}").format(key, after, bound)

    @property
    def _is_unique(self) -> bool:
        keys = (self.plan.table.primary_key, *self.plan.table.unique_keys)
        return (self._key,) in keys
