"""Singer lines from a file descriptor, as events, read ahead of whoever takes them.

One thread owns the native reader and everything that must happen in its rhythm: parsing a SCHEMA, asking
for its plan, holding back a STATE until it is known whether the end follows. The taker gets events through
a queue bounded by bytes, so that decoding and writing overlap and memory follows a setting.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import takewhile
from threading import Thread
from typing import TYPE_CHECKING

from dativo_protocol.errors import MessageError, SchemaError, SourceError
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
    StreamPlan,
)
from dativo_protocol.flood import Flood
from dativo_protocol.handoff import Handoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    import dativo_native
    import pyarrow as pa

    from dativo_protocol.messages import BatchMessage, SchemaMessage
    from dativo_protocol.recheck import Recheck

    Planner = Callable[[SchemaMessage], StreamPlan]

log = logging.getLogger(__name__)

NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How much is held at once, and when a STATE is due.

    Attributes:
        batch_rows: most rows of a batch.
        batch_bytes: most decoded bytes of a batch.
        queue_bytes: most bytes of batches waiting to be taken.
        max_line_bytes: a longer line ends the run.
        epoch_bytes: a STATE is due after so much input; 0 for no such limit.
        epoch_records: a STATE is due after so many records; 0 for no such limit.
        epoch_seconds: a STATE is due after so much time; 0 for no such limit.

    With no epoch limit at all every STATE is due.
    """

    batch_rows: int = 65_536
    batch_bytes: int = 32 << 20
    queue_bytes: int = 64 << 20
    max_line_bytes: int = 256 << 20
    epoch_bytes: int = 4 << 30
    epoch_records: int = 0
    epoch_seconds: float = 300.0

    def native(self) -> dativo_native.ReaderOptions:
        """The part the native reader keeps."""
        from dativo_native import ReaderOptions

        return ReaderOptions(
            batch_rows=self.batch_rows,
            batch_bytes=self.batch_bytes,
            max_line_bytes=self.max_line_bytes,
            epoch_bytes=self.epoch_bytes,
            epoch_records=self.epoch_records,
            epoch_millis=round(self.epoch_seconds * 1000),
        )


def read_events(source: int, planner: Planner, options: ReadOptions) -> Events:
    """Read Singer lines from a file descriptor.

    Args:
        source: file descriptor; stays open.
        planner: chooses the columns of a stream; called on the reading thread at every new SCHEMA.
        options: bounds and epochs.

    Returns:
        A context manager over an iterator that ends after its `EndEvent`. Whatever stops the reading
        thread is raised to the taker in its place in the order:
        `MessageError`, `SchemaError`, `SourceError`, or what `planner` raised.
    """
    return Events(source, planner, options)


