"""Changes as they come from a slot, read by one thread that also replies to the server.

Whatever the writer of the rows is at, the server hears of us: the thread never waits long for anybody.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from dativo_protocol import metrics

from tap_postgres.errors import PostgresError, ValueMisfit
from tap_postgres.log_plan import as_rows, changes_schema
from tap_postgres.stream_run import report_changed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import pyarrow as pa
    from dativo_protocol.postgres import PgChange, PgChanges, PgConnection, PgOptions, PgRelation

    from tap_postgres.acknowledged import Acknowledged
    from tap_postgres.ending import Ending
    from tap_postgres.relations import LogStream, Relations
    from tap_postgres.replication import ReplicationSession, Subscription
    from tap_postgres.toast import ToastReader
    from tap_postgres.wal_budget import WalBudget

WAITING_BYTES = 16 << 20
"""Of batches that wait to be written."""

_REPLY_SECONDS = 1.0
"""The server breaks off after `wal_sender_timeout` without a word, 60 s by default."""
_REPORT_SECONDS = 10.0
_ROOM_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Described:
    """From here on a stream looks like this."""

    stream: LogStream


@dataclass(frozen=True, slots=True, eq=False)
class Changed:
    """Changes of a stream, in the order of their transactions' commits."""

    stream_id: str
    rows: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class Truncated:
    """All rows of a stream were deleted at once."""

    stream_id: str
    lsn: int


@dataclass(frozen=True, slots=True)
class Reached:
    """All changes committed before this position have come."""

    lsn: int


Item = Described | Changed | Truncated | Reached


class Room:
    """Bounds what waits between two threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._changed = threading.Condition()

    def take(self, size: int, seconds: float) -> bool:
        """Wait for room, and take it; False if there was none for so long."""
        with self._changed:
            if self._taken and self._taken + size > self._limit:
                self._changed.wait(seconds)
            if self._taken and self._taken + size > self._limit:
                return False
            self._taken += size
            return True

    def give_back(self, size: int) -> None:
        """Let others have it."""
        with self._changed:
            self._taken -= size
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a receiver asks and tells while it reads; all of it is used by its thread alone.

    Attributes:
        relations: finds the streams that tables are of.
        positions: from where on changes of a stream are wanted, by id.
        toast: fetches values that the log leaves out; None to leave them null.
        budget: watches the slot.
        acknowledged: what may be confirmed.
        ending: knows when to end.
    """

    relations: Relations
    positions: dict[str, int]
    toast: ToastReader | None
    budget: WalBudget
    acknowledged: Acknowledged
    ending: Ending


