"""Catalogs are opened from settings, wait for each other, and tell no secret."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from dativo_protocol.config import load_settings
from target_iceberg.catalogs import CATALOG_FILE, open_catalog, warehouse_uri
from target_iceberg.errors import StoreError
from target_iceberg.secrets import Redactor
from target_parquet.s3_settings import S3Settings

if TYPE_CHECKING:
    from pathlib import Path

OPEN = "import sys; from target_iceberg.catalogs import open_catalog; open_catalog({}, sys.argv[1], None)"


def test_without_settings_it_is_sqlite_in_the_warehouse(tmp_path: Path) -> None:
    catalog = open_catalog({}, str(tmp_path / "a/lake"), None)
    assert catalog.properties["warehouse"] == f"file://{tmp_path}/a/lake"
    assert catalog.list_namespaces() == []
    with sqlite3.connect(tmp_path / "a/lake" / CATALOG_FILE) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with catalog.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000


def test_several_processes_may_make_it_at_once(tmp_path: Path) -> None:
    """Whoever comes second finds its tables there."""
    command = [sys.executable, "-c", OPEN, str(tmp_path / "lake")]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    ended = [(process.communicate()[1].decode(), process.returncode) for process in processes]
    assert [(error, code) for error, code in ended if code] == []


def test_a_remote_warehouse_needs_a_catalog() -> None:
    with pytest.raises(StoreError, match="no catalog is configured") as failure:
        open_catalog({}, "s3://bucket/lake", None)
    assert "`catalog`" in failure.value.instruction


def test_the_settings_of_s3_reach_the_catalog_and_its_own_go_first(tmp_path: Path) -> None:
    s3 = load_settings(
        S3Settings,
        {
            "endpoint_url": "http://127.0.0.1:9000",
            "access_key_id": "the-id",
            "secret_access_key": "the-key",
            "timeout_seconds": 30,
        },
    )
    properties = {
        "type": "sql",
        "uri": f"sqlite:///{tmp_path}/c.db",
        "s3.region": "eu-north-1",
        "name": "prod",
    }
    catalog = open_catalog(properties, "s3://bucket/lake/", s3)
    assert catalog.name == "prod"
    found = {key: value for key, value in catalog.properties.items() if key.startswith("s3.")}
    assert found == {
        "s3.endpoint": "http://127.0.0.1:9000",
        "s3.region": "eu-north-1",
        "s3.access-key-id": "the-id",
        "s3.secret-access-key": "the-key",
        "s3.connect-timeout": "10.0",
        "s3.request-timeout": "30.0",
    }
    assert catalog.properties["warehouse"] == "s3://bucket/lake"


@pytest.mark.parametrize(
    ("properties", "secret"),
    [
        ({"type": "sql", "uri": "postgresql+psycopg2://me:p%40ssw0rd@127.0.0.1:1/db"}, "p%40ssw0rd"),
        ({"type": "rest", "uri": "http://127.0.0.1:1", "token": "hush-hush"}, "hush-hush"),
        ({"type": "hush-hush", "token": "hush-hush"}, "hush-hush"),
    ],
)
def test_what_cannot_be_opened_is_named_without_secrets(properties: dict[str, str], secret: str) -> None:
    with pytest.raises(StoreError, match="cannot open the catalog: ") as failure:
        open_catalog(properties, "s3://bucket/lake", None)
    assert secret not in f"{failure.value} {failure.value.instruction}"
    assert "\n" not in str(failure.value)
    assert failure.value.__cause__ is None


def test_secrets_are_found_by_the_names_of_their_properties() -> None:
    hide = Redactor(
        {
            "credential": "client:s3cret",
            "s3.secret-access-key": "key/with+signs",
            "uri": "postgresql://me:p%40ss@db/lake",
            "auth": {"type": "basic", "basic": {"username": "me", "password": "n3sted"}},
            "warehouse": "s3://lake",
        }
    )
    told = hide("client:s3cret s3cret key/with+signs p%40ss p@ss n3sted me s3://lake")
    assert told == "*** *** *** *** *** *** me s3://lake"


@pytest.mark.parametrize(
    ("warehouse", "uri"),
    [
        ("/data/lake", "file:///data/lake"),
        ("file:///data/lake", "file:///data/lake"),
        ("s3://bucket/lake/", "s3://bucket/lake"),
    ],
)
def test_tables_name_the_warehouse_by_its_uri(warehouse: str, uri: str) -> None:
    assert warehouse_uri(warehouse) == uri