class Events:
    """The events of one input, once."""

    def __init__(self, source: int, planner: Planner, options: ReadOptions) -> None:
        from dativo_native import IoError, RecordReader

        try:
            self._native = RecordReader(source, options.native())
        except IoError as error:
            raise SourceError(str(error), retryable=error.retryable) from error
        self._queue: Handoff[Event | Flood | BaseException] = Handoff(options.queue_bytes)
        self._decoder = _Decoder(self._native, planner, self._queue)
        self._cancelled = False
        self._thread = Thread(target=self._decoder.run, name="decode", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()
        self._queue.close()
        self._thread.join()
        self._native.close()

    def __iter__(self) -> Iterator[Event]:
        event: Event | None = None
        while not isinstance(event, EndEvent):
            taken = self._queue.get()
            if self._cancelled:
                taken = EndEvent(state=None, cancelled=True, lines=0, bytes=0)
            if isinstance(taken, BaseException):
                raise taken
            if isinstance(taken, Flood):
                yield from takewhile(lambda _: not self._cancelled, taken.events)
            else:
                event = taken
                yield event

    def cancel(self) -> None:
        """Abandon the input, and what was read ahead: the next event is the end. For any thread."""
        self._cancelled = True
        self._native.cancel()


class _Decoder:
    """Body of the reading thread."""

    def __init__(
        self,
        native: dativo_native.RecordReader,
        planner: Planner,
        queue: Handoff[Event | Flood | BaseException],
    ) -> None:
        self._native = native
        self._planner = planner
        self._queue = queue
        self._rechecks: dict[str, Recheck] = {}
        self._told: set[str] = set()
        self._state: bytes | None = None
        self._flood = Flood()

    def run(self) -> None:
        try:
            self._decode()
        except BaseException as error:  # noqa: BLE001 -- the boundary of a thread: the taker raises it
            self._release()  # whole and earlier than the failure: what it covers may be kept
            self._queue.put(error)

    def _decode(self) -> None:
        from dativo_native import EventKind

        taken = True
        while taken:
            event = self._next()
            match event.kind:
                case EventKind.INVALID:
                    taken = self._release_state() and self._pass_invalid(event)
                case EventKind.STATE:
                    taken = self._release()
                    self._state = event.text
                case EventKind.END:
                    self._pass_flood()
                    self._end(cancelled=event.reason == "cancelled")
                    return
                case _:
                    taken = self._release() and self._pass_on(event)

    def _next(self) -> dativo_native.Event:
        from dativo_native import IoError, LineTooLong

        try:
            return self._native.next()
        except IoError as error:
            raise SourceError(str(error), retryable=error.retryable) from error
        except LineTooLong as error:
            raise MessageError(str(error)) from error  # names its line itself

    def _release(self) -> bool:
        """Hand over all that is held back; what comes next comes after it."""
        return self._pass_flood() and self._release_state()

    def _pass_invalid(self, event: dativo_native.Event) -> bool:
        """Hand over the first of a flood at once and the others together."""
        self._flood.add(InvalidEvent(event.line, event.stream or "", event.path, event.reason, event.text))
        return self._pass_flood() if self._flood.is_due() else True

    def _pass_flood(self) -> bool:
        if not self._flood.events:
            return True
        flood, self._flood = self._flood, self._flood.next()
        return self._queue.put(flood, flood.weight)

    def _release_state(self) -> bool:
        """Hand over the STATE held back, now that something other than the end followed it."""
        state, self._state = self._state, None
        return state is None or self._queue.put(StateEvent(state))

    def _end(self, *, cancelled: bool) -> None:
        stats = self._native.stats()
        state = None if cancelled else self._state
        end = EndEvent(state, cancelled, stats.lines, stats.bytes, stats.records, stats.invalid)
        self._queue.put(end)

    def _pass_on(self, event: dativo_native.Event) -> bool:
        from dativo_native import EventKind

        stream = event.stream or ""
        match event.kind:
            case EventKind.SCHEMA:
                return self._queue.put(SchemaEvent(self._plan(event)))
            case EventKind.BATCH:
                return self._pass_batch(stream, event.batch)
            case EventKind.ACTIVATE_VERSION:
                return self._queue.put(ActivateVersionEvent(stream, event.version))
            case EventKind.BATCH_FILE:
                return self._queue.put(BatchFileEvent(_batch_message(event), event.line))
            case EventKind.NOTICE:
                subject = event.text.decode("utf-8", "replace")
                return self._queue.put(NoticeEvent(event.reason, stream, subject))
            case _:
                return True

    def _pass_batch(self, stream: str, batch: pa.RecordBatch | None) -> bool:
        assert batch is not None
        recheck = self._rechecks.get(stream)
        if recheck is None:
            return self._queue.put(BatchEvent(stream, batch), batch.nbytes)
        valid, invalid = recheck.split(batch)
        for event in invalid:
            if not self._queue.put(event, len(event.raw)):
                return False
        return not valid.num_rows or self._queue.put(BatchEvent(stream, valid), valid.nbytes)

    def _plan(self, event: dativo_native.Event) -> StreamPlan:
        from dativo_native import UnsupportedSchema

        plan = self._planner(_schema_message(event))
        stream = plan.message.stream
        self._rechecks.pop(stream, None)
        if plan.validated_by == "jsonschema":
            return self._plan_with_recheck(plan)
        try:
            self._native.plan(stream, plan.schema, _validation(plan))
        except UnsupportedSchema as error:
            if plan.validated_by != "native":
                raise SchemaError(str(error), stream=stream) from error
            if stream not in self._told:
                log.warning("records are validated one by one with jsonschema, which is slow: %s", error)
                self._told.add(stream)
            return self._plan_with_recheck(plan)
        return plan

    def _plan_with_recheck(self, plan: StreamPlan) -> StreamPlan:
        from dativo_native import UnsupportedSchema

        from dativo_protocol.recheck import Recheck

        stream = plan.message.stream
        recheck = Recheck(plan)
        try:
            self._native.plan(stream, recheck.schema)
        except UnsupportedSchema as error:
            raise SchemaError(str(error), stream=stream) from error
        self._rechecks[stream] = recheck
        return recheck.plan


def _validation(plan: StreamPlan) -> bytes:
    import json

    return json.dumps(plan.message.schema).encode() if plan.validated_by == "native" else b""


def _schema_message(event: dativo_native.Event) -> SchemaMessage:
    from dativo_protocol.messages import SchemaMessage, parse_message

    message = parse_message(event.text, number=event.line)
    assert isinstance(message, SchemaMessage)
    return message


def _batch_message(event: dativo_native.Event) -> BatchMessage:
    from dativo_protocol.messages import BatchMessage, parse_message

    message = parse_message(event.text, number=event.line)
    assert isinstance(message, BatchMessage)
    return message
