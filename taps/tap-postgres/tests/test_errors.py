"""What becomes of what the server says: which error, whether to run again, and what is kept to ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from tap_postgres.errors import (
    ConnectError,
    MissingTable,
    PermissionDenied,
    PostgresError,
    asking,
    connect_error,
)

if TYPE_CHECKING:
    from conftest import Database

RAISE = "DO $$ BEGIN RAISE EXCEPTION 'no {0}' USING ERRCODE = '{0}', DETAIL = 'Key (ssn)=(123)'; END $$"


def raised(database: Database, statement: str) -> PostgresError:
    with database.connect() as connection, pytest.raises(PostgresError) as caught, asking("asking"):
        connection.execute(statement)
    return caught.value


@pytest.mark.parametrize(
    ("sqlstate", "kind", "retryable"),
    [
        ("42501", PermissionDenied, False),
        ("42P01", MissingTable, False),
        ("42703", MissingTable, False),
        ("22012", PostgresError, False),
        ("40001", PostgresError, True),
        ("40P01", PostgresError, True),
        ("53300", PostgresError, True),
        ("55P03", PostgresError, True),
        ("57014", PostgresError, False),
        ("57P01", PostgresError, True),
        ("08006", PostgresError, True),
    ],
)
def test_the_sqlstate_decides(
    sqlstate: str, kind: type[PostgresError], retryable: bool, database: Database
) -> None:
    error = raised(database, RAISE.format(sqlstate))
    assert type(error) is kind
    assert (error.sqlstate, error.retryable) == (sqlstate, retryable)
    assert str(error) == f"asking: no {sqlstate}"


def test_values_in_the_detail_are_not_shown(database: Database) -> None:
    error = raised(database, RAISE.format("23505"))
    assert "123" not in f"{error} {error.instruction}"


def test_a_connection_that_broke_without_a_word_is_worth_another_try(database: Database) -> None:
    with database.connect() as connection:
        connection.close()
        with (
            pytest.raises(PostgresError, match="asking: the connection is closed") as caught,
            asking("asking"),
        ):
            connection.execute("SELECT 1")
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("said", "retryable"),
    [
        ('connection failed: FATAL:  password authentication failed for user "x"\nmore', False),
        ("connection failed: Connection refused\n\tIs the server running?", True),
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  sorry, too many clients already", True),
        ("connection timeout expired", True),
        ("", False),
    ],
)
def test_connections_that_fail(said: str, retryable: bool) -> None:
    error = connect_error(psycopg.OperationalError(said), "db:5432")
    assert isinstance(error, ConnectError)
    assert error.retryable is retryable
    assert str(error).startswith("cannot connect to db:5432: ")
    assert "\n" not in str(error)
    assert "Check host, port" in error.instruction
