"""How to reach the server: a superset of what MeltanoLabs' and PipelineWise's tap-postgres take."""
# ruff: noqa: RUF009 -- setting() declares a field, it is not a default

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dativo_protocol.config import setting

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
Flag = bool | str
"""True or false, which PipelineWise's configurations write as "true" and "false"."""


DIGITS = "^[0-9]{1,5}$"

FLAG_TEXT = "^([Tt]rue|TRUE|1|[Ff]alse|FALSE|0|)$"
"""What such a text may be."""


def is_set(flag: Flag) -> bool:
    """Return what a flag means."""
    return flag if isinstance(flag, bool) else flag.lower() in ("true", "1")


@dataclass(frozen=True)
class SshTunnelSettings:
    """A host to connect through."""

    enable: Flag = setting(description="Connect through this host.", default=False, pattern=FLAG_TEXT)
    host: str = setting(description="Name or address of the SSH server.", min_length=1)
    port: int | str = setting(description="Port of the SSH server.", default=22, pattern=DIGITS)
    username: str = setting(description="User on the SSH server.", min_length=1)
    private_key: str | None = setting(
        description="Private key, as text or the path of its file; without one the SSH agent is asked.",
        default=None,
        secret=True,
    )
    private_key_password: str | None = setting(
        description="Passphrase of the private key.", default=None, secret=True
    )
    host_key: str | None = setting(
        description="Public key of the SSH server, such as `ssh-ed25519 AAAA…`; any other is refused.",
        default=None,
    )
    known_hosts: str | None = setting(
        description=(
            "Path of a `known_hosts` file that the server's key is checked against. Without it and "
            "without `host_key` any key is accepted, with a warning that shows its fingerprint."
        ),
        default=None,
    )


@dataclass(frozen=True)
class ConnectionSettings:
    """Where the server is and who connects."""

    host: str | None = setting(
        description="Name or address of the server, or the directory of its socket.",
        default=None,
        examples=("localhost",),
    )
    port: int | str = setting(description="Port of the server.", default=5432, pattern=DIGITS)
    user: str | None = setting(description="User to connect as.", default=None)
    password: str | None = setting(description="Password of the user.", default=None, secret=True)
    database: str | None = setting(description="Database to read.", default=None)
    dbname: str | None = setting(
        description="Another name of `database`, as PipelineWise has it.", default=None
    )
    sqlalchemy_url: str | None = setting(
        description=(
            "The connection as a URL; wins over the settings above. A driver in its scheme is dropped, and "
            "options after `?` go to libpq."
        ),
        default=None,
        secret=True,
    )
    uri: str | None = setting(description="Another name of `sqlalchemy_url`.", default=None, secret=True)
    use_secondary: Flag = setting(
        description="Read tables from a standby; changes in the log are those of the primary in any case.",
        default=False,
        pattern=FLAG_TEXT,
    )
    secondary_host: str | None = setting(description="Name or address of the standby.", default=None)
    secondary_port: int | str | None = setting(
        description="Port of the standby; by default that of the primary.", default=None, pattern=DIGITS
    )
    connect_timeout_seconds: int = setting(
        description="Time to wait for a connection.", default=30, minimum=2
    )
    statement_timeout_seconds: int = setting(
        description="Longest that one statement may take, a table's whole reading included; 0 for no limit.",
        default=0,
        minimum=0,
    )
    lock_timeout_seconds: int = setting(
        description="Longest to wait for a lock, such as that of an ALTER TABLE; 0 for no limit.",
        default=30,
        minimum=0,
    )
    ssl: Flag | None = setting(
        description="PipelineWise's switch for TLS: true is `sslmode=require`.",
        default=None,
        pattern=FLAG_TEXT,
    )
    ssl_enable: Flag = setting(
        description="Connect by TLS, as the settings below say; otherwise libpq's defaults hold.",
        default=False,
        pattern=FLAG_TEXT,
    )
    ssl_mode: SslMode = setting(
        description="What of the server's certificate is verified.", default="verify-full"
    )
    ssl_certificate_authority: str | None = setting(
        description="Certificates to trust, as PEM text or the path of a file.", default=None
    )
    ssl_client_certificate_enable: Flag = setting(
        description="Show a client certificate.", default=False, pattern=FLAG_TEXT
    )
    ssl_client_certificate: str | None = setting(
        description="Client certificate, as PEM text or the path of a file.", default=None
    )
    ssl_client_private_key: str | None = setting(
        description="Its private key, as PEM text or the path of a file.", default=None, secret=True
    )
    ssl_storage_directory: str | None = setting(
        description="Accepted and not used: keys given as text go to a private directory that is removed.",
        default=None,
    )
    ssh_tunnel: SshTunnelSettings | None = setting(
        description="Connect through an SSH server. Needs `dativo-tap-postgres[ssh]`.", default=None
    )
