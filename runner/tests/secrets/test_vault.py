"""Vault, against a real OpenBao."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from dativo.errors import SecretBackendDown, SecretError, SecretMissing
from dativo.jobs.references import Variables
from dativo.jobs.secret_backends import VaultSecrets
from dativo.secrets.resolver import Secrets
from dativo.secrets.vault import VaultBackend

from tests.services import openbao
from tests.services.seaweedfs import free_ports


class Bao:
    """The server, as its operator uses it."""

    def __init__(self, server: openbao.OpenBao) -> None:
        self.address = server.address

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(f"{self.address}/v1/{path}", method=method)
        request.add_header("X-Vault-Token", openbao.TOKEN)
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(request, data=data, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None


@pytest.fixture(scope="module")
def bao(pytestconfig, tmp_path_factory):
    bao = Bao(openbao.running(pytestconfig, tmp_path_factory.mktemp("bao")))
    for path in ("acme/pg", "global/pg", "beta/pg", "global/shared"):
        tenant = path.partition("/")[0]
        bao.call("POST", f"secret/data/{path}", {"data": {"password": f"{tenant}-password", "port": 5432}})
    bao.call("POST", "sys/mounts/kv1", {"type": "kv", "options": {"version": "1"}})
    bao.call("POST", "kv1/acme/pg", {"password": "kv1-password"})
    return bao


def secrets(bao, tenant="acme", environ=None, **settings):
    source = VaultSecrets(backend="vault", address=bao.address, **settings)
    return Secrets(tenant, [VaultBackend(source, environ or {"VAULT_TOKEN": openbao.TOKEN})])


def value(found, written):
    return found.resolve(Variables({}).expand(written))


def test_version_two_of_the_engine(bao):
    found = secrets(bao)
    assert value(found, "${secret:pg}") == {"password": "acme-password", "port": 5432}
    assert value(found, "${secret:shared#password}") == "global-password"
    assert [str(each) for each in found.used] == ["pg ← vault (tenant)", "shared ← vault (global)"]


def test_version_one_of_the_engine(bao):
    assert value(secrets(bao, mount="kv1", kv=1), "${secret:pg#password}") == "kv1-password"
    with pytest.raises(SecretMissing, match="vault kv1/acme/none, vault kv1/global/none"):
        value(secrets(bao, mount="kv1", kv=1), "${secret:none}")


def test_versions_of_a_secret(bao):
    for number in (1, 2):
        bao.call("POST", "secret/data/acme/aged", {"data": {"v": number}})
    found = secrets(bao)
    assert value(found, "${secret:aged#v@1} ${secret:aged#v}") == "1 2"
    with pytest.raises(SecretMissing, match="no version 9 of the secret aged"):
        value(found, "${secret:aged@9}")
    with pytest.raises(SecretError, match="vault secret/acme/aged: invalid literal"):
        value(found, "${secret:aged@new}")


def test_a_deleted_secret_is_missing(bao):
    bao.call("POST", "secret/data/acme/gone", {"data": {"v": 1}})
    bao.call("DELETE", "secret/data/acme/gone")
    with pytest.raises(SecretMissing, match="no secret gone for tenant acme"):
        value(secrets(bao), "${secret:gone}")


def test_a_role_sees_its_own_and_being_denied_is_not_being_without(bao):
    bao.call("POST", "sys/auth/approle", {"type": "approle"})
    bao.call(
        "PUT", "sys/policies/acl/acme", {"policy": 'path "secret/data/acme/*" {capabilities = ["read"]}'}
    )
    bao.call("POST", "auth/approle/role/acme", {"token_policies": ["acme"]})
    role = bao.call("GET", "auth/approle/role/acme/role-id")["data"]["role_id"]
    secret = bao.call("POST", "auth/approle/role/acme/secret-id", {})["data"]["secret_id"]
    environ = {"VAULT_ROLE_ID": role, "VAULT_SECRET_ID": secret}
    assert value(secrets(bao, "acme", environ, auth="approle"), "${secret:pg#password}") == "acme-password"
    # Falling through to the global secret would hide that the tenant's own may not be read.
    with pytest.raises(SecretError, match="vault secret/beta/pg: permission denied") as caught:
        value(secrets(bao, "beta", environ, auth="approle"), "${secret:pg#password}")
    assert not isinstance(caught.value, SecretMissing)
    assert secret not in str(caught.value)
    with pytest.raises(SecretError, match="VAULT_SECRET_ID is not set, and `auth: approle` needs it"):
        value(secrets(bao, "acme", {"VAULT_ROLE_ID": role}, auth="approle"), "${secret:pg}")


def test_a_wrong_token_is_said_and_not_shown(bao):
    with pytest.raises(SecretError, match="permission denied") as caught:
        value(secrets(bao, environ={"VAULT_TOKEN": "wrong-token-planted"}), "${secret:pg}")
    assert "wrong-token-planted" not in str(caught.value)


def test_an_engine_that_is_not_there_is_no_missing_secret(bao):
    with pytest.raises(SecretError, match="there is no engine mounted at 'nowhere'"):
        value(secrets(bao, mount="nowhere"), "${secret:pg}")


def test_a_server_that_does_not_answer_is_worth_another_try(bao):
    source = VaultSecrets(backend="vault", address=f"http://127.0.0.1:{free_ports('none')['none']}")
    with pytest.raises(SecretBackendDown, match="does not answer") as caught:
        value(Secrets("acme", [VaultBackend(source, {"VAULT_TOKEN": "t"})]), "${secret:pg}")
    assert caught.value.retryable


def test_where_it_is_and_who_asks_may_come_from_the_environment(bao, tmp_path):
    source = VaultSecrets(backend="vault")
    environ = {"VAULT_ADDR": bao.address, "VAULT_TOKEN": openbao.TOKEN}
    assert value(Secrets("acme", [VaultBackend(source, environ)]), "${secret:pg#port}") == 5432
    (tmp_path / ".vault-token").write_text(openbao.TOKEN + "\n")
    environ = {"VAULT_ADDR": bao.address, "HOME": str(tmp_path)}
    assert value(Secrets("acme", [VaultBackend(source, environ)]), "${secret:pg#port}") == 5432
    with pytest.raises(SecretError, match="say where it is"):
        value(Secrets("acme", [VaultBackend(source, {})]), "${secret:pg}")
