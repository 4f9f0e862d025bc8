"""Rows of a real PostgreSQL: every type's COPY is what psycopg, or the type's output function, says it is."""

import threading
import time
from contextlib import closing
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from dativo_native import InvalidArgument, InvalidValue, IoError, UnsupportedSchema
from dativo_native.pg import PgOptions, PgRows, PgStep, PqCalls

from tests.services import postgres

# Rows that fill the server's buffer, or it would not even say that the COPY has begun; then none for long.
SLOW = b"COPY (SELECT repeat('x', 100000) UNION ALL SELECT pg_sleep(600)::text) TO STDOUT (FORMAT binary)"
TIMES = "-c timezone=Asia/Tokyo -c intervalstyle=postgres"


@pytest.fixture(scope="module")
def server(request):
    return postgres.running(request.config)


@pytest.fixture
def connection(server):
    uri = server.uri().replace("+psycopg2", "")
    # Closed whatever state it is left in; psycopg's own `with` would end a transaction first.
    with closing(psycopg.connect(uri, autocommit=True, options=TIMES)) as connection:
        connection.execute("CREATE TYPE pg_temp.mood AS ENUM ('sad', 'so-so')")
        connection.execute("CREATE TYPE pg_temp.pair AS (a int, b text)")
        yield connection


@pytest.fixture(scope="module")
def calls():
    return PqCalls.of_psycopg()


def field(form, kind, name="v"):
    return pa.field(name, kind, metadata={"dativo.pg": form})


def listed(item, dimensions=1):
    for _ in range(dimensions):
        item = field("array", pa.list_(item.with_name("item")))
    return item


def copied(connection, calls, query, *fields, options=None):
    """The rows of a query as the core decodes them, and what a policy has changed."""
    connection.pgconn.exec_(f"COPY ({query}) TO STDOUT (FORMAT binary)".encode())
    with PgRows(connection.pgconn, calls, pa.schema(fields), options or PgOptions()) as rows:
        batches = list(iter(lambda: batch_of(rows), PgStep.END))
        tally = rows.tally()
    assert connection.pgconn.get_result().status == psycopg.pq.ExecStatus.COMMAND_OK
    assert connection.pgconn.get_result() is None
    return pa.Table.from_batches(batches, pa.schema(fields)), tally


def batch_of(rows):
    while (step := rows.next()) is PgStep.IDLE:
        pass
    return step


def shown(connection, query):
    """The values as the type's output function writes them, which `::text` is not for addresses."""
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv, NULL '\\N')") as copy:
        text = b"".join(bytes(part) for part in copy).decode()
    return [None if line == "\\N" else line for line in text.splitlines()]


