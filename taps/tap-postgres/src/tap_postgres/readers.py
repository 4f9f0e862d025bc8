"""Readers: threads that take jobs from one list, each by a connection of its own.

They decode only; whoever takes their rows is the one that writes.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from dativo_protocol.ahead import read_ahead

from tap_postgres.copying import Copying
from tap_postgres.errors import asking
from tap_postgres.jobs import Finished, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import psycopg
    from dativo_protocol.postgres import PgOptions
    from psycopg.rows import TupleRow

    from tap_postgres.jobs import Job

WAITING_BYTES = 16 << 20
"""Of batches that wait to be written; besides, each reader holds one."""


@contextmanager
def read_jobs(
    connections: Sequence[psycopg.Connection[TupleRow]],
    jobs: Iterable[Job],
    options: PgOptions,
    hold: Callable[[], AbstractContextManager[None]],
) -> Iterator[Iterator[Rows | Finished]]:
    """Read jobs in their order, as many at a time as there are connections.

    Args:
        connections: each is used by one thread, and by nobody else before the block is left.
        jobs: to do.
        options: of the decoder.
        hold: block in which the process must not be stopped.

    Raises:
        PostgresError: the server refuses a statement, or breaks off.
        ValueMisfit: a value does not fit its column.
    """
    import pyarrow  # noqa: F401, ICN001 -- not by several threads at once
    from psycopg import sql  # noqa: F401 -- likewise

    stop = threading.Event()
    waiting = deque(jobs)
    readers = [_read(connection, waiting, options, stop) for connection in connections]
    with read_ahead(readers, limit=WAITING_BYTES, weight=_bytes_of, hold=hold, stop=stop) as items:
        yield items


def _bytes_of(item: Rows | Finished) -> int:
    return max(1, item.batch.nbytes) if isinstance(item, Rows) else 1


def _read(
    connection: psycopg.Connection[TupleRow], jobs: deque[Job], options: PgOptions, stop: threading.Event
) -> Generator[Rows | Finished]:
    while not stop.is_set():
        try:
            job = jobs.popleft()
        except IndexError:
            return
        copying = Copying(connection, job.stream, options, stop)
        _show(connection, job)
        for statement in job.statements:
            # The rows are let go before their connection, whatever happens.
            with closing(copying.batches(statement)) as batches:
                for batch in batches:
                    yield Rows(job, batch)
        if not stop.is_set():
            yield Finished(job, copying.changed)


def _show(connection: psycopg.Connection[TupleRow], job: Job) -> None:
    """Show administrators what is being read."""
    name = f"tap-postgres/{job.stream.id}"[:63]
    with asking(f"reading stream {job.stream.id!r}"):
        connection.execute("SELECT pg_catalog.set_config('application_name', %s, false)", [name])
