"""Changes of a real PostgreSQL: what its log brings, when, and what is said of it."""

import threading
from contextlib import closing

import psycopg
import pyarrow as pa
import pytest
from dativo_native import InvalidArgument, InvalidValue, IoError, UnsupportedSchema, live_handles
from dativo_native.pg import PgChangeKind, PgOptions

from .log import (
    COMMITTED,
    DELETED,
    ID,
    INT,
    LSN,
    TEXT,
    XID,
    address_of,
    field,
    listed,
    position,
    rows_of,
    until,
    up_to,
)

PAIR = field("v", pa.struct([field("a", INT, "int4"), field("b", TEXT, "text")]), "composite")


def test_every_change_is_a_row_with_its_place_in_the_log(log_of):
    log = log_of()
    log.execute("INSERT INTO TABLE_ VALUES (1, 'a'), (2, NULL)")
    log.execute("UPDATE TABLE_ SET v = 'b' WHERE id = 1")
    log.execute("UPDATE TABLE_ SET id = 3 WHERE id = 2")
    log.execute("DELETE FROM TABLE_ WHERE id = 3")
    with log.changes() as changes:
        met = until(changes, up_to(position(log)), ID, field("v", TEXT, "text"), LSN, XID, COMMITTED, DELETED)
    rows = rows_of(met)
    seen = [(row["id"], row["v"], row["_deleted"] is not None) for row in rows]
    assert seen == [
        (1, "a", False),
        (2, None, False),
        (1, "b", False),
        (2, None, True),
        (3, None, False),
        (3, None, True),
    ]
    assert [row["_lsn"] for row in rows] == sorted(row["_lsn"] for row in rows)
    assert all(row["_deleted"] in (None, row["_at"]) for row in rows)
    commits = [change for change in met if change.xid]
    assert [row["_xid"] for row in rows] == [commits[at].xid for at in (0, 0, 1, 2, 2, 3)]
    assert commits[0].lsn < commits[0].end_lsn <= commits[1].lsn
    assert rows[0]["_at"].timestamp() == pytest.approx(commits[0].commit_time / 1e6)
    assert commits[-1].received_lsn >= commits[-1].end_lsn
    assert commits[-1].server_time >= commits[-1].commit_time


LARGE = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) AS i)"


def test_what_did_not_change_and_was_not_sent_is_told(log_of):
    log = log_of("id int PRIMARY KEY, v text, w int")
    log.execute(f"INSERT INTO TABLE_ VALUES (1, {LARGE}, 1), (2, {LARGE}, 2)")
    log.execute("UPDATE TABLE_ SET w = 7 WHERE id = 2")
    log.execute("UPDATE TABLE_ SET v = NULL WHERE id = 1")
    with log.changes() as changes:
        planned = [field("w", INT, "int4"), ID, field("v", TEXT, "text")]
        met = [
            change for change in until(changes, up_to(position(log)), *planned) if change.batch is not None
        ]
    assert [change.unchanged and change.unchanged.to_pylist() for change in met] == [None, [[2]], None]
    assert met[1].batch.to_pylist() == [{"w": 7, "id": 2, "v": None}]
    assert met[1].batch.schema == pa.schema(planned)


def test_with_a_full_identity_nothing_is_missing(log_of):
    log = log_of("id int PRIMARY KEY, v text, w int")
    log.execute("ALTER TABLE TABLE_ REPLICA IDENTITY FULL")
    log.execute(f"INSERT INTO TABLE_ VALUES (1, {LARGE}, 1)")
    log.execute("UPDATE TABLE_ SET w = 7")
    log.execute("UPDATE TABLE_ SET id = 2")
    log.execute("DELETE FROM TABLE_")
    large = log.execute(f"SELECT {LARGE}").fetchone()[0]
    with log.changes() as changes:
        met = until(
            changes, up_to(position(log)), ID, field("v", TEXT, "text"), field("w", INT, "int4"), DELETED
        )
    assert all(change.unchanged is None for change in met)
    relation = next(change.relation for change in met if change.relation)
    assert (relation.schema, relation.table, relation.identity) == ("public", log.name, "f")
    assert [(row["id"], row["v"] == large, row["w"], row["_deleted"] is None) for row in rows_of(met)] == [
        (1, True, 1, True),
        (1, True, 7, True),
        (1, True, 7, False),
        (2, True, 7, True),
        (2, True, 7, False),
    ]


def test_rows_of_many_transactions_are_one_batch_until_a_position_is_wanted(log_of):
    log = log_of()
    for number in range(50):
        log.execute("INSERT INTO TABLE_ VALUES (%s, 'x')", number)
    with log.changes(commit_millis=3_600_000, options=PgOptions(idle_millis=1000)) as changes:
        met = until(changes, up_to(position(log)), ID)
        log.execute("INSERT INTO TABLE_ VALUES (50, 'x')")
        changes.flush()
        met += until(changes, up_to(position(log)))
    # Two, unless the server has paused for half a second in between.
    assert 2 <= sum(change.batch is not None for change in met) < 20
    assert [row["id"] for row in rows_of(met)] == list(range(51))


