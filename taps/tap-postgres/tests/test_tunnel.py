"""The SSH tunnel, through a real SSH server."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from dativo_protocol.errors import ConfigError
from dativo_protocol.testing import start

from tests.services.ssh import SshServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Database, NewDatabase

PASSPHRASE = "open-sesame-of-the-tests"


@pytest.fixture(scope="module")
def ssh() -> Iterator[SshServer]:
    with SshServer() as server:
        yield server


@pytest.fixture(scope="module")
def database(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with new_database(tmp_path_factory.mktemp("tunnel")) as made:
        yield made


def through(ssh: SshServer, **more: Any) -> dict[str, Any]:
    given = {"enable": True, "host": "127.0.0.1", "port": ssh.port, "username": "jump"}
    checked = {"private_key": ssh.private_key(), "host_key": ssh.public_host_key()}
    return {"ssh_tunnel": given | checked | more}


def test_through_the_tunnel(ssh: SshServer, database: Database) -> None:
    before = len(ssh.asked)
    outcome = database.run("--discover", **through(ssh, enable="true", port=str(ssh.port)))
    assert outcome.code == 0, outcome.stderr
    assert ssh.asked[before:] == [("127.0.0.1", database.server.port)]
    assert "not checked" not in outcome.stderr


def test_not_enabled(database: Database) -> None:
    database.reach(ssh_tunnel={"enable": False, "host": "nowhere.invalid", "username": "jump"})


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_kinds_of_keys(kind: str, database: Database) -> None:
    with SshServer(user_key=asyncssh.generate_private_key(kind)) as ssh:
        database.reach(**through(ssh))


def test_a_key_in_a_file_with_a_passphrase(ssh: SshServer, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.write_text(ssh.private_key(PASSPHRASE))
    database.reach(**through(ssh, private_key=str(path), private_key_password=PASSPHRASE))
    for wrong, reason in (
        ({}, "needs `private_key_password`"),
        ({"private_key_password": "no"}, "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=reason):
            database.reach(**through(ssh, private_key=str(path), **wrong))


def test_no_private_key(ssh: SshServer, database: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        database.reach(**through(ssh, private_key=str(tmp_path / "absent")))
    with pytest.raises(ConfigError, match="cannot be read"):
        database.reach(**through(ssh, private_key="-----BEGIN NONSENSE-----\n"))


def test_the_wrong_key(ssh: SshServer, database: Database) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    reason = database.failure("--discover", **through(ssh, private_key=other))
    assert f"cannot connect to SSH server 127.0.0.1:{ssh.port}: Authentication failed" in reason
    assert "Check the settings in `ssh_tunnel`" in reason


def test_a_known_host(ssh: SshServer, database: Database, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{ssh.port} {ssh.public_host_key()}\n")
    database.reach(**through(ssh, host_key=None, known_hosts=str(known)))
    known.write_text("")
    assert "not found in known_hosts" in database.unreachable(
        **through(ssh, host_key=None, known_hosts=str(known))
    )


def test_another_host(ssh: SshServer, database: Database) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    assert "shows another key than expected" in database.unreachable(**through(ssh, host_key=other))


@pytest.mark.parametrize("key", ["nonsense", "ssh-ed25519 AAA", "ssh-ed25519 AAAAC3Nza", "ssh-none AAAA"])
def test_a_host_key_that_is_none(key: str, ssh: SshServer, database: Database) -> None:
    with pytest.raises(ConfigError, match="host_key: is no public key"):
        database.reach(**through(ssh, host_key=key))


def test_any_host_with_a_warning(
    ssh: SshServer, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        database.reach(**through(ssh, host_key=None))
    assert "is not checked (ssh-ed25519 SHA256:" in caplog.text


def test_nobody_listens(database: Database) -> None:
    with SshServer() as gone:
        settings = through(gone)
    assert "cannot connect to SSH server" in database.unreachable(**settings)


def test_a_server_that_does_not_forward(database: Database) -> None:
    with SshServer(forwards=False) as ssh:
        reason = database.unreachable(**through(ssh))
    assert "closed the connection unexpectedly" in reason


def test_a_server_that_goes_away_in_the_middle(database: Database) -> None:
    database.execute("CREATE VIEW endless AS SELECT generate_series(1, 1000000000) AS id")
    with SshServer() as ssh, start(database.command(**through(ssh)), cwd=database.directory) as running:
        running.read_until(b'"RECORD"')
        ssh.drop()
        outcome = running.finish(60)
    assert outcome.code == 1
    (line,) = [line for line in outcome.stderr.splitlines() if "| CRITICAL |" in line]
    assert "reading stream 'public-endless': " in line


def test_nothing_is_left_behind(ssh: SshServer, database: Database) -> None:
    before = set(threading.enumerate())
    database.reach(**through(ssh))
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=30)
        assert not thread.is_alive(), thread


def test_keys_are_in_no_log(ssh: SshServer, database: Database) -> None:
    key = ssh.private_key(PASSPHRASE)
    settings = through(ssh, private_key=key, private_key_password=PASSPHRASE)
    outcome = database.run("--discover", env={"TAP_POSTGRES_LOGLEVEL": "DEBUG"}, **settings)
    assert outcome.code == 0, outcome.stderr
    for secret in (PASSPHRASE, *key.splitlines()[1:-1]):
        assert secret not in outcome.stderr
