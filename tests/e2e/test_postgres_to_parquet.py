"""tap-postgres into target-parquet: every value of every type, as the server itself tells them."""

import datetime as dt
import json
import subprocess
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.paths import BIN
from tests.services import postgres
from tests.services.postgres import PASSWORD, USER

UTC = dt.UTC
TYPES = """
CREATE SCHEMA fidelity;
SET search_path = fidelity;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);
"""

VALUES: list[tuple[str, str, Any]] = [
    ("bool", "true", True),
    ("int2", "-32768", -32768),
    ("int4", "2147483647", 2**31 - 1),
    ("int8", "-9223372036854775808", -(2**63)),
    ("oid", "4294967295", 2**32 - 1),
    ("xid", "'4294967295'", 2**32 - 1),
    ("xid8", "'18446744073709551615'", "18446744073709551615"),
    ("float4", "1.1", 1.1),
    ("float4", "'-Infinity'", None),
    ("float8", "-2.5e-300", -2.5e-300),
    ("float8", "'NaN'", None),
    ("numeric(12,2)", "-1234567890.12", Decimal("-1234567890.12")),
    ("numeric(38,38)", f"0.{'9' * 38}", Decimal(f"0.{'9' * 38}")),
    ("numeric(3,-2)", "12345", Decimal(12300)),
    (
        "numeric",
        "1234567890123456789012345678901234567890.500",
        "1234567890123456789012345678901234567890.500",
    ),
    ("numeric", "'Infinity'", None),
    ("money", "12.34", "$12.34"),
    ('"char"', "'x'", "x"),
    ("char(5)", "'ab'", "ab   "),
    ("varchar(7)", "'ü\n\"\\'", 'ü\n"\\'),
    ("text", "''", ""),
    ("name", "'pg_class'", "pg_class"),
    ("bytea", "'\\x00ff'", b"\x00\xff"),
    ("date", "'2024-02-29'", dt.date(2024, 2, 29)),
    ("date", "'infinity'", dt.date(9999, 12, 31)),
    ("date", "'0044-03-15 BC'", dt.date(1, 1, 1)),
    ("timestamp", "'2024-01-02 03:04:05.678901'", dt.datetime(2024, 1, 2, 3, 4, 5, 678901)),  # noqa: DTZ001
    ("timestamptz", "'1969-12-31 23:59:59.999999-02'", dt.datetime(1970, 1, 1, 1, 59, 59, 999999, UTC)),
    ("time", "'23:59:59.999999'", dt.time(23, 59, 59, 999999)),
    ("time", "'24:00'", dt.time(23, 59, 59, 999999)),
    ("timetz", "'12:34:56+05:30'", "12:34:56+05:30"),
    ("interval", "'1 year 2 mons 3 days 04:05:06.7'", "P1Y2M3DT4H5M6.7S"),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("json", """'{"a": 1, "a": [1.0, 1e400]}'""", '{"a": 1, "a": [1.0, 1e400]}'),
    ("jsonb", """'{"b": 1, "a": null}'""", '{"a": null, "b": 1}'),
    ("inet", "'192.168.0.1'", "192.168.0.1"),
    ("inet", "'fe80::1/64'", "fe80::1/64"),
    ("cidr", "'10.0.0.0/8'", "10.0.0.0/8"),
    ("macaddr", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03"),
    ("macaddr8", "'08:00:2b:01:02:03:04:05'", "08:00:2b:01:02:03:04:05"),
    ("jsonpath", "'$.a[*]'", '$."a"[*]'),
    ("polygon", "'((1,2),(3,4))'", "((1,2),(3,4))"),
    ("varbit", "B'1011'", "1011"),
    ("bit(3)", "B'101'", "101"),
    ("point", "'(1,2.5)'", "(1,2.5)"),
    ("tsvector", "'a:1 b:2'", "'a':1 'b':2"),
    ("pg_lsn", "'16/B374D848'", "16/B374D848"),
    ("int4range", "'[1,5)'", "[1,5)"),
    ("int4multirange", "'{[1,3),[5,7)}'", "{[1,3),[5,7)}"),
    ("regclass", "'pg_class'", "pg_class"),
    ("mood", "'ok'", "ok"),
    ("positive", "7", 7),
    ("pair", """'(1,"a ""q"", b")'""", {"a": 1, "b": 'a "q", b'}),
    ("int4[]", "'{1,NULL,3}'", [1, None, 3]),
    ("int4[]", "'{}'", []),
    ("int4[][]", "'{{1,2},{3,4}}'", [[1, 2], [3, 4]]),
    ("int4[]", "'[2:3]={1,2}'", [1, 2]),
    ("text[]", """'{a,"NULL",NULL,"x\\"y,{"}'""", ["a", "NULL", None, 'x"y,{']),
    ("numeric(5,1)[]", "'{1.5,-2}'", [Decimal("1.5"), Decimal("-2.0")]),
    ("date[]", "'{2024-01-01}'", [dt.date(2024, 1, 1)]),
    ("mood[]", "'{ok,sad}'", ["ok", "sad"]),
    ("inet[]", "'{10.0.0.1}'", ["10.0.0.1"]),
    ("money[]", "'{1.5}'", ["$1.50"]),
    ("pair[]", """ARRAY['(1,x)'::pair, NULL]""", [{"a": 1, "b": "x"}, None]),
    ("jsonb[]", """ARRAY['{"a":1}'::jsonb, '2']""", '[{"a": 1},2]'),
]
NAMES = [f"c{number}" for number in range(len(VALUES))]
MANY = 20_000


@pytest.fixture(scope="module")
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """Tables as target-parquet wrote them, by stream."""
    server = postgres.running(request.config)
    connection = f"host=127.0.0.1 port={server.port} user={USER} password={PASSWORD} dbname=postgres"
    with psycopg.connect(connection, autocommit=True) as owner:
        owner.execute(TYPES)
        columns = ", ".join(f"{name} {kind}" for name, (kind, *_) in zip(NAMES, VALUES, strict=True))
        owner.execute(f"CREATE TABLE every (id int PRIMARY KEY, {columns})")
        owner.execute(f"INSERT INTO every VALUES (1, {', '.join(value for _, value, _ in VALUES)})")
        owner.execute("INSERT INTO every VALUES (2)")
        owner.execute(
            "CREATE TABLE many AS SELECT n AS id, md5(n::text) AS text, (n * 1.25)::numeric(12,2) AS price,"
            f" timestamptz 'epoch' + n * interval '1 day' AS at FROM generate_series(1, {MANY}) n"
        )
    directory = tmp_path_factory.mktemp("fidelity")
    tap = {"host": "127.0.0.1", "port": server.port, "user": USER, "password": PASSWORD}
    tap |= {"database": "postgres", "filter_schemas": "fidelity"}
    try:
        pipe(tap, directory)
    finally:
        with psycopg.connect(connection, autocommit=True) as owner:
            owner.execute("DROP SCHEMA fidelity CASCADE")
    return {name: pq.read_table(directory / "lake" / f"fidelity-{name}") for name in ("every", "many")}


def pipe(tap: dict[str, Any], directory: Path) -> None:
    (directory / "tap.json").write_text(json.dumps(tap))
    (directory / "target.json").write_text(json.dumps({"destination_path": str(directory / "lake")}))
    command = [BIN / "tap-postgres", "--config", directory / "tap.json"]
    with (
        (directory / "tap.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as source,
    ):
        loaded = subprocess.run(
            [BIN / "target-parquet", "--config", directory / "target.json"],
            stdin=source.stdout,
            capture_output=True,
            check=False,
            timeout=120,
        )
    assert source.returncode == 0, (directory / "tap.log").read_text()
    assert loaded.returncode == 0, loaded.stderr.decode()


@pytest.mark.parametrize("index", range(len(VALUES)), ids=[f"{kind} {value}" for kind, value, _ in VALUES])
def test_a_value(index: int, read: dict[str, pa.Table]) -> None:
    rows = {row["id"]: row[NAMES[index]] for row in read["every"].to_pylist()}
    assert plain(rows[1]) == VALUES[index][2]
    assert rows[2] is None


def plain(value: Any) -> Any:
    return str(value) if isinstance(value, uuid.UUID) else value


def test_many_rows(read: dict[str, pa.Table]) -> None:
    table = read["many"].sort_by("id")
    assert table.num_rows == MANY
    assert table["id"].to_pylist() == list(range(1, MANY + 1))
    assert sum(table["price"].to_pylist()) == Decimal("1.25") * sum(range(1, MANY + 1))
    assert table["at"][-1].as_py() == dt.datetime(1970, 1, 1, tzinfo=UTC) + dt.timedelta(days=MANY)