class Receiver:
    """Reads one slot to the end of a run."""

    def __init__(
        self,
        session: ReplicationSession,
        subscription: Subscription,
        around: Surroundings,
        options: PgOptions,
        stop: threading.Event,
        *,
        commit_millis: int,
    ) -> None:
        """Read by this session, until `stop` is set or the run is at its end.

        Args:
            session: of which the slot is read.
            subscription: what to ask for.
            around: what is asked and told on the way.
            options: of the decoder.
            stop: from outside.
            commit_millis: shortest time between two `Reached`; 0 for one after each transaction.
        """
        self._room = Room(WAITING_BYTES)
        self._session = session
        self._subscription = subscription
        self._around = around
        self._options = options
        self._stop = stop
        self._commit_millis = commit_millis
        self._streams: dict[int, LogStream] = {}
        self._received = 0
        self._server_time = 0
        self._replied = 0.0
        self._reported = time.monotonic()

    def items(self) -> Generator[Item]:
        """Yield what comes; whoever has done with an item calls `release`.

        Raises:
            PostgresError: the server breaks off, or a value does not fit its column.
            SlotError: the slot was given up.
        """
        self._session.start(self._subscription)
        with self._changes() as changes:
            self._reply(wants_answer=True)
            while not self._stop.is_set():
                change = changes.next()
                self._received, self._server_time = change.received_lsn, change.server_time
                yield from self._items_of(change, changes)
                self._keep_up(change)
                if self._around.ending.is_at(change):
                    self._reply()
                    self._report()
                    self._report_changed(changes)
                    return

    def release(self, item: Item) -> None:
        """Let others have the room that an item has taken; from any thread."""
        if isinstance(item, Changed):
            self._room.give_back(item.rows.nbytes)

    def _items_of(self, change: PgChange, changes: PgChanges) -> Iterator[Item]:
        from dativo_protocol.postgres import PgChangeKind as Kind

        match change.kind:
            case Kind.RELATION if change.relation is not None:
                yield from self._described(change.relation, changes)
            case Kind.BATCH if change.batch is not None:
                yield from self._changed(change)
            case Kind.TRUNCATE if change.relid in self._streams:
                yield Truncated(self._streams[change.relid].plan.id, change.lsn)
            case Kind.COMMIT:
                yield Reached(change.end_lsn)
            case Kind.END:
                self._session.fail_with_result(self._doing)

    def _described(self, relation: PgRelation, changes: PgChanges) -> Iterator[Item]:
        found = self._around.relations.adapt(relation)
        if found is None:
            changes.plan(relation.relid, None)
            return
        stream, is_news = found
        self._streams[relation.relid] = stream
        start = self._around.positions[stream.plan.id]
        changes.plan(relation.relid, changes_schema(stream.plan), start)
        if is_news:
            yield Described(stream)

    def _changed(self, change: PgChange) -> Iterator[Item]:
        plan = self._streams[change.relid].plan
        assert change.batch is not None
        rows = as_rows(plan, change.batch)
        if change.unchanged is not None and self._around.toast is not None:
            rows = self._around.toast.filled(plan, rows, change.unchanged)
        while not self._room.take(rows.nbytes, _ROOM_SECONDS):
            if self._stop.is_set():
                return
            self._keep_up(None)
        yield Changed(plan.id, rows)

    def _keep_up(self, change: PgChange | None) -> None:
        """Reply and report when it is time to."""
        from dativo_protocol.postgres import PgChangeKind as Kind

        now = time.monotonic()
        is_asked = change is not None and change.kind is Kind.KEEPALIVE
        # A server that has nothing to send says where it is only if it is asked to.
        wants_answer = change is not None and change.kind is Kind.IDLE
        if is_asked or now - self._replied >= _REPLY_SECONDS:
            self._reply(wants_answer=wants_answer)
        if now - self._reported >= _REPORT_SECONDS:
            self._report()

    def _reply(self, *, wants_answer: bool = False) -> None:
        self._replied = time.monotonic()
        flushed = self._around.acknowledged.look()
        self._session.reply(received=self._received, flushed=flushed, wants_answer=wants_answer)

    def _report(self) -> None:
        self._reported = time.monotonic()
        budget, slot = self._around.budget, {"slot": self._subscription.slot}
        cost = budget.look()
        metrics.gauge("replication_lag_bytes", max(0, cost.position - self._received), slot)
        if self._server_time:
            metrics.gauge("replication_lag_seconds", max(0.0, time.time() - self._server_time / 1e6), slot)
        if budget.must_drop(cost):
            self._session.connection.close()
            budget.give_up(cost)
        if budget.must_stop(self._received - max(self._around.acknowledged.lsn, self._subscription.start)):
            self._around.ending.end_soon("it holds more WAL than `wal_limit_bytes`")

    def _report_changed(self, changes: PgChanges) -> None:
        for relid, stream in self._streams.items():
            report_changed(stream.plan, changes.tally(relid))

    @property
    def _doing(self) -> str:
        return f"reading from slot {self._subscription.slot!r}"

    @contextmanager
    def _changes(self) -> Iterator[PgChanges]:
        from dativo_protocol.postgres import InvalidValue, IoError, PgChanges, PqCalls

        pgconn = cast("PgConnection", self._session.connection.pgconn)
        try:
            with PgChanges(
                pgconn, PqCalls.of_psycopg(), self._options, commit_millis=self._commit_millis
            ) as changes:
                yield changes
        except InvalidValue as error:
            raise PostgresError(
                f"{self._doing}: {error}", instruction=ValueMisfit.default_instruction
            ) from None
        except IoError as error:
            raise PostgresError(f"{self._doing}: {error}", sqlstate="08006") from None
