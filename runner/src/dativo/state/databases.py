"""The databases that states can be kept in: how to reach them, how they spell, how they fail."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from dativo.errors import StateError, StateUnreachable
from dativo.home import make_private, open_private
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 10


class Database(Protocol):
    """A kind of database."""

    @property
    def name(self) -> str:
        """For messages; no password in it."""

    @property
    def pace(self) -> float:
        """Seconds between two writes of a run."""

    def connect(self) -> Any:
        """A connection that commits or rolls back as a context manager, and has to be closed."""

    def make_alone(self, connection: Any) -> None:
        """Lets the rest of a transaction make tables while no other process does."""

    def spelled(self, statement: str) -> str:
        """A statement with the marks of this database for values."""

    def errors(self) -> Any:
        """A context in which errors of the database become ours."""


@dataclass(frozen=True, slots=True)
class Sqlite:
    """A file."""

    path: Path
    pace: Final = 0.0

    @property
    def name(self) -> str:
        return f"sqlite:///{self.path}"

    def connect(self) -> Any:
        import os
        import sqlite3

        make_private(self.path.parent)
        os.close(open_private(self.path, os.O_RDWR | os.O_CREAT))
        return sqlite3.connect(self.path, timeout=SECONDS)

    def make_alone(self, connection: Any) -> None:
        """A file of SQLite has one writer anyway."""

    def spelled(self, statement: str) -> str:
        return statement

    @contextmanager
    def errors(self) -> Iterator[None]:
        import sqlite3

        try:
            yield
        except sqlite3.OperationalError as error:
            kind = StateUnreachable if "locked" in str(error) else StateError
            raise kind(f"{self.name}: {error}") from error
        except (sqlite3.Error, OSError) as error:
            raise StateError(f"{self.name}: {error}") from error


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server; what the URL leaves out comes from PG… variables and ~/.pgpass."""

    url: str
    pace: Final = 1.0

    @property
    def name(self) -> str:
        parts = urlsplit(self.url)
        servers = parts.netloc.rpartition("@")[2]  # there may be several
        return f"postgresql://{servers}{parts.path}"

    def connect(self) -> Any:
        try:
            import psycopg
        except ImportError as error:
            raise StateError(f"{self.name}: it needs psycopg: pip install 'dativo[postgres]'") from error
        return psycopg.connect(self.url, connect_timeout=SECONDS, application_name="dativo")

    def make_alone(self, connection: Any) -> None:
        # IF NOT EXISTS does not see what another transaction is making, and fails on it.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('dativo_state'))")

    def spelled(self, statement: str) -> str:
        return statement.replace("?", "%s")

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            import psycopg
        except ImportError as error:
            raise StateError(f"{self.name}: it needs psycopg: pip install 'dativo[postgres]'") from error
        try:
            yield
        except psycopg.OperationalError as error:
            raise StateUnreachable(f"{self.name}: the database does not answer: {_line(error)}") from error
        except psycopg.Error as error:
            raise StateError(f"{self.name}: {_line(error)}") from error


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
