"""The run: readers take what the streams want read, and the main thread writes what they bring."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from dativo_protocol.catalog import ReplicationMethod

from tap_postgres.full_table import FullTable
from tap_postgres.incremental import Incremental
from tap_postgres.key_index import warn_of_scans
from tap_postgres.late_commits import fence_of, read_horizon
from tap_postgres.readers import read_jobs
from tap_postgres.row_security import warn_of_policies
from tap_postgres.snapshot import take_snapshot
from tap_postgres.storage import storage_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo_protocol.postgres import PgOptions
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter

    from tap_postgres.connections import Connections
    from tap_postgres.late_commits import Horizon
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.snapshot import Snapshot
    from tap_postgres.stream_run import StreamRun
    from tap_postgres.tables import StreamPlan


def run_streams(
    plans: Sequence[StreamPlan],
    connections: Connections,
    settings: TapPostgresSettings,
    state: State,
    out: MessageWriter,
) -> None:
    """Write every stream as it was at one moment, with STATEs from which a run can go on.

    Raises:
        PostgresError: a table cannot be read on.
        ConfigError: the state cannot be used.
    """
    # A trial leaves no traces on the server: it reads tables only.
    is_trial = out.record_limit is not None
    by_query = [plan for plan in plans if is_trial or plan.method is not ReplicationMethod.LOG_BASED]
    by_log = [plan for plan in plans if plan not in by_query]
    if by_query:
        is_by_key = any(plan.method is ReplicationMethod.INCREMENTAL for plan in by_query)
        horizon = read_horizon(connections, settings) if is_by_key else None
        with take_snapshot(connections) as snapshot:
            warn_of_policies(snapshot.first, by_query)
            if is_by_key:
                warn_of_scans(snapshot.first, by_query)
            streams = [_stream_run(plan, snapshot, horizon, settings, state, out) for plan in by_query]
            read_streams(streams, snapshot, settings, out)
    if by_log:
        from tap_postgres.log_based import run_log_based

        run_log_based(by_log, connections, settings, state, out)


def read_streams(
    streams: Sequence[StreamRun], snapshot: Snapshot, settings: TapPostgresSettings, out: MessageWriter
) -> None:
    """Read streams to their ends, all as they were at one moment.

    Args:
        streams: begun in this order.
        snapshot: the moment.
        settings: of the tap.
        out: where the streams write.

    Raises:
        PostgresError: a table cannot be read on.
    """
    by_id = {stream.plan.id: stream for stream in streams}
    jobs = [job for stream in streams for job in stream.jobs]
    sessions = snapshot.sessions(min(settings.max_parallelism, len(jobs)))
    with ExitStack() as opened:
        for stream in streams:
            opened.enter_context(stream)
        with read_jobs(sessions, jobs, options_of(settings), out.hold) as items:
            for item in items:
                by_id[item.job.stream.id].take(item)


def _stream_run(
    plan: StreamPlan,
    snapshot: Snapshot,
    horizon: Horizon | None,
    settings: TapPostgresSettings,
    state: State,
    out: MessageWriter,
) -> StreamRun:
    if plan.method is ReplicationMethod.INCREMENTAL:
        return Incremental(plan, settings, state, out, fence_of(plan, snapshot, horizon, settings))
    return FullTable(plan, settings, state, out, storage_of(snapshot.first, plan))


def options_of(settings: TapPostgresSettings) -> PgOptions:
    """Return the limits and policies of the decoder."""
    from dativo_protocol.postgres import PgOptions

    return PgOptions(
        batch_rows=settings.batch_rows,
        out_of_range=settings.out_of_range_dates,
        special_numbers=settings.special_numbers,
    )
