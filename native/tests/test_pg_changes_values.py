"""Every type's values come from the log as they come from COPY: its text and its binary form are one."""

import pyarrow as pa
import pytest
from dativo_native.pg import PgOptions, PgRows, PgStep, PqCalls

from .log import ID, INT, TEXT, UTC, field, listed, position, until, up_to

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