def test_an_empty_table_gives_way_to_what_comes_after(log_of):
    log = log_of()
    log.execute("INSERT INTO TABLE_ VALUES (1, 'x')")
    log.execute("TRUNCATE TABLE_")
    log.execute("INSERT INTO TABLE_ VALUES (2, 'y')")
    with log.changes() as changes:
        met = until(changes, up_to(position(log)), ID)
    kinds = [change.kind.name for change in met if change.kind is not PgChangeKind.COMMIT]
    assert kinds == ["RELATION", "BATCH", "TRUNCATE", "BATCH"]
    truncate = next(change for change in met if change.kind is PgChangeKind.TRUNCATE)
    assert truncate.relid == met[-2].relid
    assert truncate.xid
    assert truncate.lsn


def test_only_transactions_from_a_position_on_count(log_of):
    log = log_of()
    log.execute("INSERT INTO TABLE_ VALUES (1, 'x')")
    log.execute("TRUNCATE TABLE_")
    log.execute("INSERT INTO TABLE_ VALUES (2, 'x')")
    start = position(log)
    log.execute("INSERT INTO TABLE_ VALUES (3, 'x')")
    with log.changes() as changes:
        met = until(changes, up_to(position(log)), ID, from_lsn=start)
    assert rows_of(met) == [{"id": 3}]
    assert all(change.kind is not PgChangeKind.TRUNCATE for change in met)


def test_a_relation_can_be_left_out(log_of):
    log = log_of()
    log.execute("INSERT INTO TABLE_ VALUES (1, 'x')")
    log.execute("TRUNCATE TABLE_")
    with log.changes() as changes:
        met = until(changes, up_to(position(log)))
        assert {change.kind for change in met} == {PgChangeKind.RELATION, PgChangeKind.COMMIT}
        assert changes.tally(met[-1].relid or next(c.relid for c in met if c.relid)) == {}


def test_an_altered_table_is_described_anew(log_of):
    log = log_of()
    log.execute("INSERT INTO TABLE_ VALUES (1, 'x')")
    log.execute("ALTER TABLE TABLE_ ADD COLUMN w int DEFAULT 5, DROP COLUMN v")
    log.execute("INSERT INTO TABLE_ VALUES (2)")
    with log.changes(commit_millis=3_600_000) as changes:
        fields = ID, field("v", TEXT, "text"), field("w", INT, "int4")
        changes.flush()
        met = until(changes, up_to(position(log)), *fields)
    kinds = [change.kind.name for change in met if change.kind is not PgChangeKind.COMMIT]
    assert kinds == ["RELATION", "BATCH", "RELATION", "BATCH"]
    relations = [change.relation for change in met if change.relation]
    described = [[(column.name, column.key, column.type_oid) for column in r.columns] for r in relations]
    assert described == [[("id", True, 23), ("v", False, 25)], [("id", True, 23), ("w", False, 23)]]
    assert rows_of(met) == [{"id": 1, "v": "x", "w": None}, {"id": 2, "v": None, "w": 5}]


def test_large_transactions_come_before_their_commit_and_out_after_it(log_of, logical, tmp_path):
    """Two of them at once, one with a part that is rolled back; a third is rolled back whole."""
    log = log_of()
    into = f"INSERT INTO {log.name} SELECT i, repeat('x', 100) FROM generate_series(%s::int, %s::int) AS i"
    with log.changes(version=2, more=", streaming 'on'", spool_dir=tmp_path, spool_bytes=50_000) as changes:
        with (
            closing(psycopg.connect(address_of(logical))) as one,
            closing(psycopg.connect(address_of(logical))) as other,
            closing(psycopg.connect(address_of(logical))) as third,
        ):
            one.execute(into, (1, 3000))
            other.execute(into, (10_001, 13_000))
            third.execute(into, (20_001, 23_000))
            one.execute("SAVEPOINT x")
            one.execute(into, (3001, 6000))
            one.execute("ROLLBACK TO SAVEPOINT x")
            one.execute(into, (6001, 6010))
            log.execute("INSERT INTO TABLE_ VALUES (0, 'small')")
            other.commit()
            third.rollback()
            one.commit()
        planned = [ID, field("v", TEXT, "text"), XID]
        met = until(changes, up_to(position(log)), *planned)
    rows = rows_of(met)
    expected = [0, *range(10_001, 13_001), *range(1, 3001), *range(6001, 6011)]
    assert [row["id"] for row in rows] == expected
    commits = [change for change in met if change.xid]
    assert [len({row["_xid"] for row in rows}), len(commits)] == [3, 3]
    assert [change.end_lsn for change in commits] == sorted(change.end_lsn for change in commits)
    assert list(tmp_path.iterdir()) == [], "the files have no names"


