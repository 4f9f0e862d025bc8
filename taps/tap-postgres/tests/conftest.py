"""What the tests of tap-postgres share: a database of its own for each test, and the executable run on it."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg
import pytest
from dativo_protocol.batch_settings import batches_of
from dativo_protocol.catalog import parse_catalog
from dativo_protocol.config import load_settings
from dativo_protocol.errors import DativoError
from dativo_protocol.state import State
from dativo_protocol.tap import run_tap
from dativo_protocol.testing import Outcome, run
from tap_postgres.connections import Connections
from tap_postgres.errors import ConnectError
from tap_postgres.settings import TapPostgresSettings
from tap_postgres.tap import PostgresTap

from tests.services import postgres
from tests.services.postgres import PASSWORD, USER, Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

EXECUTABLE = Path(sys.executable).parent / "tap-postgres"
_numbers = itertools.count()


class Messages(list[dict[str, Any]]):
    """What a tap has written, in order."""

    @classmethod
    def of(cls, lines: bytes) -> Messages:
        return cls(json.loads(line) for line in lines.splitlines())

    def messages(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self if message["type"] == kind]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [message["record"] for message in self.messages("RECORD")]

    @property
    def kinds(self) -> list[str]:
        return [message["type"] for message in self]


@dataclass
class Database:
    """A database, and a directory for the files of the executable."""

    server: Postgres
    name: str
    directory: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def connect(self, **parameters: Any) -> psycopg.Connection[Any]:
        """Connect as the owner of everything."""
        given = {"host": "127.0.0.1", "port": self.server.port, "user": USER, "password": PASSWORD}
        return psycopg.connect(**given | {"dbname": self.name} | parameters, autocommit=True)

    def execute(self, statements: str) -> None:
        """Execute any number of statements."""
        with self.connect() as connection:
            connection.execute(statements)

    def reader(self, *grants: str) -> dict[str, Any]:
        """Make a user with these rights alone; returns the settings to connect as it."""
        user, password = f"reader_of_{self.name}", "of-the-reader"
        self.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
        for grant in grants:
            self.execute(f"GRANT {grant} TO {user}")
        return {"user": user, "password": password}

    def config(self, **more: Any) -> dict[str, Any]:
        """Make a configuration that reads this database."""
        given = {"host": "127.0.0.1", "port": self.server.port, "user": USER, "password": PASSWORD}
        return given | {"database": self.name} | self.settings | more

    def typed(self, **more: Any) -> TapPostgresSettings:
        """Make the settings of `config`."""
        return load_settings(TapPostgresSettings, self.config(**more))

    def reach(self, **more: Any) -> None:
        """Connect as the tap does, and ask for something."""
        with Connections(self.typed(**more)) as connections, connections.read("test") as connection:
            connection.execute("SELECT 1")

    def unreachable(self, **more: Any) -> str:
        """Connect in vain; returns why."""
        with pytest.raises(ConnectError) as caught:
            self.reach(**more)
        return str(caught.value)

    def command(self, *arguments: str, catalog: Any = None, state: Any = None, **more: Any) -> list[str]:
        """Make a command line; catalog and state are JSON and become files."""
        command = [str(EXECUTABLE), *arguments]
        documents = {"--config": self.config(**more), "--catalog": catalog, "--state": state}
        for option, document in documents.items():
            if document is not None:
                path = self.directory / f"{option.strip('-')}.json"
                path.write_text(json.dumps(document))
                command += [option, str(path)]
        return command

    def run(self, *arguments: str, env: dict[str, str] | None = None, **given: Any) -> Outcome:
        """Run the executable to its end."""
        return run(self.command(*arguments, **given), cwd=self.directory, env=env, timeout=120)

    def catalog(self, **settings: Any) -> dict[str, Any]:
        """Discover, in this process."""
        return PostgresTap(self.typed(**settings)).discover().to_dict()

    def sync(self, catalog: Any = None, state: Any = None, **settings: Any) -> Messages:
        """Write the selected streams, in this process."""
        typed = self.typed(**settings)
        chosen = None if catalog is None else parse_catalog(catalog)
        tap, start = PostgresTap(typed), State(state)
        return self.collect(lambda out: run_tap(tap, chosen, start, out, batches=batches_of(typed)))

    def collect(self, write: Callable[[int], None]) -> Messages:
        """Return what is written to a file descriptor."""
        path = self.directory / "out.singer"
        with path.open("wb") as out:
            write(out.fileno())
        return Messages.of(path.read_bytes())

    def refusal(self, catalog: Any = None, state: Any = None, **settings: Any) -> str:
        """Write the selected streams in vain, in this process; returns what the user is told."""
        with pytest.raises(DativoError) as caught:
            self.sync(catalog, state, **settings)
        return f"{caught.value} {caught.value.instruction}"

    def gated(self, table: str, condition: str) -> Gate:
        """Make reading the rows of a table wait that do not meet a condition, while the gate is closed."""
        return Gate(self, table, condition)

    def failure(self, *arguments: str, **given: Any) -> str:
        """Run in vain and return what the only CRITICAL line says."""
        outcome = self.run(*arguments, **given)
        assert outcome.code == 1, outcome.stderr
        assert "Traceback" not in outcome.stderr
        (line,) = [line for line in outcome.stderr.splitlines() if "| CRITICAL |" in line]
        return line.split(" | ", 3)[3]


class Gate:
    """Some rows of a table cannot be read inside of the block; a server that restarts opens it."""

    def __init__(self, database: Database, table: str, condition: str) -> None:
        database.execute(
            "CREATE FUNCTION gate() RETURNS bool LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_advisory_lock_shared(1); RETURN pg_advisory_unlock_shared(1); END'"
        )
        clauses = [f"CASE WHEN {condition} THEN true ELSE gate() END"]
        self.settings = {"stream_options": {f"public-{table}": {"custom_where_clauses": clauses}}}
        self._database = database

    def __enter__(self) -> Self:
        self._closer = self._database.connect()
        self._closer.execute("SELECT pg_advisory_lock(1)")
        return self

    def __exit__(self, *_: object) -> None:
        self._closer.close()

    def open(self) -> None:
        """Let them through."""
        self._closer.execute("SELECT pg_advisory_unlock_all()")

    def await_reader(self) -> None:
        """Wait until somebody waits."""
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while self._closer.execute(query).fetchone() == (0,):
            self._closer.execute("SELECT pg_sleep(0.02)")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Postgres:
    return postgres.running(request.config)


@pytest.fixture(scope="session")
def logical_server(request: pytest.FixtureRequest) -> Postgres:
    return postgres.running_logical(request.config)


_RESET = """
SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid IS NOT NULL;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT pubname FROM pg_publication LOOP
        EXECUTE format('DROP PUBLICATION %I', name);
    END LOOP;
