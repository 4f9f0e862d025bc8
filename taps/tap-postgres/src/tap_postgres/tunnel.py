"""A port of this machine that an SSH server forwards to the database.

Two threads carry each connection; libpq's own TLS, if any, goes through untouched.
"""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dativo_protocol.errors import ConfigError

from tap_postgres.errors import ConnectError
from tap_postgres.ssh_keys import private_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    import paramiko

    from tap_postgres.connection_settings import SshTunnelSettings

log = logging.getLogger("tap_postgres")

LOOPBACK = "127.0.0.1"
_WINDOW_BYTES = 16 << 20
_BUFFER_BYTES = 1 << 16
_KEEPALIVE_SECONDS = 60
"""Sessions are silent for long, which firewalls take for their end."""


@contextmanager
def ssh_tunnel(settings: SshTunnelSettings, host: str, port: int, *, timeout: float) -> Iterator[int]:
    """Forward a free port of this machine; yields its number.

    Args:
        settings: of the SSH server.
        host: of the database, as the SSH server knows it.
        port: of the database.
        timeout: seconds to wait for the SSH server.

    Raises:
        ConfigError: the private key cannot be read, or paramiko is not installed.
        ConnectError: the SSH server cannot be reached, or refuses us, or is not the one expected.
    """
    client = _connect(settings, timeout)
    listener = socket.create_server((LOOPBACK, 0))
    forwarder = threading.Thread(
        target=_accept, args=(listener, client, (host, port)), name="ssh-tunnel", daemon=True
    )
    try:
        forwarder.start()
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        client.close()


def _connect(settings: SshTunnelSettings, timeout: float) -> paramiko.SSHClient:
    try:
        import paramiko
    except ImportError:
        raise ConfigError(
            "ssh_tunnel needs the package paramiko", instruction="Install dativo-tap-postgres[ssh]."
        ) from None
    client = paramiko.SSHClient()
    key = private_key(settings)
    _expect_host_key(client, settings)
    place = f"SSH server {settings.host}:{settings.port}"
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what fails is said once, by us
    try:
        client.connect(
            settings.host,
            int(settings.port),
            username=settings.username,
            pkey=key,
            allow_agent=key is None,
            look_for_keys=False,
            timeout=timeout,
            banner_timeout=timeout,
            auth_timeout=timeout,
        )
    except paramiko.BadHostKeyException as error:
        client.close()
        raise ConnectError(
            f"{place} shows another key than expected: {_fingerprint(error.key)}",
            instruction="Make sure that nobody stands between, then correct `host_key` or `known_hosts`.",
        ) from None
    except (paramiko.SSHException, OSError) as error:
        client.close()
        raise ConnectError(
            f"cannot connect to {place}: {error}",
            instruction="Check the settings in `ssh_tunnel`.",
            retryable=isinstance(error, OSError),
        ) from None
    if transport := client.get_transport():
        transport.set_keepalive(_KEEPALIVE_SECONDS)
    return client


def _expect_host_key(client: paramiko.SSHClient, settings: SshTunnelSettings) -> None:
    import paramiko

    port = int(settings.port)
    name = settings.host if port == paramiko.config.SSH_PORT else f"[{settings.host}]:{port}"
    if settings.host_key:
        key = _public_key(f"{name} {settings.host_key}")
        client.get_host_keys().add(name, key.get_name(), key)
    elif settings.known_hosts:
        try:
            client.load_host_keys(str(Path(settings.known_hosts).expanduser()))
        except OSError as error:
            problem = f"ssh_tunnel.known_hosts: cannot be read: {error.strerror}"
            raise ConfigError(f"configuration has 1 problem: {problem}", [problem]) from None
    else:
        client.set_missing_host_key_policy(_accept_any())
        return
    client.set_missing_host_key_policy(paramiko.RejectPolicy())


def _public_key(line: str) -> paramiko.PKey:
    import paramiko

    try:
        entry = paramiko.hostkeys.HostKeyEntry.from_line(line)
    except (paramiko.hostkeys.InvalidHostKey, paramiko.SSHException):
        entry = None
    if entry is None or entry.key is None:
        problem = "ssh_tunnel.host_key: is no public key"
        raise ConfigError(f"configuration has 1 problem: {problem}", [problem])
    return entry.key


def _accept_any() -> paramiko.MissingHostKeyPolicy:
    import paramiko

    class AcceptAny(paramiko.MissingHostKeyPolicy):
        def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 -- paramiko's signature
            log.warning(
                "the key of the SSH server %s is not checked (%s); set ssh_tunnel.host_key",
                hostname,
                _fingerprint(key),
            )

    return AcceptAny()


def _fingerprint(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.fingerprint}"


def _accept(listener: socket.socket, client: paramiko.SSHClient, to: tuple[str, int]) -> None:
    """Carry every connection made to the listener, until it is closed."""
    while True:
        try:
            near, peer = listener.accept()
        except OSError:
            return
        far = _open_channel(client, to, peer)
        if far is None:
            near.close()
            continue
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=_pump, args=(source, sink), name="ssh-pump", daemon=True).start()


def _open_channel(
    client: paramiko.SSHClient, to: tuple[str, int], peer: tuple[str, int]
) -> paramiko.Channel | None:
    import paramiko

    transport = client.get_transport()
    try:
        if transport is None:
            return None
        return transport.open_channel("direct-tcpip", to, peer, window_size=_WINDOW_BYTES)
    except (paramiko.SSHException, EOFError, OSError) as error:
        log.warning("the SSH server does not connect us to %s:%d: %s", *to, error)
        return None


def _pump(source: socket.socket | paramiko.Channel, sink: socket.socket | paramiko.Channel) -> None:
    try:
        while data := source.recv(_BUFFER_BYTES):
            sink.sendall(data)
    except (OSError, EOFError):
        pass
    finally:
        # Both directions end together: libpq never closes one half. Closing alone would not wake the thread
        # that waits at the other end, and would keep the connection open for as long as it waits.
        for end in (source, sink):
            # paramiko raises EOFError where the SSH connection has just ended
            with suppress(OSError, EOFError):
                end.shutdown(socket.SHUT_RDWR)
            with suppress(OSError, EOFError):
                end.close()
