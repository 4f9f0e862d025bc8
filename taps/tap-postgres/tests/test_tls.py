"""TLS as libpq speaks it, with a server that shows a certificate and one that demands one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.tls import Authority, TlsProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Database, NewDatabase

HOST = "127.0.0.1"


@dataclass
class Keys:
    ours: Authority
    other: Authority
    server: tuple[Path, Path]
    elsewhere: tuple[Path, Path]
    client: tuple[Path, Path]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    directory = tmp_path_factory.mktemp("keys")
    ours, other = Authority.make(directory, "ours"), Authority.make(directory, "other")
    return Keys(ours, other, ours.issue(HOST), ours.issue("db.example.com"), ours.issue("reader"))


@pytest.fixture(scope="module")
def database(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with new_database(tmp_path_factory.mktemp("tls")) as made:
        yield made


@pytest.fixture
def proxy(database: Database, keys: Keys) -> Iterator[TlsProxy]:
    with TlsProxy(database.server.port, keys.server) as proxy:
        yield proxy


def tls(proxy: TlsProxy, **more: Any) -> dict[str, Any]:
    return {"host": HOST, "port": proxy.port, "ssl_enable": True, **more}


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_the_server_is_who_it_should_be(mode: str, proxy: TlsProxy, database: Database, keys: Keys) -> None:
    settings = tls(proxy, ssl_mode=mode, ssl_certificate_authority=str(keys.ours.path))
    database.reach(**settings)


def test_nothing_but_tls_passes(proxy: TlsProxy, database: Database) -> None:
    reason = database.unreachable(host=HOST, port=proxy.port, ssl_enable=True, ssl_mode="disable")
    assert reason.startswith(f"cannot connect to {HOST}:{proxy.port}")


@pytest.mark.parametrize("form", ["path", "text", "text with backslashes"])
def test_the_authority_as_path_or_text(form: str, proxy: TlsProxy, database: Database, keys: Keys) -> None:
    text = keys.ours.path.read_text()
    given = {"path": str(keys.ours.path), "text": text}.get(form, text.strip().replace("\n", "\\n"))
    database.reach(**tls(proxy, ssl_certificate_authority=given))


def test_another_authority(proxy: TlsProxy, database: Database, keys: Keys) -> None:
    reason = database.unreachable(**tls(proxy, ssl_certificate_authority=str(keys.other.path)))
    assert "certificate verify failed" in reason


def test_the_certificate_of_another_host(database: Database, keys: Keys) -> None:
    with TlsProxy(database.server.port, keys.elsewhere) as proxy:
        settings = tls(proxy, ssl_certificate_authority=str(keys.ours.path))
        assert "does not match host name" in database.unreachable(**settings)
        database.reach(**settings, ssl_mode="verify-ca")


def test_the_switch_of_pipelinewise(proxy: TlsProxy, database: Database) -> None:
    database.reach(host=HOST, port=proxy.port, ssl="true")
    plain = database.unreachable(ssl="true")
    assert "server does not support SSL" in plain


@pytest.mark.parametrize("as_text", [False, True])
def test_a_client_certificate(as_text: bool, database: Database, keys: Keys, tmp_path: Path) -> None:
    certificate, key = (path.read_text() if as_text else str(path) for path in keys.client)
    settings: dict[str, Any] = {
        "ssl_certificate_authority": str(keys.ours.path),
        "ssl_client_certificate": certificate,
        "ssl_client_private_key": key,
    }
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with TlsProxy(database.server.port, keys.server, clients=keys.ours) as proxy:
        settings = tls(proxy, **settings)
        assert "certificate required" in database.unreachable(**settings)
        shown = database.run(
            "--discover", env={"TMPDIR": str(temporary)}, **settings, ssl_client_certificate_enable=True
        )
    assert shown.code == 0, shown.stderr
    assert list(temporary.iterdir()) == []