INT = pa.int64()
NUMBERS = {
    "int2": (field("int2", INT), ["-32768", "32767", "0"]),
    "int4": (field("int4", INT), ["-2147483648", "2147483647"]),
    "int8": (field("int8", INT), ["-9223372036854775808", "9223372036854775807"]),
    "oid": (field("oid", INT), ["0", "4294967295"]),
    "bool": (field("bool", pa.bool_()), ["true", "false"]),
    "float8": (field("float8", pa.float64()), ["1.1", "-1e308", "5e-324", "0.1"]),
    "numeric(12,2)": (field("numeric", pa.decimal128(12, 2)), ["0", "-0.05", "9999999999.99", "1200"]),
    "numeric(38,10)": (
        field("numeric", pa.decimal128(38, 10)),
        ["1e27", "-1234567890123456789012345678.0123456789", "0.0000000001"],
    ),
    "numeric(38,0)": (field("numeric", pa.decimal128(38, 0)), ["9" * 38, "-" + "9" * 38, "10000", "1e37"]),
    "date": (field("date", pa.date32()), ["0001-01-01", "9999-12-31", "1999-12-31", "2024-02-29"]),
    "time": (field("time", pa.time64("us")), ["00:00", "23:59:59.999999", "12:34:56.7"]),
    "timestamp": (
        field("timestamp", pa.timestamp("us")),
        ["0001-01-01", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999"],
    ),
    "bytea": (field("bytea", pa.binary()), ["\\xdeadbeef00", "\\x"]),
    "int4[]": (listed(field("int4", INT)), ["{}", "{1,NULL,3}", "[5:6]={1,2}"]),
    "int4[][]": (listed(field("int4", INT), 2), ["{}", "{{1,2},{3,NULL}}"]),
    "text[][][]": (listed(field("text", pa.string()), 3), ['{{{a,"b,{"}},{{NULL,"NULL"}}}']),
    "numeric[]": (listed(field("numeric", pa.decimal128(20, 3))), ["{1.5,NULL,-0.001}"]),
    "int2vector": (listed(field("int2", INT)), ["1 2 3"]),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_values_are_what_psycopg_says(connection, calls, kind):
    planned, literals = NUMBERS[kind]
    rows = ", ".join(f"('{literal}'::{kind})" for literal in literals)
    query = f"SELECT v FROM (VALUES {rows}, (NULL)) AS t (v)"
    loaded = [row[0] for row in connection.execute(query)]
    if kind == "int2vector":
        loaded = [value and [int(number) for number in value.split()] for value in loaded]
    table, tally = copied(connection, calls, query, planned)
    assert table.column(0).to_pylist() == loaded
    assert tally == {}


TEXTS = {
    "text": ("text", ["", "ä\"b", "x" * 10_000, " a "]),
    "varchar(5)": ("text", ["abc"]),
    "char(5)": ("text", ["ab", "     "]),
    "name": ("text", ["ab"]),
    '"char"': ("char", ["a", "", "\\377"]),
    "pg_temp.mood": ("text", ["so-so"]),
    "json": ("json", ['{"a": 1,  "a": 1e400}', "null"]),
    "jsonb": ("jsonb", ['{"b": 1, "a": [1.00]}', "5"]),
    "numeric": ("numeric", ["0", "0.000", "-1234567890123456789.0987654321", "1e130000", "1e-16383", "0.10"]),
    "inet": (
        "inet",
        ["1.2.3.4", "1.2.3.4/5", "::", "::1", "::1.2.3.4", "::ffff:1.2.3.4/9", "1:0:0:2::3", "1:2::"],
    ),
    "cidr": ("inet", ["10.0.0.0/8", "1.2.3.4/32", "2001:db8::/32", "::1/128"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_are_what_the_output_function_writes(connection, calls, kind):
    form, literals = TEXTS[kind]
    values = ", ".join(f"({i}, '{literal}'::{kind})" for i, literal in enumerate(literals))
    query = f"SELECT v FROM (VALUES {values}, (99, NULL)) AS t (i, v) ORDER BY i"
    expected = [row[0] for row in connection.execute(f"SELECT format('%s', v) FROM ({query}) AS t")]
    table, _ = copied(connection, calls, query, field(form, pa.string()))
    assert table.column(0).to_pylist() == [*expected[:-1], None]


def test_addresses_are_shown_as_by_copy(connection, calls):
    """`format` calls the output function as well; this holds it against COPY's own text."""
    query = "SELECT ('10.0.' || g || '.1/' || g)::inet FROM generate_series(0, 32) AS g"
    table, _ = copied(connection, calls, query, field("inet", pa.string()))
    assert table.column(0).to_pylist() == shown(connection, query)


def test_every_shape_of_ipv6_is_shown_as_by_the_server(connection, calls):
    words = "(CASE WHEN g & (1 << {0}) = 0 THEN '0' ELSE to_hex(g + {0}) END)"
    address = " || ':' || ".join(words.format(place) for place in range(8))
    query = f"SELECT ({address})::inet FROM generate_series(0, 255) AS g"
    table, _ = copied(connection, calls, query, field("inet", pa.string()))
    assert table.column(0).to_pylist() == shown(connection, query)


def test_singles_are_their_shortest_digits(connection, calls):
    query = "SELECT (g * 1.1 / 7)::float4 FROM generate_series(-500, 500) AS g"
    table, _ = copied(connection, calls, query, field("float4", pa.float64()))
    assert table.column(0).to_pylist() == [float(text) for text in shown(connection, query)]


def test_numbers_of_any_size_are_exact_in_both_types(connection, calls):
    query = (
        "SELECT v, v FROM (SELECT (random() * 10 ^ (g % 17))::numeric(30,10) * (g % 2 * 2 - 1) AS v"
        " FROM generate_series(1, 2000) AS g) AS t"
    )
    connection.execute(f"CREATE TEMP TABLE numbers (d, t) AS {query}")
    fields = field("numeric", pa.decimal128(38, 20), "d"), field("numeric", pa.string(), "t")
    table, _ = copied(connection, calls, "SELECT d, t FROM numbers", *fields)
    expected = shown(connection, "SELECT t FROM numbers")
    assert table.column("t").to_pylist() == expected
    assert table.column("d").to_pylist() == [Decimal(text) for text in expected]


def test_moments_are_instants_whatever_the_zone_of_the_session(connection, calls):
    query = "SELECT timestamptz '2024-01-02 03:04:05.678+02', uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"
    fields = field("timestamptz", pa.timestamp("us", "UTC"), "t"), field("uuid", pa.binary(16), "u")
    table, _ = copied(connection, calls, query, *fields)
    instant, identifier = connection.execute(query).fetchone()
    assert table.to_pylist() == [{"t": instant, "u": identifier.bytes}]


def test_composites_are_structs(connection, calls):
    planned = field("composite", pa.struct([field("int4", INT, "a"), field("text", pa.string(), "b")]))
    query = "SELECT (1, 'x')::pg_temp.pair, ARRAY[(2, NULL)::pg_temp.pair, NULL]"
    table, _ = copied(connection, calls, query, planned, listed(planned).with_name("l"))
    assert table.to_pylist() == [{"v": {"a": 1, "b": "x"}, "l": [{"a": 2, "b": None}, None]}]


def test_what_is_out_of_range_is_counted(connection, calls):
    query = "SELECT date 'infinity', timestamp '0044-03-15 BC', time '24:00', 'NaN'::numeric, 1"
    fields = [
        field("date", pa.date32(), "d"),
        field("timestamp", pa.timestamp("us"), "t"),
        field("time", pa.time64("us"), "h"),
        field("numeric", pa.decimal128(5, 2), "n"),
        field("int4", INT, "i"),
    ]
    table, tally = copied(connection, calls, query, *fields)
    assert [str(value) for value in table.to_pylist()[0].values()] == [
        "9999-12-31", "0001-01-01 00:00:00", "23:59:59.999999", "None", "1",
    ]  # fmt: skip
    assert tally == {"d": 1, "t": 1, "h": 1, "n": 1}
    table, _ = copied(connection, calls, query, *fields, options=PgOptions(out_of_range="null"))
    assert table.to_pylist() == [dict.fromkeys("dthn") | {"i": 1}]


@pytest.mark.parametrize(
    ("query", "planned", "said"),
    [
        ("SELECT 1.234::numeric", field("numeric", pa.decimal128(5, 2)), 'row 1, column "/v": a number that'),
        ("SELECT 1, 2", field("int4", INT), "a row of 2 columns where 1 are planned"),
        ("SELECT ARRAY[[1]]", listed(field("int4", INT)), "column_types"),
        ("SELECT 1::int8", field("int4", INT), "another length"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_and_the_end(connection, calls, query, planned, said):
    connection.pgconn.exec_(f"COPY ({query}) TO STDOUT (FORMAT binary)".encode())
    with PgRows(connection.pgconn, calls, pa.schema([planned])) as rows:
        with pytest.raises(InvalidValue, match=said) as raised:
            batch_of(rows)
        assert raised.value.line == 1
        assert rows.next() is PgStep.END
    drain(connection)


def drain(connection):
    """Drops the rows that are left of a COPY."""
    while connection.pgconn.get_copy_data(0)[0] > 0:
        pass
    finish(connection)


def finish(connection):
    while connection.pgconn.get_result() is not None:
        pass


def test_batches_are_cut_and_every_row_comes_once(connection, calls):
    connection.pgconn.exec_(
        b"COPY (SELECT g, repeat('x', 100) FROM generate_series(1, 20000) AS g) TO STDOUT (FORMAT binary)"
    )
    schema = pa.schema([field("int4", INT, "g"), field("text", pa.string(), "t")])
    with PgRows(connection.pgconn, calls, schema, PgOptions(batch_rows=3000)) as rows:
        batches = list(iter(lambda: batch_of(rows), PgStep.END))
    finish(connection)
    assert [batch.num_rows for batch in batches] == [3000] * 6 + [2000]
    assert pa.Table.from_batches(batches).column("g").to_pylist() == list(range(1, 20_001))


def test_a_copy_that_the_server_ends_early_says_so_by_its_result(connection, calls):
    numbers = b"SELECT 1 / (5000 - g) FROM generate_series(1, 9000) AS g"
    connection.pgconn.exec_(b"COPY (" + numbers + b") TO STDOUT (FORMAT binary)")
    with PgRows(connection.pgconn, calls, pa.schema([field("int4", INT)])) as rows:
        assert batch_of(rows) is PgStep.END
    result = connection.pgconn.get_result()
    assert result.status == psycopg.pq.ExecStatus.FATAL_ERROR
    assert b"division by zero" in result.error_message
    assert connection.pgconn.get_result() is None


def test_a_reader_that_waits_is_idle_and_can_be_cancelled(connection, calls):
    connection.pgconn.exec_(SLOW)
    schema = pa.schema([field("text", pa.string())])
    with PgRows(connection.pgconn, calls, schema, PgOptions(idle_millis=20)) as rows:
        assert rows.next() is PgStep.IDLE
    with PgRows(connection.pgconn, calls, schema, PgOptions(idle_millis=600_000)) as rows:
        met = []
        waiting = threading.Thread(target=lambda: met.append(rows.next()))
        waiting.start()
        rows.cancel()
        waiting.join(timeout=60)
        assert met == [PgStep.CANCELLED]
        assert rows.next() is PgStep.CANCELLED
    connection.cancel_safe()
    drain(connection)


def test_a_connection_that_is_cut_is_an_io_error(server, connection, calls):
    connection.pgconn.exec_(SLOW)
    with PgRows(connection.pgconn, calls, pa.schema([field("text", pa.string())])) as rows:
        with psycopg.connect(server.uri().replace("+psycopg2", ""), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        step = until_not_idle(rows)
    if step is PgStep.END:
        assert b"terminating connection" in connection.pgconn.get_result().error_message
    else:
        assert isinstance(step, IoError)


def until_not_idle(rows):
    try:
        return batch_of(rows)
    except IoError as error:
        return error


def test_a_closed_connection_is_refused(connection, calls):
    connection.pgconn.exec_(b"COPY (SELECT 1) TO STDOUT (FORMAT binary)")
    schema = pa.schema([field("int4", INT)])
    with PgRows(connection.pgconn, calls, schema) as rows:
        connection.close()
        with pytest.raises(InvalidArgument, match="connection of the rows is closed"):
            rows.next()
    with pytest.raises(InvalidArgument, match="connection is closed"):
        PgRows(connection.pgconn, calls, schema)


def test_what_is_closed_or_wrong_is_refused(connection, calls):
    schema = pa.schema([field("int4", INT)])
    rows = PgRows(connection.pgconn, calls, schema)
    rows.close()
    rows.close()
    rows.cancel()
    for use in (rows.next, rows.tally):
        with pytest.raises(InvalidArgument, match="rows are closed"):
            use()
    with pytest.raises(UnsupportedSchema, match=r'dativo.pg "money".*/v'):
        PgRows(connection.pgconn, calls, pa.schema([field("money", INT)]))
    for wrong in (PgOptions(batch_rows=-1), PgOptions(idle_millis=1 << 40), PgOptions(out_of_range="x")):
        with pytest.raises(InvalidArgument):
            PgRows(connection.pgconn, calls, schema, wrong)


def test_the_gil_is_free_while_rows_are_awaited(connection, calls):
    connection.pgconn.exec_(SLOW)
    with PgRows(connection.pgconn, calls, pa.schema([field("text", pa.string())])) as rows:
        waiting = threading.Thread(target=until_not_idle, args=[rows])
        waiting.start()
        start, ticks = time.monotonic(), 0
        while time.monotonic() - start < 0.2:
            ticks += 1
        rows.cancel()
        waiting.join(timeout=60)
    assert ticks > 1_000
    connection.cancel_safe()
    drain(connection)
