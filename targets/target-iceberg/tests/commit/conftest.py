"""What the tests of commits share: a lake on each kind of catalog."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from dativo_protocol.config import load_settings
from target_iceberg.catalogs import open_catalog
from target_parquet.s3_settings import S3Settings

from tests.e2e.crash.iceberg.test_fault_points import EVERYTHING
from tests.services import glue, postgres, seaweedfs
from tests.services.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_numbers = itertools.count(1)
CATALOGS = ("sqlite", "postgres", "rest", *(["glue"] if EVERYTHING else []))


@pytest.fixture
def sqlite_lake(tmp_path: Path) -> Lake:
    """On the default catalog."""
    return Lake(open_catalog({}, str(tmp_path / "lake"), None), f"file://{tmp_path}/lake")


@pytest.fixture
def postgres_server(request: pytest.FixtureRequest) -> postgres.Postgres:
    return postgres.running(request.config)


@pytest.fixture
def seaweedfs_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> seaweedfs.SeaweedFS:
    return seaweedfs.running(request.config, tmp_path_factory.mktemp("seaweedfs"))


@pytest.fixture
def postgres_lake(tmp_path: Path, postgres_server: postgres.Postgres) -> Callable[..., Lake]:
    """Opens a lake whose tables are in PostgreSQL, through another port if there is one."""
    name = f"test{next(_numbers)}"

    def opened(port: int | None = None) -> Lake:
        properties = {"type": "sql", "uri": postgres_server.uri(port), "name": name}
        return Lake(open_catalog(properties, str(tmp_path / "lake"), None), f"file://{tmp_path}/lake")

    return opened


@pytest.fixture
def rest_lake(seaweedfs_server: seaweedfs.SeaweedFS) -> Callable[..., Lake]:
    """Opens a lake on SeaweedFS, through another address of its catalog if there is one."""
    s3 = load_settings(S3Settings, seaweedfs_server.settings())
    namespace = f"test{next(_numbers)}"

    def opened(uri: str | None = None) -> Lake:
        return Lake(open_catalog(seaweedfs_server.catalog(uri), "s3://tables", s3), "", namespace)

    return opened


@pytest.fixture
def glue_lake(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Lake]:
    """Opens a lake whose tables are in Glue, through another address of it if there is one."""
    server = glue.running(request.config, tmp_path_factory.mktemp("glue"))
    namespace = f"test{next(_numbers)}"

    def opened(endpoint: str | None = None) -> Lake:
        catalog = open_catalog(server.catalog(endpoint), str(tmp_path / "lake"), None)
        return Lake(catalog, f"file://{tmp_path}/lake", namespace)

    return opened


@pytest.fixture(params=CATALOGS)
def lake(request: pytest.FixtureRequest) -> Lake:
    """On each kind of catalog in turn."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_lake")
    return request.getfixturevalue(f"{request.param}_lake")()
