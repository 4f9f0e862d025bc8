"""Google's Secret Manager, as its HTTP API is documented, with tokens of a service account."""

from __future__ import annotations

import pytest
from dativo.errors import SecretBackendDown, SecretError, SecretMissing
from dativo.jobs.references import Variables
from dativo.jobs.secret_backends import GcpSecrets
from dativo.secrets.gcp import GcpBackend, crc32c
from dativo.secrets.resolver import Secrets

from tests.services.gcp import secret_manager
from tests.services.seaweedfs import free_ports


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with secret_manager(tmp_path_factory.mktemp("gcp")) as manager:
        yield manager


@pytest.fixture
def manager(running):
    running.versions = {
        ("p", "acme__pg", "latest"): b'{"password": "acme-password"}',
        ("p", "global__pg", "latest"): b'{"password": "global-password"}',
        ("p", "global__text", "3"): b"third",
        ("p", "acme__binary", "latest"): b"\xff\x00",
    }
    running.statuses, running.checksum = {}, None
    running.asked.clear()
    return running


def secrets(manager, tenant="acme", **settings):
    settings = {"endpoint": manager.endpoint, "credentials_file": "key.json", "project": "p"} | settings
    return Secrets(tenant, [GcpBackend(GcpSecrets(backend="gcp", **settings), manager.directory, {})])


def value(found, written):
    return found.resolve(Variables({}).expand(written))


def test_secrets_by_tenant(manager):
    assert value(secrets(manager), "${secret:pg#password}") == "acme-password"
    assert value(secrets(manager, "beta"), "${secret:pg#password}") == "global-password"
    assert not any("acme" in path for path in manager.asked[1:])
    assert value(secrets(manager), "${secret:binary}") == "/wA="


def test_a_version_of_the_reference_or_of_the_project(manager):
    assert value(secrets(manager), "${secret:text@3}") == "third"
    assert value(secrets(manager, version="3"), "${secret:text}") == "third"


def test_a_secret_that_is_not_there(manager):
    with pytest.raises(SecretMissing) as caught:
        value(secrets(manager), "${secret:none}")
    assert (
        str(caught.value) == "no secret none for tenant acme (looked in gcp p/acme__none, gcp p/global__none)"
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ((403, "PERMISSION_DENIED"), SecretError),
        ((400, "FAILED_PRECONDITION"), SecretError),
        ((429, "RESOURCE_EXHAUSTED"), SecretBackendDown),
        ((503, "UNAVAILABLE"), SecretBackendDown),
    ],
)
def test_what_google_refuses(manager, status, kind):
    manager.statuses["acme__pg"] = status
    with pytest.raises(SecretError) as caught:
        value(secrets(manager), "${secret:pg}")
    assert type(caught.value) is kind
    assert "gcp p/acme__pg: Secret Manager" in str(caught.value)


def test_what_was_changed_on_the_way_is_not_taken(manager):
    content = manager.versions["p", "acme__pg", "latest"]
    manager.checksum = str(crc32c(content))
    assert value(secrets(manager), "${secret:pg#password}") == "acme-password"
    manager.checksum = str(crc32c(content) ^ 1)
    with pytest.raises(SecretBackendDown, match="its checksum differs"):
        value(secrets(manager), "${secret:pg}")


def test_the_checksum_is_the_one_of_the_standard():
    # RFC 3720, B.4
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E


def test_a_server_that_does_not_answer_is_worth_another_try(manager):
    silent = f"http://127.0.0.1:{free_ports('none')['none']}"
    with pytest.raises(SecretBackendDown, match="does not answer"):
        value(secrets(manager, endpoint=silent), "${secret:pg}")


def test_what_is_missing_is_said(manager):
    with pytest.raises(SecretError, match="say which project"):
        value(secrets(manager, project=None), "${secret:pg}")
    with pytest.raises(SecretError, match="no access to Google Cloud"):
        value(secrets(manager, credentials_file="none.json"), "${secret:pg}")
    with pytest.raises(SecretError, match="neither may hold '__'"):
        value(secrets(manager), "${secret:eu__pg}")