END $$;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""
_DROP_SLOTS = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE database = current_database() OR slot_type = 'physical'
"""


_DROP_READER = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader_of_tap_logged') THEN
        DROP OWNED BY reader_of_tap_logged;
        DROP ROLE reader_of_tap_logged;
    END IF;
END $$
"""


@pytest.fixture(scope="session")
def logged_owner(
    logical_server: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection[Any]]:
    """Connects to the one database that all tests of changes use, each after it was emptied."""
    owner = Database(logical_server, "postgres", tmp_path_factory.mktemp("logged"))
    owner.execute("CREATE DATABASE tap_logged")
    with owner.connect(dbname="tap_logged") as connection:
        yield connection


@pytest.fixture
def logged(
    logical_server: Postgres, logged_owner: psycopg.Connection[Any], tmp_path: Path
) -> Iterator[Database]:
    """An empty database whose changes can be read, by a slot of the same name."""
    name = logged_owner.info.dbname
    settings = {"replication_slot_name": name, "default_replication_method": "LOG_BASED"}
    try:
        yield Database(logical_server, name, tmp_path, settings)
    finally:
        logged_owner.execute(_RESET)
        eventually(lambda: logged_owner.execute(_DROP_SLOTS))
        logged_owner.execute(_DROP_READER)


def eventually(action: Callable[[], object]) -> None:
    """Do what fails as long as a process of the server is not gone that was told to go."""
    deadline = time.monotonic() + 60
    while True:
        try:
            action()
        except psycopg.errors.ObjectInUse:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


MakeDatabase = Callable[[Postgres, Path], AbstractContextManager[Database]]
NewDatabase = Callable[[Path], AbstractContextManager[Database]]


@pytest.fixture(scope="session")
def make_database() -> MakeDatabase:
    """Makes a database on a server, which is gone when the block ends."""

    @contextmanager
    def make(server: Postgres, directory: Path) -> Iterator[Database]:
        name = f"tap_{next(_numbers)}"
        owner = Database(server, "postgres", directory)
        owner.execute(f"CREATE DATABASE {name}")
        try:
            yield Database(server, name, directory)
        finally:
            owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
            owner.execute(f"DROP ROLE IF EXISTS reader_of_{name}")

    return make


@pytest.fixture(scope="session")
def new_database(server: Postgres, make_database: MakeDatabase) -> NewDatabase:
    """Makes a database on the server that all tests share."""
    return lambda directory: make_database(server, directory)


@pytest.fixture(scope="session")
def shared_database(
    new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """One for all tests, since making one takes longer than most of them."""
    with new_database(tmp_path_factory.mktemp("shared")) as made:
        yield made


@pytest.fixture
def database(shared_database: Database, tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    yield replace(shared_database, directory=tmp_path)
    empty(shared_database)


_SESSIONS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_LEFTOVERS = """
SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
UNION ALL SELECT format('DROP PUBLICATION %I', pubname) FROM pg_publication
UNION ALL SELECT format('SELECT pg_drop_replication_slot(%L)', slot_name) FROM pg_replication_slots
WHERE database = current_database()
UNION ALL SELECT format('DROP OWNED BY %1$I; DROP ROLE %1$I', rolname) FROM pg_roles
WHERE rolname = 'reader_of_' || current_database()
"""


def empty(database: Database) -> None:
    """Remove whatever a test has made, and whoever is still there."""
    with database.connect() as connection:
        connection.execute(_SESSIONS)
        for (statement,) in connection.execute(_LEFTOVERS).fetchall():
            connection.execute(statement)
        connection.execute(f"ALTER DATABASE {database.name} RESET ALL")
        connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


@pytest.fixture
def connections(database: Database) -> Iterator[Connections]:
    with Connections(database.typed()) as made:
        yield made
