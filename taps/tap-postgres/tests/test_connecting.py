"""How to reach the server, what is said when it cannot be reached, and what is never said."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from dativo_protocol.errors import ConfigError
from dativo_protocol.testing import start
from tap_postgres.certificates import PrivateFiles
from tap_postgres.connection_info import connection_info
from tap_postgres.connections import Connections

from tests.services.postgres import PASSWORD, USER
from tests.services.seaweedfs import free_ports

if TYPE_CHECKING:
    from conftest import Database

WRONG = "wrong-secret-of-the-tests"


def uri(
    database: Database, *, scheme: str = "postgresql", password: str = PASSWORD, options: str = ""
) -> str:
    return f"{scheme}://{USER}:{password}@127.0.0.1:{database.server.port}/{database.name}{options}"


def by_uri(database: Database, name: str, value: str) -> dict[str, Any]:
    absent = dict.fromkeys(("user", "password", "database", "port"))
    return absent | {"host": "nowhere.invalid", name: value}


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
@pytest.mark.parametrize("name", ["sqlalchemy_url", "uri"])
def test_a_url_wins(name: str, scheme: str, database: Database) -> None:
    database.reach(**by_uri(database, name, uri(database, scheme=scheme)))


def test_options_of_a_url(database: Database) -> None:
    given = uri(database, options="?sslmode=disable&options=-c%20search_path%3Dshop")
    with (
        Connections(database.typed(sqlalchemy_url=given)) as connections,
        connections.read("test") as connection,
    ):
        assert connection.execute("SHOW search_path").fetchone() == ("shop",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://u:pa%zz@h/db", "is not a URL"),
        ("mysql://u:hidden-word@h/db", "is not a URL"),
        ("postgresql://u:hidden-word@h/db?charset=utf8", "libpq has no option 'charset'"),
        ("postgresql://u:hidden-word@h", "database: is required"),
    ],
)
def test_a_url_that_is_none(url: str, reason: str, database: Database) -> None:
    said = database.refusal(**by_uri(database, "sqlalchemy_url", url))
    assert reason in said
    assert "hidden-word" not in said
    assert "pa%zz" not in said


@pytest.mark.parametrize("wrong", [{"port": "x"}, {"ssl_enable": "perhaps"}, {"database": None}])
def test_settings_that_make_no_sense(wrong: dict[str, Any], database: Database) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        database.reach(**wrong)


def test_configurations_of_the_predecessors(database: Database) -> None:
    port = database.server.port
    meltano = {
        "host": "127.0.0.1",
        "port": port,
        "user": USER,
        "password": PASSWORD,
        "database": database.name,
    }
    meltano |= {
        "filter_schemas": ["public"],
        "dates_as_string": False,
        "stream_options": {},
        "ssl_enable": False,
    }
    meltano |= {"max_record_count": 10, "stream_maps": {}, "faker_config": {}}
    wise = {
        "host": "127.0.0.1",
        "port": str(port),
        "user": USER,
        "password": PASSWORD,
        "dbname": database.name,
    }
    wise |= {"filter_schemas": "public", "ssl": "false", "tap_id": "x", "break_at_end_lsn": True}
    database.execute("CREATE TABLE t (id int)")
    empty = dict.fromkeys(database.config())
    for config in (meltano, wise):
        (entry,) = database.catalog(**empty | config)["streams"]
        assert entry["tap_stream_id"] == "public-t"


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        ({"stream_maps": {"public-t": {"ssn": "md5(ssn)"}}}, "stream_maps: this tap has none"),
        ({"flattening_enabled": True}, "flattening_enabled: this tap does not flatten"),
    ],
)
def test_what_would_be_ignored_to_the_users_harm(
    refused: dict[str, Any], reason: str, database: Database
) -> None:
    assert reason in database.failure("--discover", **refused)


@pytest.mark.parametrize("how", ["password", "sqlalchemy_url"])
def test_a_wrong_password(how: str, database: Database) -> None:
    wrong = {"password": WRONG, "sqlalchemy_url": uri(database, password=WRONG)}[how]
    outcome = database.run("--discover", env={"TAP_POSTGRES_LOGLEVEL": "DEBUG"}, **{how: wrong})
    assert outcome.code == 1
    assert outcome.stdout == b""
    (line,) = [line for line in outcome.stderr.splitlines() if "| CRITICAL |" in line]
    assert f'password authentication failed for user "{USER}"' in line
    assert "Check host, port, user, password" in line
    assert WRONG not in outcome.stderr


def test_a_password_in_a_url_is_in_no_log(database: Database) -> None:
    """Not even in its own spelling, or when what holds it is wrong."""
    password = "slash/and@sign"
    given = uri(database, password=quote(password, safe=""))
    outcome = database.run("--discover", env={"TAP_POSTGRES_LOGLEVEL": "DEBUG"}, sqlalchemy_url=given)
    assert outcome.code == 1
    assert password not in outcome.stderr
    assert quote(password, safe="") not in outcome.stderr


def test_secrets_are_not_in_the_arguments_of_the_process(database: Database) -> None:
    database.execute("CREATE TABLE t (id int)")
    with start(database.command("--discover"), cwd=database.directory) as running:
        arguments = Path(f"/proc/{running.pid}/cmdline").read_bytes()
        assert running.finish(60).code == 0
    assert PASSWORD.encode() not in arguments


def test_nobody_listens(database: Database) -> None:
    port = free_ports("nobody")["nobody"]
    reason = database.failure("--discover", port=port)
    assert reason.startswith(f"cannot connect to 127.0.0.1:{port}: ")
    assert "Connection refused" in reason


def test_no_such_database(database: Database) -> None:
    assert 'database "absent" does not exist' in database.failure("--discover", database="absent")


def test_values_look_the_same_on_every_server(database: Database) -> None:
    database.execute(f"ALTER DATABASE {database.name} SET timezone = 'Asia/Tokyo'")
    database.execute(f"ALTER DATABASE {database.name} SET datestyle = 'SQL,DMY'")
    with Connections(database.typed()) as connections, connections.read("test") as connection:
        shown = connection.execute(
            "SELECT '2024-01-02 03:04:05+00'::timestamptz::text, interval '1 day 2:00'::text,"
            " 1.1::float4::text, '\\xdead'::bytea::text"
        ).fetchone()
    assert shown == ("2024-01-02 03:04:05+00", "P1DT2H", "1.1", "\\xdead")


def test_limits_and_names_of_sessions(database: Database) -> None:
    settings = database.typed(statement_timeout_seconds=7, lock_timeout_seconds=3)
    with Connections(settings) as connections, connections.read("public-t") as connection:
        shown = [connection.execute(f"SHOW {name}").fetchone() for name in (
            "statement_timeout", "lock_timeout", "application_name")]  # fmt: skip
    assert shown == [("7s",), ("3s",), ("tap-postgres/public-t",)]


def test_a_server_that_is_gone_without_a_word_is_noticed(database: Database) -> None:
    """Where a firewall forgets connections that nothing goes through, and where the machine has died."""
    with Connections(database.typed()) as connections:
        assert int(connections.info.parameters["keepalives_idle"]) <= 60
    given = uri(database, options="?keepalives_idle=5")
    with Connections(database.typed(sqlalchemy_url=given)) as connections:
        assert connections.info.parameters["keepalives_idle"] == "5"


def await_sessions(database: Database, *, asleep: int, present: int) -> None:
    query = (
        "SELECT count(*) FILTER (WHERE wait_event = 'PgSleep'), count(*)"
        " FROM pg_stat_activity WHERE datname = %s"
    )
    deadline = time.monotonic() + 60
    with database.connect(dbname="postgres") as connection:
        while connection.execute(query, [database.name]).fetchone() != (asleep, present):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_statement_under_way_is_cancelled(database: Database) -> None:
    with Connections(database.typed()) as connections, connections.read("test") as connection:
        connection.pgconn.send_query(b"SELECT pg_sleep(3600)")
        await_sessions(database, asleep=1, present=1)  # a cancel that comes before the statement is lost
    await_sessions(database, asleep=0, present=0)


def test_the_password_is_no_part_of_what_is_shown(database: Database) -> None:
    with PrivateFiles() as files:
        assert PASSWORD not in connection_info(database.typed(), files).place


def test_a_trial_reports_privileges(database: Database) -> None:
    database.execute("CREATE TABLE open (id int); CREATE TABLE closed (id int)")
    outcome = database.run("--test=schema", **database.reader("SELECT ON open"))
    assert outcome.code == 0, outcome.stderr
    with database.connect() as connection:
        (version,) = connection.execute("SHOW server_version").fetchone() or ()
    assert f"connected as 'reader_of_{database.name}' to PostgreSQL {version}, a primary" in outcome.stderr
    assert "1 of 2 tables and views can be read" in outcome.stderr
    assert "no right to SELECT from public-closed" in outcome.stderr
    assert "lacks the right: ALTER ROLE ... REPLICATION" in outcome.stderr
    assert "wal_level is 'replica': set it to 'logical' and restart the server" in outcome.stderr
    assert {json.loads(line)["stream"] for line in outcome.stdout.splitlines()} == {"public-open"}
    assert outcome.messages("RECORD") == []
