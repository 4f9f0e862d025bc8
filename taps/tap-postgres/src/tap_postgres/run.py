"""The run: readers take what the streams want read, and the main thread writes what they bring."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from dativo_protocol.catalog import ReplicationMethod

from tap_postgres.full_table import FullTable
from tap_postgres.incremental import Incremental
from tap_postgres.readers import read_jobs
from tap_postgres.snapshot import take_snapshot
from tap_postgres.storage import storage_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo_protocol.postgres import PgOptions
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter

    from tap_postgres.connections import Connections
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
    if not plans:
        return
    with take_snapshot(connections) as snapshot, ExitStack() as open_streams:
        streams = {plan.id: _stream_run(plan, snapshot, settings, state, out) for plan in plans}
        for stream in streams.values():
            open_streams.enter_context(stream)
        jobs = [job for stream in streams.values() for job in stream.jobs]
        sessions = snapshot.sessions(min(settings.max_parallelism, len(jobs)))
        with read_jobs(sessions, jobs, _options(settings), out.hold) as items:
            for item in items:
                streams[item.job.stream.id].take(item)


def _stream_run(
    plan: StreamPlan, snapshot: Snapshot, settings: TapPostgresSettings, state: State, out: MessageWriter
) -> StreamRun:
    if plan.method is ReplicationMethod.INCREMENTAL:
        return Incremental(plan, settings, state, out)
    return FullTable(plan, settings, state, out, storage_of(snapshot.first, plan))


def _options(settings: TapPostgresSettings) -> PgOptions:
    from dativo_protocol.postgres import PgOptions

    return PgOptions(
        batch_rows=settings.batch_rows,
        out_of_range=settings.out_of_range_dates,
        special_numbers=settings.special_numbers,
    )
