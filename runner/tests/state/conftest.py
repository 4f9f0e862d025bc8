"""Every kind of store, for the tests of what all of them promise."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from dativo.home import Home
from dativo.state.owner import this_process
from dativo.state.places import open_store

from tests.services import glue, postgres, seaweedfs
from tests.services.blobs import Blobs, blob_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.state.store import Owner, StateStore

STORES = ("file", "sqlite", "postgresql", "seaweedfs", "moto", "gs", "az")


@pytest.fixture(params=STORES)
def url(request, tmp_path, pytestconfig, tmp_path_factory, monkeypatch) -> str:
    """The URL of an empty store, one of each kind; what else it needs is in the environment."""
    match request.param:
        case "file":
            return f"file:{tmp_path}/states"
        case "sqlite":
            return f"sqlite:///{tmp_path}/deep/states.db"
        case "postgresql":
            return _database(postgres.running(pytestconfig))
        case "gs" | "az":
            return _blobs(request.getfixturevalue(request.param), monkeypatch)
        case "seaweedfs":
            server = seaweedfs.running(pytestconfig, tmp_path_factory.mktemp("weed"))
            keys = (seaweedfs.ACCESS_KEY, seaweedfs.SECRET_KEY)
        case _:
            server = glue.running(pytestconfig, tmp_path_factory.mktemp("moto"))
            keys = ("loader", glue.SECRET_KEY)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION")
    for name, value in zip(names, (*keys, server.endpoint, "us-east-1"), strict=True):
        monkeypatch.setenv(name, value)
    return f"s3://{_bucket(server.endpoint, keys)}/some/where"


@pytest.fixture
def database(pytestconfig) -> str:
    """The URL of an empty database of PostgreSQL."""
    return _database(postgres.running(pytestconfig))


@pytest.fixture(scope="session")
def gs():
    with blob_server("gs") as server:
        yield server


@pytest.fixture(scope="session")
def az():
    with blob_server("az") as server:
        yield server


@pytest.fixture
def open_it(url, tmp_path) -> Callable[..., StateStore]:
    """Opens the same store, as often as called: each is what another process would have."""
    return lambda **options: open_store(url, Home(tmp_path / ".dativo"), **options)


@pytest.fixture
def store(open_it) -> StateStore:
    return open_it()


@pytest.fixture
def owner() -> Owner:
    return this_process("20260131T120000Z-1f2e3d")


def _blobs(server: Blobs, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.endpoint)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", server.endpoint)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "tests")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    return f"{server.kind}://states-{uuid.uuid4().hex}/some/where"


def _database(server: postgres.Postgres) -> str:
    import psycopg

    name = f"states_{uuid.uuid4().hex}"
    url = server.uri().replace("+psycopg2", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{url.rpartition('/')[0]}/{name}"


def _bucket(endpoint: str, keys: tuple[str, str]) -> str:
    import boto3

    name = f"states-{uuid.uuid4().hex}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
    )
    client.create_bucket(Bucket=name)
    return name
