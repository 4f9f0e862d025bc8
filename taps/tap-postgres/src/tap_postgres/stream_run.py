"""One stream of a run: what readers are to do for it, and what becomes of their rows."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dativo_protocol import metrics

from tap_postgres.jobs import Finished, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter, RowWriter

    from tap_postgres.jobs import Job
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")


class StreamRun(ABC):
    """Writes one stream; a context manager, to let go of what writes its records.

    Attributes:
        plan: of the stream.
        jobs: at least one.
    """

    jobs: tuple[Job, ...]

    def __init__(
        self, plan: StreamPlan, settings: TapPostgresSettings, state: State, out: MessageWriter
    ) -> None:
        self.plan = plan
        self.settings = settings
        self.state = state
        self.out = out
        self.name = plan.message.stream
        self._writing = ExitStack()
        self._records: RowWriter | None = None
        self._finished = 0
        self._changed: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Begin nothing: the first rows do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what writes the records."""
        self._writing.__exit__(kind, error, trace)

    @property
    def version(self) -> int | None:
        """Of the table, in its records."""
        return None

    def take(self, item: Rows | Finished) -> None:
        """Write rows, or what is to be said at the end of a job and of the stream."""
        if self._records is None:
            self._records = self._begin()
        if isinstance(item, Rows):
            self.write(self._records, item)
            return
        self._finished += 1
        self._changed.update(item.changed)
        if self._finished < len(self.jobs):
            self.finish_job(item.job)
        else:
            self._writing.close()
            self.finish()
            self._report()

    def _begin(self) -> RowWriter:
        self.out.schema(self.plan.message)
        self.begin()
        return self._writing.enter_context(self.out.stream(self.name, self.plan.arrow_schema, self.version))

    @abstractmethod
    def begin(self) -> None:
        """Say what comes before the first record."""

    @abstractmethod
    def write(self, records: RowWriter, rows: Rows) -> None:
        """Write rows."""

    @abstractmethod
    def finish_job(self, job: Job) -> None:
        """Say what a finished job is worth; not called for the last one."""

    @abstractmethod
    def finish(self) -> None:
        """Say that all rows were written."""

    def write_state(self) -> None:
        """Write the STATE as it is."""
        self.out.state(self.state.to_dict())

    def _report(self) -> None:
        report_changed(self.plan, self._changed)


def report_changed(plan: StreamPlan, changed: Mapping[str, int]) -> None:
    """Say which columns of a stream had values that a policy has changed, and how many."""
    if not changed:
        return
    counter = metrics.Counter("values_changed", {"stream": plan.message.stream})
    for column, count in changed.items():
        log.warning(
            "%s: %d values of column %r have no JSON form and were changed, see out_of_range_dates and "
            "special_numbers",
            plan.id,
            count,
            column,
        )
        counter.add(count)
    counter.log()
