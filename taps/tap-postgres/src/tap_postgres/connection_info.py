"""Settings -> the parameters of libpq."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from dativo_protocol.errors import ConfigError
from dativo_protocol.log import redact

from tap_postgres.connection_settings import is_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_postgres.certificates import PrivateFiles
    from tap_postgres.connection_settings import ConnectionSettings

SESSION = (
    "timezone=UTC",
    "datestyle=ISO,YMD",
    "intervalstyle=iso_8601",
    "extra_float_digits=1",
    "bytea_output=hex",
)
"""What makes the text form of a value the same on every server."""

_ALIVE = {"keepalives_idle": "60", "keepalives_interval": "15", "keepalives_count": "4"}
"""Sessions are silent for long, which firewalls take for their end; and a server can die without a word."""

_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+(?=://)")


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """A way to the server.

    Attributes:
        parameters: of libpq, the password among them.
    """

    parameters: Mapping[str, str]

    @property
    def host(self) -> str:
        """Name or address of the (first) server, or a directory."""
        return self.parameters.get("host", "").partition(",")[0] or "localhost"

    @property
    def port(self) -> int:
        """Port of the (first) server."""
        return int(self.parameters.get("port", "").partition(",")[0] or 5432)

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.host}:{self.port}"

    def through(self, address: str, port: int) -> ConnectionInfo:
        """Return the way through a forwarder: certificates are still those of the host."""
        return ConnectionInfo({**self.parameters, "hostaddr": address, "port": str(port)})


def connection_info(settings: ConnectionSettings, files: PrivateFiles) -> ConnectionInfo:
    """Work out the parameters of libpq; keys given as text are put into `files`.

    Raises:
        ConfigError: the settings do not say where to connect, or contradict libpq.
    """
    uri = settings.sqlalchemy_url or settings.uri
    given = _of_uri(uri) if uri else dict(_of_parts(settings))
    if not given.get("dbname"):
        raise _invalid("database: is required, unless `sqlalchemy_url` names one")
    parameters = {
        "host": "localhost",
        **dict(_tls(settings, files)),
        "connect_timeout": str(settings.connect_timeout_seconds),
        **_ALIVE,
        **given,
        "client_encoding": "UTF8",
    }
    parameters["options"] = " ".join(filter(None, [given.get("options"), *_session(settings)]))
    if password := parameters.get("password"):
        redact([password])
    return ConnectionInfo(parameters)


def secondary_of(info: ConnectionInfo, settings: ConnectionSettings) -> ConnectionInfo | None:
    """Return the way to the server that is read from, if it is another one.

    Raises:
        ConfigError: there is none.
    """
    if not is_set(settings.use_secondary):
        return None
    if not settings.secondary_host:
        raise _invalid("secondary_host: is required with `use_secondary`")
    port = str(settings.secondary_port or info.port)
    rest = {name: value for name, value in info.parameters.items() if name != "application_name"}
    # libpq takes an empty address for none: that of the primary must not stay.
    return ConnectionInfo({**rest, "host": settings.secondary_host, "hostaddr": "", "port": port})


def _of_parts(settings: ConnectionSettings) -> Iterator[tuple[str, str]]:
    if settings.host:
        yield "host", settings.host
    yield "port", str(settings.port)
    for name, value in (
        ("user", settings.user),
        ("password", settings.password),
        ("dbname", settings.database or settings.dbname),
    ):
        if value is not None:
            yield name, value


def _of_uri(uri: str) -> dict[str, str]:
    """Let libpq parse it: no message of its own is passed on, since it may quote a password."""
    import psycopg

    uri = _DRIVER.sub(r"\1", uri)
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    try:
        names = [name for name, _ in parse_qsl(urlsplit(uri).query)]
        if unknown := [name for name in names if name not in known and name != "ssl"]:
            raise _invalid(f"sqlalchemy_url: libpq has no option {unknown[0]!r}")
        return {name: str(value) for name, value in psycopg.conninfo.conninfo_to_dict(uri).items()}
    except (ValueError, psycopg.Error):
        raise _invalid(
            "sqlalchemy_url: is not a URL such as postgresql://user:password@host:port/db"
        ) from None


def _session(settings: ConnectionSettings) -> Iterator[str]:
    limits = (
        f"statement_timeout={settings.statement_timeout_seconds}s",
        f"lock_timeout={settings.lock_timeout_seconds}s",
        "idle_in_transaction_session_timeout=0",  # as a reader is while the target is slow
    )
    for value in (*SESSION, *limits):
        yield f"-c {value}"


def _tls(settings: ConnectionSettings, files: PrivateFiles) -> Iterator[tuple[str, str]]:
    if settings.ssl is not None:
        yield "sslmode", "require" if is_set(settings.ssl) else "prefer"
    if not is_set(settings.ssl_enable):
        return
    yield "sslmode", settings.ssl_mode
    named = [("sslrootcert", settings.ssl_certificate_authority)]
    if is_set(settings.ssl_client_certificate_enable):
        named += [("sslcert", settings.ssl_client_certificate), ("sslkey", settings.ssl_client_private_key)]
    for name, value in named:
        if value:
            yield name, files.path_of(value, name)


def _invalid(problem: str) -> ConfigError:
    return ConfigError(f"configuration has 1 problem: {problem}", [problem])