def test_batches_are_cut_in_the_middle_of_a_transaction(log_of):
    log = log_of()
    log.execute("INSERT INTO TABLE_ SELECT i, 'x' FROM generate_series(1, 2500) AS i")
    with log.changes(options=PgOptions(batch_rows=1000)) as changes:
        met = until(changes, up_to(position(log)), ID)
    assert [change.rows for change in met if change.batch is not None] == [1000, 1000, 500]
    kinds = [change.kind for change in met[-4:]]
    assert kinds == [PgChangeKind.BATCH] * 3 + [PgChangeKind.COMMIT]
    assert rows_of(met) == [{"id": number} for number in range(1, 2501)]


def test_a_log_without_changes_of_ours_goes_on(log_of):
    log = log_of()
    log.execute("CREATE TABLE IF NOT EXISTS foreign_to_the_publication (v text)")
    with log.changes() as changes:
        log.execute(
            "INSERT INTO foreign_to_the_publication SELECT repeat('x', 100) FROM generate_series(1, 100)"
        )
        met = until(changes, up_to(position(log)))
    assert {change.kind for change in met} == {PgChangeKind.COMMIT}
    assert (met[-1].xid, met[-1].commit_time) == (0, 0)


def test_messages_are_handed_over(log_of):
    log = log_of()
    log.execute("SELECT pg_logical_emit_message(true, 'mine', 'ä'::text)")
    with log.changes(more=", messages 'true'") as changes:
        message = until(changes, lambda change: change.kind is PgChangeKind.MESSAGE)[-1]
    assert (message.prefix, message.content.decode()) == ("mine", "ä")
    assert message.lsn


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        (field("v", INT, "int4"), r'column "/v": malformed text value: no integer \(in public\.t\d+\)'),
        (field("v", listed(ID).type, "array"), 'column "/v": malformed text value'),
        (field("v", PAIR.type, "composite"), 'column "/v": malformed text value'),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_and_the_end(log_of, planned, said):
    log = log_of()
    log.execute("INSERT INTO TABLE_ VALUES (1, 'secret')")
    with log.changes() as changes:
        with pytest.raises(InvalidValue, match=said) as raised:
            until(changes, lambda _: False, planned)
        assert "secret" not in str(raised.value)
        assert changes.next().kind is PgChangeKind.END


def test_plans_that_cannot_be_are_refused(log_of):
    log = log_of()
    log.execute("INSERT INTO TABLE_ VALUES (1, 'x')")
    with log.changes(commit_millis=3_600_000) as changes:
        while (change := changes.next()).kind is not PgChangeKind.RELATION:
            pass
        for wrong, said in [
            (field("v", INT, "money"), 'dativo.pg "money"'),
            (field("gone", INT, "int4", nullable=False), "no such column"),
            (field("_x", TEXT, source="lsn"), 'dativo.source "lsn"'),
        ]:
            with pytest.raises(UnsupportedSchema, match=said):
                changes.plan(change.relid, pa.schema([wrong]))
        with pytest.raises(InvalidArgument, match="no relation 1 has been described"):
            changes.plan(1, None)
        with pytest.raises(InvalidArgument, match="has not been planned"):
            changes.next()


def test_a_reader_that_waits_can_be_cancelled(log_of):
    before = live_handles()
    log = log_of()
    changes = log.changes(options=PgOptions(idle_millis=600_000))
    met = []
    waiting = threading.Thread(target=lambda: met.append(until_cancelled(changes)))
    waiting.start()
    changes.cancel()
    waiting.join(timeout=60)
    assert met == [PgChangeKind.CANCELLED]
    changes.close()
    for use in (changes.next, changes.flush):
        with pytest.raises(InvalidArgument, match="changes are closed"):
            use()
    assert live_handles() == before


def until_cancelled(changes):
    while (change := changes.next()).kind in (PgChangeKind.COMMIT, PgChangeKind.KEEPALIVE):
        pass
    return change.kind


def test_a_connection_that_is_cut_or_closed_is_an_error(log_of):
    log = log_of()
    with log.changes() as changes:
        log.execute("SELECT pg_terminate_backend(%s)", log.replication.info.backend_pid)
        ended = why_it_ended(changes, log.replication.pgconn)
        assert "terminating connection" in ended or "closed the connection" in ended
        log.replication.close()
        with pytest.raises(InvalidArgument, match="connection of the changes is closed"):
            changes.next()


def why_it_ended(changes, pgconn):
    try:
        while changes.next().kind is not PgChangeKind.END:
            pass
    except IoError as error:
        return str(error)
    return pgconn.get_result().error_message.decode()
