"""The replication protocol of the server: its commands, and the replies to its stream."""

from __future__ import annotations

import select
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_postgres.errors import PostgresError, SlotError, asking, postgres_error
from tap_postgres.lsn import format_lsn, parse_lsn

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from psycopg.rows import TupleRow

_POLL_MILLIS = 100
_CANCEL_SECONDS = 5.0
_EPOCH_MICROS = 946_684_800_000_000
"""Of PostgreSQL's clock, 2000-01-01, on that of Unix."""


@dataclass(frozen=True, slots=True)
class ExportedSnapshot:
    """A moment of the database that other sessions can look at.

    Attributes:
        name: to import it by, before the session that exported it takes another command.
        lsn: transactions committed before are in it, the others come in the stream of changes.
        slot: name of the temporary slot that it is of.
    """

    name: str
    lsn: int
    slot: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """What to ask a slot for.

    Attributes:
        slot: name.
        publication: name.
        start: position of the first transaction wanted.
        streaming: let large transactions come before they are committed.
    """

    slot: str
    publication: str
    start: int
    streaming: bool

    def command(self) -> bytes:
        """Return the command that begins the stream."""
        names = _quoted(self.publication).replace("'", "''")
        options = f"proto_version '{2 if self.streaming else 1}', publication_names '{names}'"
        if self.streaming:
            options += ", streaming 'on'"
        start = format_lsn(self.start)
        return f"START_REPLICATION SLOT {_quoted(self.slot)} LOGICAL {start} ({options})".encode()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for the server to end the transactions that are open.

    Attributes:
        seconds: at most.
        blockers: says whom the server waits for, "" if that is not known.
    """

    seconds: float
    blockers: Callable[[], str]


class ReplicationSession:
    """A connection that speaks the replication protocol; used by one thread at a time."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self.connection = connection

    def system(self) -> str:
        """Return the identifier of the cluster: another one after a restore into a new cluster.

        Raises:
            PostgresError: the server refuses.
        """
        return self._command(b"IDENTIFY_SYSTEM", "identifying the server")[0]

    def create_slot(self, name: str, patience: Patience) -> int:
        """Create a slot that stays, and return the position from which it has changes.

        Args:
            name: of the slot.
            patience: with transactions that have written and are open.

        Raises:
            SlotError: they did not end in time.
            PostgresError: the server refuses.
        """
        command = f"CREATE_REPLICATION_SLOT {_quoted(name)} LOGICAL pgoutput NOEXPORT_SNAPSHOT"
        return parse_lsn(self._command(command.encode(), f"creating slot {name!r}", patience)[1])

    def export_snapshot(self, patience: Patience) -> ExportedSnapshot:
        """Take a snapshot, of which the slot's stream is the continuation.

        Args:
            patience: with transactions that have written and are open.

        Raises:
            SlotError: they did not end in time.
            PostgresError: the server refuses.
        """
        name = f"tap_postgres_snapshot_{self.connection.info.backend_pid}"
        command = f"CREATE_REPLICATION_SLOT {name} TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT"
        _, lsn, snapshot, *_ = self._command(command.encode(), "taking a snapshot", patience)
        return ExportedSnapshot(snapshot, parse_lsn(lsn), name)

    def start(self, subscription: Subscription) -> None:
        """Begin the stream of changes; afterwards the connection takes replies only.

        Raises:
            SlotError: somebody else uses the slot.
            PostgresError: the server refuses.
        """
        from psycopg.errors import error_from_result
        from psycopg.pq import ExecStatus

        doing = f"reading from slot {subscription.slot!r}"
        with asking(doing):
            result = self.connection.pgconn.exec_(subscription.command())
        if result.status != ExecStatus.COPY_BOTH:
            raise _as_slot_error(postgres_error(error_from_result(result), doing))

    def reply(self, *, received: int, flushed: int, wants_answer: bool) -> None:
        """Tell the server how far we are.

        Args:
            received: position of the newest that has come.
            flushed: position up to which nothing is needed any more; 0 to say nothing of it.
            wants_answer: the server shall say at once where it is.

        Raises:
            PostgresError: the connection is gone.
        """
        clock = time.time_ns() // 1000 - _EPOCH_MICROS
        message = struct.pack("!cQQQQ?", b"r", received, flushed, flushed, clock, wants_answer)
        with asking("replying to the server"):
            self.connection.pgconn.put_copy_data(message)
            self.connection.pgconn.flush()

    def fail_with_result(self, doing: str) -> None:
        """Say why the stream has ended.

        Raises:
            PostgresError: always.
        """
        from psycopg.errors import error_from_result
        from psycopg.pq import ExecStatus

        with asking(doing):
            while (result := self.connection.pgconn.get_result()) is not None:
                if result.status == ExecStatus.FATAL_ERROR:
                    raise _as_slot_error(postgres_error(error_from_result(result), doing))
                if result.status == ExecStatus.COPY_BOTH:
                    break
        raise PostgresError(f"{doing}: the server has ended the stream", sqlstate="57P01")

    def _command(self, command: bytes, doing: str, patience: Patience | None = None) -> list[str]:
        """Run a command and return its only row."""
        from psycopg.errors import error_from_result
        from psycopg.pq import ExecStatus

        pgconn = self.connection.pgconn
        with asking(doing):
            pgconn.send_query(command)
            is_late = not self._await(patience.seconds if patience else None)
            blockers = patience.blockers() if patience and is_late else ""
            if is_late:
                self.connection.cancel_safe(timeout=_CANCEL_SECONDS)
            results = _all_results(pgconn)
        result = results[0]
        if result.status == ExecStatus.TUPLES_OK:
            return [(result.get_value(0, column) or b"").decode() for column in range(result.nfields)]
        if patience and is_late:
            raise SlotError(
                f"{doing}: transactions that have written were still open after {patience.seconds:g} s"
                f"{blockers}",
                instruction="End them, or raise `replication_slot_wait_seconds`.",
                retryable=True,
            )
        raise postgres_error(error_from_result(result), doing)

    def _await(self, seconds: float | None) -> bool:
        """Wait for the answer to a command; False if it did not come in time."""
        pgconn = self.connection.pgconn
        deadline = None if seconds is None else time.monotonic() + seconds
        waiting = select.poll()
        waiting.register(pgconn.socket, select.POLLIN)
        pgconn.flush()
        while pgconn.is_busy():
            if deadline is not None and time.monotonic() > deadline:
                return False
            waiting.poll(_POLL_MILLIS)
            pgconn.consume_input()
        return True


def _all_results(pgconn: psycopg.pq.abc.PGconn) -> list[psycopg.pq.abc.PGresult]:
    results = []
    while (result := pgconn.get_result()) is not None:
        results.append(result)
    return results


def _as_slot_error(error: PostgresError) -> PostgresError:
    """Return the error as one of the slot, if it is one."""
    if error.sqlstate == "55006":
        return SlotError(
            str(error),
            sqlstate=error.sqlstate,
            instruction="Stop the other reader of the slot.",
            retryable=True,
        )
    return error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
