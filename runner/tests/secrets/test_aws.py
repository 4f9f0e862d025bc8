"""AWS Secrets Manager, against moto's server."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config
from dativo.errors import SecretBackendDown, SecretError, SecretMissing
from dativo.jobs.references import Variables
from dativo.jobs.secret_backends import AwsSecrets
from dativo.secrets import aws
from dativo.secrets.aws import AwsBackend
from dativo.secrets.resolver import Secrets

from tests.services import glue
from tests.services.seaweedfs import free_ports


@pytest.fixture(scope="module")
def endpoint(pytestconfig, tmp_path_factory):
    endpoint = glue.running(pytestconfig, tmp_path_factory.mktemp("moto")).endpoint
    client = boto3.client(
        "secretsmanager",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    client.create_secret(Name="acme/pg", SecretString='{"password": "acme-password"}')
    client.create_secret(Name="global/pg", SecretString='{"password": "global-password"}')
    client.create_secret(Name="global/binary", SecretBinary=b"\xff\x00")
    client.create_secret(Name="global/aged", SecretString="old")
    client.put_secret_value(SecretId="global/aged", SecretString="new")
    client.create_secret(Name="acme/gone", SecretString="x")
    client.delete_secret(SecretId="acme/gone", RecoveryWindowInDays=7)
    return endpoint


@pytest.fixture(autouse=True)
def _keys(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", glue.SECRET_KEY)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def secrets(endpoint, tenant="acme", **settings):
    settings = {"endpoint": endpoint, "region": "us-east-1"} | settings
    return Secrets(tenant, [AwsBackend(AwsSecrets(backend="aws", **settings))])


def value(found, written):
    return found.resolve(Variables({}).expand(written))


def test_secrets_by_tenant(endpoint):
    assert value(secrets(endpoint), "${secret:pg#password}") == "acme-password"
    assert value(secrets(endpoint, "beta"), "${secret:pg#password}") == "global-password"
    assert value(secrets(endpoint), "${secret:binary}") == "/wA="


def test_a_stage_of_a_secret(endpoint):
    assert value(secrets(endpoint), "${secret:aged} ${secret:aged@AWSPREVIOUS}") == "new old"


def test_a_secret_that_is_not_there(endpoint):
    with pytest.raises(
        SecretMissing, match=r"no secret none for tenant acme \(looked in aws acme/none, aws global/none"
    ):
        value(secrets(endpoint), "${secret:none}")


def test_a_secret_that_waits_for_its_deletion_is_refused(endpoint):
    with pytest.raises(
        SecretError, match="aws acme/gone: AWS Secrets Manager refuses: InvalidRequestException"
    ):
        value(secrets(endpoint), "${secret:gone}")


def test_a_server_that_does_not_answer_is_worth_another_try(monkeypatch):
    monkeypatch.setattr(aws, "SECONDS", 2)
    silent = f"http://127.0.0.1:{free_ports('none')['none']}"
    with pytest.raises(SecretBackendDown, match="does not answer"):
        value(secrets(silent), "${secret:pg}")


def test_what_is_missing_is_said(endpoint, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(SecretError, match="region"):
        value(secrets(endpoint, region=None), "${secret:pg}")
    with pytest.raises(SecretError, match="profile"):
        value(secrets(endpoint, profile="nobody"), "${secret:pg}")
