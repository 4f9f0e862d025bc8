"""Transactions that the server sends before their commit, altered tables and parts rolled back among them."""

import threading
from contextlib import closing

import psycopg
import pytest
from dativo_native import IoError
from dativo_native.pg import PgChangeKind, PgOptions

from .log import ID, INT, TEXT, XID, address_of, field, position, rows_of, until, up_to

STREAMED = {"version": 2, "more": ", streaming 'on'"}
PLANNED = [ID, field("v", TEXT, "text"), field("w", INT, "int4")]


def fill(connection, log, first, columns="id, v"):
    """A thousand rows, more than the server keeps of a transaction before it sends what there is."""
    values = {"id, v": "i, repeat('x', 100)", "id, v, w": "i, repeat('x', 100), -i"}[columns]
    connection.execute(
        f"INSERT INTO {log.name} ({columns}) SELECT {values}"
        f" FROM generate_series({first}, {first} + 999) AS i"
    )


@pytest.fixture
def other(logical):
    with closing(psycopg.connect(address_of(logical))) as connection:
        yield connection


@pytest.mark.parametrize("spool_bytes", [1, 100_000, 1 << 24])
def test_a_table_altered_in_a_part_that_is_rolled_back_is_as_before(log_of, other, tmp_path, spool_bytes):
    log = log_of()
    fill(other, log, 0)
    other.execute("SAVEPOINT altered")
    other.execute(f"ALTER TABLE {log.name} ADD COLUMN w int")
    fill(other, log, 1000, "id, v, w")
    other.execute("ROLLBACK TO SAVEPOINT altered")
    fill(other, log, 2000)
    other.commit()
    with log.changes(**STREAMED, spool_dir=tmp_path, spool_bytes=spool_bytes) as changes:
        met = until(changes, up_to(position(log)), *PLANNED)
    assert [row["id"] for row in rows_of(met)] == [*range(1000), *range(2000, 3000)]
    assert {(len(row["v"]), row["w"]) for row in rows_of(met)} == {(100, None)}
    described = [[column.name for column in change.relation.columns] for change in met if change.relation]
    assert described == [["id", "v"]]


def test_a_table_altered_in_a_transaction_is_another_from_there_on(log_of, other):
    log = log_of()
    fill(other, log, 0)
    other.execute(f"ALTER TABLE {log.name} ADD COLUMN w int")
    fill(other, log, 1000, "id, v, w")
    other.commit()
    log.execute("INSERT INTO TABLE_ VALUES (5000, 'y', 7)")
    with log.changes(**STREAMED) as changes:
        met = until(changes, up_to(position(log)), *PLANNED)
    expected = [None] * 1000 + [-number for number in range(1000, 2000)] + [7]
    assert [row["w"] for row in rows_of(met)] == expected
    described = [[column.name for column in change.relation.columns] for change in met if change.relation]
    assert described == [["id", "v"], ["id", "v", "w"]]


def test_parts_within_parts_are_rolled_back_alone(log_of, other):
    log = log_of()
    fill(other, log, 0)
    other.execute("SAVEPOINT outer_part")
    fill(other, log, 1000)
    other.execute("SAVEPOINT inner_part")
    fill(other, log, 2000)
    other.execute("RELEASE SAVEPOINT inner_part")
    other.execute("SAVEPOINT inner_part")
    fill(other, log, 3000)
    other.execute("ROLLBACK TO SAVEPOINT inner_part")
    fill(other, log, 4000)
    other.execute("ROLLBACK TO SAVEPOINT outer_part")
    fill(other, log, 5000)
    other.execute("SAVEPOINT kept")
    fill(other, log, 6000)
    other.execute("RELEASE SAVEPOINT kept")
    other.commit()
    with log.changes(**STREAMED, spool_bytes=50_000) as changes:
        met = until(changes, up_to(position(log)), ID, XID)
    rows = rows_of(met)
    assert [row["id"] for row in rows] == [*range(1000), *range(5000, 7000)]
    commits = [change for change in met if change.xid]
    assert {row["_xid"] for row in rows} == {commits[-1].xid}, "a part is of its transaction"


def test_what_waits_does_not_hold_back_the_position(log_of, other):
    """A transaction that is still open: others go on, and nothing of it has come out."""
    log = log_of()
    fill(other, log, 0)
    log.execute("INSERT INTO TABLE_ VALUES (5000, 'y')")
    with log.changes(**STREAMED) as changes:
        met = until(changes, up_to(position(log)), ID)
        assert [row["id"] for row in rows_of(met)] == [5000]
        other.commit()
        met = until(changes, up_to(position(log)), ID)
    assert [row["id"] for row in rows_of(met)] == list(range(1000))


def test_a_full_disk_is_an_error_worth_another_try(log_of, other, tmp_path):
    log = log_of()
    fill(other, log, 0)
    other.commit()
    with log.changes(**STREAMED, spool_dir=tmp_path / "gone", spool_bytes=1) as changes:
        with pytest.raises(IoError) as raised:
            until(changes, lambda _: False, ID)
        assert raised.value.retryable
        assert changes.next().kind is PgChangeKind.END


def test_a_position_divides_what_is_read_from_what_is_skipped(log_of, other):
    """For every transaction: from where it ends on, exactly the later ones count."""
    log = log_of("id int PRIMARY KEY, v text", 7)
    for first in (10, 20, 30):
        other.execute(f"INSERT INTO {log.name} VALUES (%s, 'x'), (%s, 'y')", (first, first + 1))
        log.execute("INSERT INTO TABLE_ VALUES (%s, 'z')", first + 2)
        other.commit()
    with log.changes() as changes:
        met = until(changes, up_to(position(log)), ID)
    ends = [change.end_lsn for change in met if change.xid]
    order = [row["id"] for row in rows_of(met)]
    assert order == [12, 10, 11, 22, 20, 21, 32, 30, 31]
    left = [order[at:] for at in (1, 3, 4, 6, 7, 9)]
    assert len(ends) == len(left)
    for end, expected in zip(ends, left, strict=True):
        log.next_reader()
        with log.changes() as changes:
            met = until(changes, up_to(ends[-1]), ID, from_lsn=end)
        assert [row["id"] for row in rows_of(met)] == expected


def test_a_flood_can_be_cancelled(log_of):
    log = log_of()
    log.execute("INSERT INTO TABLE_ SELECT i, 'x' FROM generate_series(1, 20000) AS i")
    with log.changes(options=PgOptions(batch_rows=1)) as changes:
        until(changes, lambda change: change.batch is not None, ID)
        stopping = threading.Thread(target=changes.cancel)
        stopping.start()
        while (change := changes.next()).kind is not PgChangeKind.CANCELLED:
            assert change.kind is not PgChangeKind.END
        stopping.join()
        assert changes.next().kind is PgChangeKind.CANCELLED
