"""The replication protocol: commands as the server takes them, and the replies to its stream."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

import pytest
from tap_postgres.connections import Connections
from tap_postgres.errors import ConnectError, PostgresError, SlotError
from tap_postgres.lsn import parse_lsn
from tap_postgres.replication import Patience, ReplicationSession, Subscription
from tap_postgres.slots import Slot, choose_slot, drop_slot, find_slot
from tap_postgres.snapshot import import_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Database

PATIENT = Patience(30.0, lambda: "")


@pytest.fixture
def reach(logged: Database) -> Iterator[Connections]:
    with Connections(logged.typed()) as connections:
        yield connections


@pytest.fixture
def session(reach: Connections) -> Iterator[ReplicationSession]:
    with reach.replication("test") as session:
        yield session


@pytest.mark.parametrize(
    ("subscription", "command"),
    [
        (
            Subscription("s", "p", 0x16_B374_D848, streaming=False),
            "START_REPLICATION SLOT \"s\" LOGICAL 16/B374D848 (proto_version '1', publication_names '\"p\"')",
        ),
        (
            Subscription("s", 'it\'s "p"', 0, streaming=True),
            "START_REPLICATION SLOT \"s\" LOGICAL 0/0 (proto_version '2', "
            "publication_names '\"it''s \"\"p\"\"\"', streaming 'on')",
        ),
    ],
)
def test_what_begins_the_stream(subscription: Subscription, command: str) -> None:
    assert subscription.command().decode() == command


def test_the_server_is_always_the_same(session: ReplicationSession) -> None:
    first = session.system()
    assert first.isdigit()
    assert session.system() == first


def test_a_slot_that_is_made(session: ReplicationSession, logged: Database) -> None:
    lsn = session.create_slot("made", PATIENT)
    with logged.connect() as connection:
        slot = find_slot(connection, "made")
        assert slot is not None
        assert (slot.confirmed, slot.plugin, slot.database) == (lsn, "pgoutput", logged.name)
        assert (slot.active_pid, slot.is_lost) == (None, False)
        assert 0 < slot.restart <= slot.confirmed
        drop_slot(connection, "made")
        assert find_slot(connection, "made") is None


def test_a_slot_that_is_there_already(session: ReplicationSession) -> None:
    session.create_slot("made", PATIENT)
    with pytest.raises(PostgresError, match='replication slot "made" already exists'):
        session.create_slot("made", PATIENT)
    assert session.system(), "the session goes on"


def test_what_is_committed_before_a_snapshot_is_in_it(
    session: ReplicationSession, reach: Connections, logged: Database
) -> None:
    logged.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    exported = session.export_snapshot(PATIENT)
    logged.execute("INSERT INTO t VALUES (2)")
    with import_snapshot(reach, exported.name) as snapshot:
        assert snapshot.first.execute("SELECT id FROM t").fetchall() == [(1,)]
    with logged.connect() as connection:
        row = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
        assert row is not None
        assert exported.lsn < parse_lsn(row[0])
        slot = find_slot(connection, exported.slot)
    assert slot is not None, "as long as the session is open"
    assert slot.restart <= exported.lsn


def test_waiting_names_nobody_if_that_is_not_known(session: ReplicationSession, logged: Database) -> None:
    logged.execute("CREATE TABLE t (id int)")
    with logged.connect() as writer, writer.transaction():
        writer.execute("INSERT INTO t VALUES (1)")
        started = time.monotonic()
        with pytest.raises(SlotError, match=r"were still open after 0\.1 s$") as caught:
            session.create_slot("made", Patience(0.1, lambda: ""))
        assert time.monotonic() - started < 30
    assert caught.value.retryable
    assert session.create_slot("made", PATIENT) > 0


def test_a_stream_that_cannot_begin(session: ReplicationSession) -> None:
    with pytest.raises(
        PostgresError, match="reading from slot 'none': replication slot \"none\" does not exist"
    ):
        session.start(Subscription("none", "p", 0, streaming=False))


def started(session: ReplicationSession, logged: Database, *, start: int = 0) -> None:
    logged.execute("CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t")
    session.create_slot("made", PATIENT)
    session.start(Subscription("made", "p", start, streaming=False))


def next_message(session: ReplicationSession) -> bytes:
    _, data = session.connection.pgconn.get_copy_data(0)
    return bytes(data)


def test_the_server_answers_a_reply_that_asks_for_it(session: ReplicationSession, logged: Database) -> None:
    started(session, logged)
    session.reply(received=0, flushed=0, wants_answer=True)
    kind, end, _, _ = struct.unpack("!cQQ?", next_message(session))
    assert kind == b"k"
    assert end > 0


def test_a_reply_confirms(session: ReplicationSession, logged: Database) -> None:
    started(session, logged)
    logged.execute("INSERT INTO t VALUES (1)")
    session.reply(received=0, flushed=0, wants_answer=True)
    message = next_message(session)
    while message[:1] != b"k":
        message = next_message(session)
    (end,) = struct.unpack("!Q", message[1:9])
    session.reply(received=end, flushed=end, wants_answer=True)
    while next_message(session)[:1] != b"k":
        pass
    with logged.connect() as connection:
        slot = find_slot(connection, "made")
    assert slot is not None
    assert slot.confirmed == end


def test_a_reply_to_nobody(session: ReplicationSession, logged: Database) -> None:
    started(session, logged)
    session.connection.close()
    with pytest.raises(PostgresError, match="replying to the server"):
        session.reply(received=0, flushed=0, wants_answer=False)


def test_why_the_stream_has_ended(session: ReplicationSession, logged: Database) -> None:
    started(session, logged)
    logged.execute(f"SELECT pg_terminate_backend({session.connection.info.backend_pid})")
    while session.connection.pgconn.get_copy_data(0)[0] > 0:
        pass
    with pytest.raises(PostgresError, match="reading: terminating connection") as caught:
        session.fail_with_result("reading")
    assert (caught.value.sqlstate, caught.value.retryable) == ("57P01", True)


def test_without_the_right_to_replicate(logged: Database) -> None:
    settings = logged.typed(**logged.reader())
    with (
        Connections(settings) as connections,
        pytest.raises(ConnectError, match="WAL sender"),
        connections.replication("test"),
    ):
        pass


def test_a_slot_of_another_database(logged: Database) -> None:
    with logged.connect(dbname="postgres") as other:
        other.execute("SELECT pg_create_logical_replication_slot('elsewhere', 'pgoutput')")
        try:
            with logged.connect() as connection, pytest.raises(SlotError, match="is of database 'postgres'"):
                choose_slot(connection, "elsewhere")
        finally:
            drop_slot(other, "elsewhere")


@pytest.mark.parametrize(
    ("row", "is_lost"),
    [
        ({}, False),  # PostgreSQL 12 says nothing of it
        ({"wal_status": "reserved", "invalidation_reason": None}, False),
        ({"wal_status": "lost"}, True),
        ({"wal_status": "unreserved", "invalidation_reason": "idle_timeout"}, True),
    ],
)
def test_slots_of_every_version(row: dict[str, str], is_lost: bool) -> None:
    slot = Slot.of_row({"slot_name": "s", "plugin": None, "restart_lsn": "0/A", **row})
    assert (slot.is_lost, slot.restart, slot.confirmed, slot.plugin, slot.database) == (
        is_lost,
        10,
        0,
        "",
        "",
    )
