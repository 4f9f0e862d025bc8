"""Whatever happens to tables, the changes of the log, folded by key, are the tables in the end."""

import random
from contextlib import closing

import psycopg
import pytest
from dativo_native.pg import PgChangeKind, PgOptions

from .log import DELETED, ID, INT, LSN, TEXT, address_of, field, position, until, up_to

COLUMNS = "id int PRIMARY KEY, v text, w int, big text"
PLANNED = [field("big", TEXT, "text"), ID, field("v", TEXT, "text"), field("w", INT, "int4"), LSN, DELETED]
LARGE = "(SELECT string_agg(md5(({0} + i)::text), '') FROM generate_series(1, 120) AS i)"
STATEMENTS = {
    "insert": (
        8,
        "INSERT INTO {table} SELECT i, 'v' || i, {n}, NULL FROM generate_series({k}, {k} + {n}) AS i"
        " ON CONFLICT (id) DO UPDATE SET w = {table}.w + 1",
    ),
    "enlarge": (4, "UPDATE {table} SET big = " + LARGE.format("id") + " WHERE id BETWEEN {k} AND {k} + 2"),
    "update": (8, "UPDATE {table} SET w = {n} WHERE id BETWEEN {k} AND {k} + {n}"),
    "nothing": (2, "UPDATE {table} SET v = v WHERE id BETWEEN {k} AND {k} + {n}"),
    "blank": (2, "UPDATE {table} SET v = NULL, big = NULL WHERE id = {k}"),
    "move": (4, "UPDATE {table} SET id = id + 1000 + {n} * 100000 WHERE id = {k}"),
    "delete": (4, "DELETE FROM {table} WHERE id BETWEEN {k} AND {k} + {n} / 4"),
    "truncate": (1, "TRUNCATE {table}"),
    "many": (
        1,
        "INSERT INTO {table} SELECT i, repeat('x', 90), i FROM generate_series(200, 900) AS i"
        " ON CONFLICT DO NOTHING",
    ),
}


class Worker:
    """Transactions at random on several tables; part of them are rolled back, whole or to a savepoint."""

    def __init__(self, connection, tables, seed):
        self.connection = connection
        self.tables = tables
        self.random = random.Random(seed)

    def transaction(self):
        for _ in range(self.random.randrange(1, 6)):
            self.statement()
            if self.random.random() < 0.2:
                self.connection.execute("SAVEPOINT here")
                self.statement()
                self.statement()
                back = self.random.random() < 0.5
                self.connection.execute("ROLLBACK TO here" if back else "RELEASE here")
        if self.random.random() < 0.1:
            self.connection.rollback()
        else:
            self.connection.commit()

    def statement(self):
        kinds = list(STATEMENTS.values())
        ((_, statement),) = self.random.choices(kinds, [weight for weight, _ in kinds])
        table = self.random.choice(self.tables)
        # A key that is taken already is no reason to stop.
        self.connection.execute("SAVEPOINT statement")
        try:
            self.connection.execute(
                statement.format(table=table, k=self.random.randrange(60), n=self.random.randrange(12))
            )
        except psycopg.errors.UniqueViolation:
            self.connection.execute("ROLLBACK TO statement")


class Folded:
    """Tables as their changes make them."""

    def __init__(self):
        self.names = {}
        self.tables = {}
        self.deleted = 0

    def take(self, change):
        if change.kind is PgChangeKind.RELATION:
            self.names[change.relation.table] = change.relid
            self.tables.setdefault(change.relid, {})
        elif change.kind is PgChangeKind.TRUNCATE:
            self.tables[change.relid].clear()
        elif change.batch is not None:
            unchanged = change.unchanged.to_pylist() if change.unchanged is not None else [None] * change.rows
            assert len(unchanged) == change.rows
            for row, kept in zip(change.batch.to_pylist(), unchanged, strict=True):
                self.row(self.tables[change.relid], row, kept or [])

    def row(self, table, row, kept):
        before = table.pop(row["id"], None)
        if row.pop("_deleted") is not None:
            assert before is not None, "what is deleted was there"
            self.deleted += 1
            return
        for index in kept:
            assert before is not None, "what did not change was there"
            assert PLANNED[index].name == "big"
            row["big"] = before["big"]
        table[row["id"]] = row


@pytest.mark.parametrize(
    ("identity", "version", "more", "commit_millis", "batch_rows"),
    [
        ("DEFAULT", 1, "", 0, 65_536),
        ("DEFAULT", 2, ", streaming 'on'", 3_600_000, 100),
        ("FULL", 1, "", 3_600_000, 65_536),
        ("FULL", 2, ", streaming 'on'", 0, 7),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_log_folded_is_the_table(
    log_of, logical, tmp_path, identity, version, more, commit_millis, batch_rows, seed
):
    log = log_of(COLUMNS)
    tables = [log.name, f"{log.name}_second"]
    log.execute(f"CREATE TABLE TABLE__second ({COLUMNS})")
    log.execute("ALTER PUBLICATION TABLE_ ADD TABLE TABLE__second")
    for table in tables:
        log.execute(f"ALTER TABLE {table} REPLICA IDENTITY {identity}")
    with (
        closing(psycopg.connect(address_of(logical))) as one,
        closing(psycopg.connect(address_of(logical))) as other,
    ):
        workers = [Worker(one, tables, seed), Worker(other, tables, -seed)]
        for turn in range(50):
            workers[turn % 2].transaction()
    folded, positions, lsns = Folded(), [], []
    limits = {"commit_millis": commit_millis, "spool_dir": tmp_path, "spool_bytes": 20_000}
    options = PgOptions(batch_rows=batch_rows)
    with log.changes(more=more, version=version, options=options, **limits) as changes:
        for change in until(changes, up_to(position(log)), *PLANNED):
            folded.take(change)
            if change.kind is PgChangeKind.COMMIT:
                positions.append(change.end_lsn)
            if change.batch is not None:
                lsns.append(change.batch.column("_lsn").to_pylist())
                assert change.rows <= batch_rows + 1
    assert positions == sorted(set(positions))
    assert folded.deleted > 0
    assert all(batch == sorted(batch) for batch in lsns), "the workers have taken turns"
    for table in tables:
        assert as_rows(folded.tables[folded.names[table]]) == rows_in(log, table)


def rows_in(log, table):
    return log.execute(f"SELECT id, v, w, big FROM {table} ORDER BY id").fetchall()


def as_rows(table):
    return [tuple(row[name] for name in ("id", "v", "w", "big")) for _, row in sorted(table.items())]
