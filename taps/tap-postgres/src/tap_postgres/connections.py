"""Connections to the server, each closed on every way out."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from tap_postgres.certificates import PrivateFiles
from tap_postgres.connection_info import ConnectionInfo, connection_info, secondary_of
from tap_postgres.connection_settings import is_set
from tap_postgres.errors import ServerNotReady, connect_error
from tap_postgres.tunnel import LOOPBACK, ssh_tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    import psycopg
    from psycopg.rows import TupleRow

    from tap_postgres.connection_settings import ConnectionSettings
    from tap_postgres.replication import ReplicationSession

log = logging.getLogger("tap_postgres")

OLDEST_VERSION = 120000
_CANCEL_SECONDS = 5.0
_NOTICES = 140000
"""Since this version a server can look whether the client is still there while it works."""
_CHECK_SECONDS = 10
_IDLE_TIMEOUT = 140000
_TRANSACTION_TIMEOUT = 170000
"""Since these versions a server can have one."""


class Connections:
    """Makes connections; a context manager around what they need, such as a tunnel and files with keys."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._held = ExitStack()
        self._info: ConnectionInfo | None = None
        self._to_read: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Prepare.

        Raises:
            ConfigError: the settings do not say where to connect.
            ConnectError: the tunnel cannot be made.
        """
        with ExitStack() as stack:
            info = connection_info(self._settings, stack.enter_context(PrivateFiles()))
            if secondary := secondary_of(info, self._settings):
                self._to_read = {**self._reached(secondary, stack).parameters}
            self._info = self._reached(info, stack)
            self._held = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Take everything down."""
        self._held.close()

    def _reached(self, info: ConnectionInfo, stack: ExitStack) -> ConnectionInfo:
        tunnel = self._settings.ssh_tunnel
        if tunnel is None or not is_set(tunnel.enable):
            return info
        timeout = float(self._settings.connect_timeout_seconds)
        opened = ssh_tunnel(tunnel, info.host, info.port, timeout=timeout)
        return info.through(LOOPBACK, stack.enter_context(opened))

    @property
    def info(self) -> ConnectionInfo:
        """The way to the (primary) server, once entered."""
        assert self._info is not None
        return self._info

    @contextmanager
    def read(self, purpose: str) -> Iterator[psycopg.Connection[TupleRow]]:
        """Connect, in autocommit, to the secondary if there is one; what still runs at the end is cancelled.

        Args:
            purpose: shown to administrators in `pg_stat_activity`, such as the id of a stream.

        Raises:
            ConnectError: that fails.
            ServerNotReady: the server is older than this tap can read.
        """
        connection = self._connect(purpose, **self._to_read)
        try:
            if connection.info.server_version < OLDEST_VERSION:
                raise ServerNotReady(
                    f"the server is PostgreSQL {connection.info.server_version // 10_000}",
                    instruction="This tap reads PostgreSQL 12 and later.",
                )
            _lift_limits(connection)
            _let_notice(connection)
            yield connection
        finally:
            close(connection)

    def primary(self) -> Connections:
        """Return the same, that reads from the primary, too: slots and their snapshots are there."""
        other = Connections(self._settings)
        other._info = self._info
        return other

    @contextmanager
    def replication(self, purpose: str) -> Iterator[ReplicationSession]:
        """Connect to speak the replication protocol with the database.

        Args:
            purpose: shown to administrators in `pg_stat_activity`.

        Raises:
            ConnectError: that fails, as when the user has no right to.
        """
        from tap_postgres.replication import ReplicationSession

        connection = self._connect(purpose, replication="database")
        try:
            _lift_limits(connection)
            yield ReplicationSession(connection)
        finally:
            close(connection)

    def _connect(self, purpose: str, **more: str) -> psycopg.Connection[TupleRow]:
        import psycopg

        parameters = {**self.info.parameters, "application_name": f"tap-postgres/{purpose}"[:63], **more}
        try:
            connection = psycopg.connect(**parameters, autocommit=True)  # type: ignore[arg-type]  # libpq's names
        except psycopg.Error as error:
            raise connect_error(error, ConnectionInfo(parameters).place) from None
        connection.add_notice_handler(_log_notice)
        return connection


def close(connection: psycopg.Connection[TupleRow]) -> None:
    """Close a connection; a statement that the server is still at would otherwise go on there."""
    import psycopg

    if connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=_CANCEL_SECONDS)
    connection.close()


def _lift_limits(connection: psycopg.Connection[TupleRow]) -> None:
    """Lift what an administrator may have set for short transactions, and older servers do not know."""
    if connection.info.server_version >= _IDLE_TIMEOUT:
        connection.execute("SET idle_session_timeout = 0")
    if connection.info.server_version >= _TRANSACTION_TIMEOUT:
        connection.execute("SET transaction_timeout = 0")


def _let_notice(connection: psycopg.Connection[TupleRow]) -> None:
    """Let no statement go on whose client was killed, or has cancelled too early to be heard."""
    import psycopg

    if connection.info.server_version >= _NOTICES:
        with suppress(psycopg.errors.InvalidParameterValue):  # not on every platform
            connection.execute(f"SET client_connection_check_interval = '{_CHECK_SECONDS}s'")


def _log_notice(notice: psycopg.errors.Diagnostic) -> None:
    log.debug("server: %s", notice.message_primary)
