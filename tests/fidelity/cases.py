"""Types and values of PostgreSQL that have to arrive as they are, or as a policy says."""

from dataclasses import dataclass

MADE = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE nested AS (p pair, list int[]);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN short AS varchar(5);
"""
"""Types of the cases for both servers."""

EXTENSIONS = (
    "CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION cube;"
)

CLAMPED = "`out_of_range_dates: clamp`"
NO_NUMBER = "`special_numbers: null`"


@dataclass(frozen=True)
class Case:
    """A type, and texts of values that PostgreSQL takes for it.

    `policies` are values that JSON or Arrow has no form for: what becomes of each, as text of the same type
    or None for null, and the setting that says so.
    """

    declared: str
    values: tuple[str, ...]
    policies: tuple[tuple[str, str | None, str], ...] = ()


DATE_ENDS = (
    ("infinity", "9999-12-31", CLAMPED),
    ("-infinity", "0001-01-01", CLAMPED),
    ("0044-03-15 BC", "0001-01-01", CLAMPED),
    ("10000-01-01", "9999-12-31", CLAMPED),
)
TIME_ENDS = (
    ("infinity", "9999-12-31 23:59:59.999999", CLAMPED),
    ("-infinity", "0001-01-01 00:00:00", CLAMPED),
    ("0044-03-15 01:02:03 BC", "0001-01-01 00:00:00", CLAMPED),
)
ZONED_ENDS = tuple((value, f"{clamped}+00", setting) for value, clamped, setting in TIME_ENDS)
NUMBER_ENDS = tuple((value, None, NO_NUMBER) for value in ("NaN", "Infinity", "-Infinity"))
JSON_NULL = (("null", None, "null of JSON is null"),)
TEXTS = ("", "plain", 'quo"te \\ back', "two\nlines\ttab", "naïve Köln 東京 🚀", "NULL", "{a,b}")

BUILT_IN = (
    Case("bool", ("t", "f")),
    Case("int2", ("-32768", "32767")),
    Case("int4", ("-2147483648", "2147483647")),
    Case("int8", ("-9223372036854775808", "9223372036854775807")),
    Case("oid", ("0", "4294967295")),
    Case("xid", ("0", "4294967295")),
    Case("xid8", ("18446744073709551615",)),
    Case("float4", ("1.1", "-3.4028235e38", "1e-45", "0"), NUMBER_ENDS),
    Case("float8", ("0.1", "-1.7976931348623157e308", "5e-324", "9007199254740993"), NUMBER_ENDS),
    Case("numeric(12,2)", ("-9999999999.99", "0.07", "0.00"), NUMBER_ENDS[:1]),
    Case("numeric(38,38)", (f"0.{'9' * 38}", f"-0.{'0' * 37}1")),
    Case("numeric(3,-2)", ("12300", "-99900")),
    Case("numeric(2,5)", ("0.00012",)),
    Case("numeric(39,2)", (f"-{'9' * 37}.99",)),
    Case("numeric", (f"{'1234567890' * 8}.500", "-1.0", "1e-30", "0"), NUMBER_ENDS),
    Case("money", ("$12.34", "-$92,233,720,368,547,758.08")),
    Case('"char"', ("x", "")),
    Case("char(5)", ("ab", "12345")),
    Case("varchar(7)", ('ü\n"\\', "")),
    Case("text", TEXTS),
    Case("name", ("pg_class",)),
    Case("bytea", ("\\x", "\\x00ff0a5c22")),
    Case("date", ("2024-02-29", "0001-01-01", "9999-12-31"), DATE_ENDS),
    Case("timestamp", ("2024-01-02 03:04:05.678901", "0001-01-01 00:00:00"), TIME_ENDS),
    Case("timestamptz", ("1969-12-31 23:59:59.999999-02", "9999-12-31 23:59:59.999999+00"), ZONED_ENDS),
    Case("time", ("00:00:00", "23:59:59.999999"), (("24:00:00", "23:59:59.999999", CLAMPED),)),
    Case("timetz", ("12:34:56.789012+05:30", "24:00:00-15:59")),
    Case("interval", ("1 year 2 mons 3 days 04:05:06.7", "-1 days +02:00:00", "00:00:00")),
    Case("uuid", ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000")),
    Case("json", ('{"a": 1, "a": [1.0, 1e400]}', '"text"', "[ 1 ]"), JSON_NULL),
    Case("jsonb", ('{"b": 1.50, "a": null}', "[]", '"\\u0001"'), JSON_NULL),
    Case("jsonpath", ("$.a[*]",)),
    Case("inet", ("192.168.0.1", "fe80::1/64", "10.0.0.1/8")),
    Case("cidr", ("10.0.0.0/8", "2001:db8::/32")),
    Case("macaddr", ("08:00:2b:01:02:03",)),
    Case("macaddr8", ("08:00:2b:01:02:03:04:05",)),
    Case("bit(3)", ("101",)),
    Case("varbit", ("", "1011")),
    Case("point", ("(1,2.5)",)),
    Case("line", ("{1,2,3}",)),
    Case("lseg", ("[(1,2),(3,4)]",)),
    Case("box", ("(3,4),(1,2)",)),
    Case("path", ("[(1,2),(3,4)]",)),
    Case("polygon", ("((1,2),(3,4))",)),
    Case("circle", ("<(1,2),3>",)),
    Case("tsvector", ("'a':1 'b':2A",)),
    Case("tsquery", ("'a' & !'b'",)),
    Case("pg_lsn", ("16/B374D848",)),
    Case("pg_snapshot", ("10:20:10,14,15",)),
    Case("regclass", ("pg_class",)),
    Case("int4range", ("[1,5)", "empty", "(,)")),
    Case("numrange", ("[1.5,2.50]",)),
    Case("tstzrange", ('["2024-01-01 00:00:00+00",infinity)',)),
    Case("daterange", ("[2024-01-01,2024-02-01)",)),
    Case("int4multirange", ("{[1,3),[5,7)}", "{}")),
    Case("mood", ("ok",)),
    Case("positive", ("7",)),
    Case("short", ("abcde",)),
    Case("pair", ('(1,"a ""q"", b")', "(,)", '(-1,"")')),
    Case("nested", ('("(1,x)","{1,NULL}")',)),
    Case("int4[]", ("{1,NULL,3}", "{}"), (("[2:3]={1,2}", "{1,2}", "lower bounds of arrays are dropped"),)),
    Case("int4[][]", ("{{1,2},{3,NULL}}", "{}")),
    Case("text[]", ('{a,"NULL",NULL,"x\\"y,{","\\\\"}',)),
    Case("float8[]", ("{0.1,-2}", "{NULL}")),
    Case("numeric(5,1)[]", ("{1.5,-2.0}",)),
    Case("bytea[]", ('{"\\\\x00ff"}',)),
    Case("date[]", ("{2024-01-01,NULL}",)),
    Case("timestamptz[]", ('{"2024-01-01 00:00:00.5+00"}',)),
    Case("uuid[]", ("{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",)),
    Case("mood[]", ("{ok,sad}",)),
    Case("inet[]", ("{10.0.0.1,fe80::1/64}",)),
    Case("money[]", ("{$1.50}",)),
    Case("interval[]", ('{"1 day"}',)),
    Case("pair[]", ('{"(1,x)",NULL}',)),
)
"""On PostgreSQL 16."""

OF_EXTENSIONS = (
    Case("hstore", ('"a"=>"1", "b"=>NULL, "q\\"uote"=>"\\\\ 東京"', "")),
    Case("citext", ("MiXed", "")),
    Case("citext[]", ("{MiXed,NULL}",)),
    Case("ltree", ("Top.Science",)),
    Case("cube", ("(1, 2),(3, 4)",)),
    Case("hstore[]", ('{"\\"a\\"=>\\"1\\""}',)),
)
"""On PostgreSQL 18."""
