"""What a target is to the toolkit, and the loop that runs one."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol

from dativo_protocol.errors import DativoError, RecordsWithoutSchemaError, SourceError
from dativo_protocol.events import (
    ActivateVersionEvent,
    BatchEvent,
    BatchFileEvent,
    EndEvent,
    Event,
    InvalidEvent,
    NoticeEvent,
    SchemaEvent,
    StateEvent,
)
from dativo_protocol.metrics import Point, StreamCounters, Timer
from dativo_protocol.pipes import widen_pipe, write_all
from dativo_protocol.reader import ReadOptions, read_events
from dativo_protocol.signals import StopRequest

if TYPE_CHECKING:
    import pyarrow as pa

    from dativo_protocol.events import StreamPlan
    from dativo_protocol.messages import BatchMessage, SchemaMessage
    from dativo_protocol.tally import Tally

log = logging.getLogger(__name__)

NOTICES = {
    "unknown-message-type": "messages of the unknown type %(subject)r are ignored",
    "unknown-property": "stream %(stream)r: the property %(subject)s is not in the schema and is ignored",
}


class Loader(Protocol):
    """One destination, opened with its settings.

    All methods but `plan` are called on the main thread, in the order of the input.

    Attributes:
        tally: where the records of the run went. Before the final commit the loop adds what it has read;
            all else is counted by the loader.
    """

    tally: Tally

    def plan(self, message: SchemaMessage) -> StreamPlan:
        """Choose the columns of a stream; pure, called on the decode thread.

        Raises:
            SchemaError: the stream cannot be stored.
        """

    def open_stream(self, plan: StreamPlan) -> None:
        """Make a stream ready for batches of this plan; called again when its SCHEMA changes."""

    def write(self, stream: str, batch: pa.RecordBatch) -> None:
        """Take the next rows of a stream; they need not be durable yet."""

    def activate_version(self, stream: str, version: int) -> None:
        """Retire the rows of a stream older than `version`, with the next commit (M5)."""

    def load_batch_file(self, message: BatchMessage, line: int) -> int:
        """Take the rows of the files a BATCH message names (B1..B4); returns how many."""

    def invalid(self, event: InvalidEvent) -> None:
        """Deal with a record that does not fit; `raise event.error()` when the policy is to fail (G1, G3)."""

    def commit(self, state: bytes | None, *, final: bool) -> None:
        """Make everything taken so far durable and visible before returning.

        Args:
            state: the STATE value this commit stands for, None if none came since the last commit.
            final: the input has ended cleanly.

        Raises:
            StoreError: nothing of this epoch counts as published.
        """

    def emitted(self) -> None:
        """Learn that the STATE of the last commit has left, if it had one.

        Raises:
            StoreError: that cannot be written down; what was committed stays.
        """

    def abort(self) -> None:
        """Drop everything unpublished; must not raise because of what is being dropped."""


def run_target(
    loader: Loader,
    source: int,
    state_fd: int,
    *,
    options: ReadOptions | None = None,
    stop: StopRequest | None = None,
) -> None:
    """Load everything from `source`; a STATE goes to `state_fd` once all before it is durable (R1, R2).

    On any failure the loader is told to abort and nothing more is published.

    Args:
        loader: the destination.
        source: file descriptor of Singer lines.
        state_fd: file descriptor for the lines of STATE.
        options: bounds and epochs.
        stop: when it comes, the open epoch is abandoned; a commit under way is finished first (S3).

    Raises:
        ProtocolError, SchemaError, SourceError: the input cannot be used.
        InvalidRecordError, StoreError: from the loader.
        DownstreamClosed: nobody reads STATE any more.
        Stopped: `stop` came.
    """
    widen_pipe(source)
    run = _Run(loader, state_fd)
    reading = read_events(source, loader.plan, options or ReadOptions())
    with Timer("job_duration"), reading as events, (stop or StopRequest()).hold(events.cancel):
        try:
            for event in events:
                run.take(event)
        except BaseException:
            give_up(loader)
            raise
        finally:
            run.counters.log()
    run.conclude()


def give_up(loader: Loader) -> None:
    """Drop what is unpublished; the failure that led here must not be hidden by another."""
    try:
        loader.abort()
    except (DativoError, OSError) as error:
        log.warning("what was not published could not be removed: %s", error)


class _Run:
    """One pass over the events of an input."""

    def __init__(self, loader: Loader, state_fd: int) -> None:
        self.counters = StreamCounters()
        self._end: EndEvent | None = None
        self._loader = loader
        self._state_fd = state_fd
        self._streams: set[str] = set()
        self._invalid = 0
        self._started = time.monotonic()

    def take(self, event: Event) -> None:
        match event:
            case BatchEvent(stream, batch):
                self._loader.write(stream, batch)
                self.counters.add(stream, batch.num_rows)
            case StateEvent(value):
                self._commit(value, final=False)
            case SchemaEvent(plan):
                self._streams.add(plan.message.stream)
                self.counters.open(plan.message.stream)
                self._loader.open_stream(plan)
            case ActivateVersionEvent(stream, version):
                self._activate(stream, version)
            case BatchFileEvent(message, line):
                self._require_schema(message.stream, line)
                rows = self._loader.load_batch_file(message, line)
                self.counters.add(message.stream, rows)
            case InvalidEvent():
                self._refuse(event)
            case NoticeEvent(code, stream, subject):
                log.warning(NOTICES[code], {"stream": stream, "subject": subject})
            case EndEvent():
                self._finish(event)

    def _commit(self, state: bytes | None, *, final: bool) -> None:
        self._loader.commit(state, final=final)
        if state is not None:
            write_all(self._state_fd, state + b"\n")
        self._loader.emitted()

    def _activate(self, stream: str, version: int) -> None:
        if stream in self._streams:
            self._loader.activate_version(stream, version)
        else:
            log.warning("ACTIVATE_VERSION %d is ignored: stream %r has no SCHEMA", version, stream)

    def _require_schema(self, stream: str, line: int) -> None:
        if stream not in self._streams:
            raise RecordsWithoutSchemaError("batch before schema", line=line, stream=stream)

    def _refuse(self, event: InvalidEvent) -> None:
        self._invalid += 1
        self._loader.invalid(event)

    def _finish(self, event: EndEvent) -> None:
        self._end = event
        if event.cancelled:
            log.warning("what was read since the last STATE is abandoned")
            give_up(self._loader)
        else:
            self._loader.tally.read += event.records + event.invalid
            self._commit(event.state, final=True)

    def conclude(self) -> None:
        """Say what was done.

        Raises:
            SourceError: the input was abandoned though no signal came.
        """
        if self._end is None or self._end.cancelled:
            raise SourceError("the input was abandoned before its end")
        tally = self._loader.tally
        for name, count in tally.counts().items():
            Point("counter", f"records_{name}", count, {}).log()
        log.info("%s", tally)
        log.info(
            "loaded %s from %s lines, %.1f MB in %.1f s; %s invalid",
            self.counters.summary(),
            f"{self._end.lines:,}",
            self._end.bytes / 1e6,
            time.monotonic() - self._started,
            f"{self._invalid:,}",
        )
