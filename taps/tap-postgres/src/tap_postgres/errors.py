"""What can go wrong with a PostgreSQL server, grouped by what the user should do about it.

```
SourceError (dativo_protocol)
└── PostgresError             .sqlstate: five characters, "" if the server did not get to say one
    ├── ConnectError          correct the connection's settings; .retryable if the server was not ready
    ├── PermissionDenied      grant the right to the user that connects
    ├── MissingTable          a table or column is gone; discover again
    ├── ServerNotReady        the server lacks what a replication method needs; change its configuration
    ├── SlotError             a replication slot is lost, in use, or not one of ours
    └── ValueMisfit           give the column another type in `column_types`; .stream, .column
```

Of what the server says only the primary message is kept: detail and hint hold values of the data.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dativo_protocol.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

_RETRYABLE = ("08", "57P0", "40001", "40P01", "53", "55P03")
"""Beginnings of SQLSTATEs after which the same run may succeed: connection lost, restart, conflicts."""


class PostgresError(SourceError):
    """The server could not do what was asked.

    Attributes:
        sqlstate: five characters, "" if unknown.
    """

    def __init__(
        self, message: str, *, sqlstate: str = "", instruction: str = "", retryable: bool | None = None
    ) -> None:
        again = sqlstate.startswith(_RETRYABLE) if retryable is None else retryable
        if again and not (instruction or self.default_instruction):
            instruction = "Run again with the last STATE, from which it goes on."
        super().__init__(message, instruction=instruction, retryable=again)
        self.sqlstate = sqlstate


class ConnectError(PostgresError):
    """No connection could be made."""

    default_instruction = "Check host, port, user, password and database, and that the server accepts them."


class PermissionDenied(PostgresError):  # noqa: N818 -- what PostgreSQL calls it
    """The user that connects may not do this."""

    default_instruction = (
        "Grant the right to the user of the configuration, or deselect what it may not read."
    )


class MissingTable(PostgresError):  # noqa: N818 -- says what is the matter
    """A table or column that the catalog selects is not there."""

    default_instruction = "Write a fresh catalog with --discover and select its streams again."


class ServerNotReady(PostgresError):  # noqa: N818 -- says what is the matter
    """The server is not configured for what was asked of it."""


class SlotError(PostgresError):
    """A replication slot cannot be used."""


class ValueMisfit(PostgresError):  # noqa: N818 -- says what is the matter
    """A value does not fit the type of its column.

    Attributes:
        stream: id of the stream.
    """

    default_instruction = "Give the column another type in `column_types`."

    def __init__(self, reason: str, *, stream: str) -> None:
        super().__init__(f"stream {stream!r}: {reason}")
        self.stream = stream


_BY_SQLSTATE: dict[str, type[PostgresError]] = {
    "42501": PermissionDenied,
    "42P01": MissingTable,
    "42703": MissingTable,
    "3F000": MissingTable,
}


def postgres_error(error: psycopg.Error, doing: str) -> PostgresError:
    """Return the error of our tree for one of the driver.

    Args:
        error: its SQLSTATE decides the class.
        doing: what was being done, such as "reading stream 'public-orders'".
    """
    sqlstate = error.sqlstate or ""
    reason = error.diag.message_primary or _first_line(str(error))
    kind = _BY_SQLSTATE.get(sqlstate, PostgresError)
    # The connection broke without a word of the server: as retryable as when it says so itself.
    return kind(f"{doing}: {reason}", sqlstate=sqlstate or "08006")


def connect_error(error: psycopg.Error, place: str) -> ConnectError:
    """Return the error for a connection that could not be made.

    Args:
        error: of the driver.
        place: host and port, or what stands for them.
    """
    sqlstate = error.sqlstate or ""
    reason = _first_line(str(error)).removeprefix("connection failed: ")
    refused = any(sign in reason for sign in _NOT_UP)
    return ConnectError(f"cannot connect to {place}: {reason}", sqlstate=sqlstate, retryable=refused or None)


_NOT_UP = (
    "Connection refused",
    "starting up",
    "shutting down",
    "in recovery mode",
    "too many clients",
    "timeout",
    "closed the connection unexpectedly",
)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")


@contextmanager
def asking(doing: str) -> Iterator[None]:
    """Turn the driver's errors inside the block into ours.

    Args:
        doing: what is being done, such as "discovering tables".

    Raises:
        PostgresError: the server refused, or is gone.
    """
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise postgres_error(error, doing) from None
