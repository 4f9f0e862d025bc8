"""Plans told from the catalog's file are those that the catalog makes, or none is told."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.config import load_settings
from dativo_protocol.messages import SchemaMessage
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType
from target_iceberg.backstage import Backstage
from target_iceberg.catalogs import CATALOG_FILE, open_catalog
from target_iceberg.errors import StoreError
from target_iceberg.foresight import Foresight
from target_iceberg.settings import Settings
from target_iceberg.table_plan import TablePlanner
from target_parquet.stores import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from pyiceberg.catalog import Catalog

ID = {"type": "integer"}
TEXT = {"type": ["string", "null"]}
NESTED = {
    "type": ["object", "null"],
    "properties": {
        "zip": TEXT,
        "geo": {"type": ["object", "null"], "properties": {"lat": {"type": "number"}, "lon": ID}},
        "tags": {"type": ["array", "null"], "items": {"type": ["object", "null"], "properties": {"k": TEXT}}},
        "any": {},
    },
}
SCALARS = {
    "id": ID,
    "flag": {"type": "boolean"},
    "ratio": {"type": ["number", "null"]},
    "price": {"type": ["number", "null"], "multipleOf": 0.01},
    "at": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": ["string", "null"], "format": "date"},
    "hour": {"type": ["string", "null"], "format": "time"},
    "uuid": {"type": ["string", "null"], "format": "uuid"},
    "bytes": {"type": ["string", "null"], "contentEncoding": "base64"},
    "naive": {"type": ["string", "null"], "format": "date-time", "x-sql-datatype": "timestamp"},
    "whatever": {},
}
DEEP = {
    "id": ID,
    "address": NESTED,
    "lists": {"type": ["array", "null"], "items": {"type": ["array", "null"], "items": NESTED}},
    "map": {"type": ["object", "null"], "additionalProperties": NESTED},
    "last": TEXT,
}
STREAMS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "scalars": (SCALARS, ("id",)),
    "without a key": (SCALARS, ()),
    "a key that cannot identify": (SCALARS, ("id", "ratio")),
    "keys at the end": ({"name": TEXT, "address": NESTED, "id": ID}, ("id", "name")),
    "deep": (DEEP, ("id",)),
}


def message(
    properties: dict[str, Any], keys: tuple[str, ...] = ("id",), stream: str = "users"
) -> SchemaMessage:
    return SchemaMessage(stream, {"type": "object", "properties": properties}, keys, None)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def settings_of(lake: Path, **more: Any) -> Settings:
    return load_settings(Settings, {"warehouse": str(lake), **more})


def catalog_of(lake: Path) -> Catalog:
    return open_catalog({}, str(lake), None)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("more", [{}, {"add_record_metadata": True}, {"namespace": "shop.eu"}])
def test_what_is_foreseen_of_a_new_table_and_of_one_that_fits_is_what_is_planned(
    lake: Path, name: str, more: dict[str, Any]
) -> None:
    settings, told = settings_of(lake, **more), message(*STREAMS[name])
    for _ in ("new", "there"):
        foreseen = Foresight(settings).foresee(told)
        assert foreseen is not None
        foreseen.check(TablePlanner(settings, catalog_of(lake)).plan(told))


@pytest.mark.parametrize(
    "changed",
    [
        {"id": ID, "name": TEXT, "more": TEXT},
        {"id": ID},
        {"name": TEXT, "id": ID},
        {"id": ID, "name": ID},
        {"id": ID, "name": {}},
        {"id": ID, "name": {"type": ["object", "null"], "properties": {"a": TEXT}}},
    ],
)
def test_nothing_is_foreseen_of_a_table_that_does_not_fit(lake: Path, changed: dict[str, Any]) -> None:
    """Neither with more columns nor fewer, nor others, nor such as Iceberg itself cannot tell apart."""
    settings = settings_of(lake)
    TablePlanner(settings, catalog_of(lake)).plan(message({"id": ID, "name": TEXT}))
    assert Foresight(settings).foresee(message(changed)) is None


def test_nothing_is_foreseen_of_a_table_with_partitions(lake: Path) -> None:
    told = message({"id": ID, "name": TEXT})
    TablePlanner(settings_of(lake, partition_by=["name"]), catalog_of(lake)).plan(told)
    assert Foresight(settings_of(lake)).foresee(told) is None


def test_nothing_is_foreseen_where_a_namespace_says_where_its_tables_are(lake: Path) -> None:
    catalog_of(lake).create_namespace("default", {"location": f"file://{lake}/elsewhere"})
    assert Foresight(settings_of(lake)).foresee(message({"id": ID})) is None


def test_nothing_is_foreseen_from_files_that_cannot_be_read(lake: Path) -> None:
    settings, told = settings_of(lake), message({"id": ID})
    TablePlanner(settings, catalog_of(lake)).plan(told)
    (metadata,) = lake.glob("default/users/metadata/*.json")
    metadata.write_text("{")
    assert Foresight(settings).foresee(told) is None
    (lake / CATALOG_FILE).write_bytes(b"no database" * 1000)
    assert Foresight(settings).foresee(told) is None


def test_only_the_first_schema_of_a_stream_is_foreseen(lake: Path) -> None:
    foresight = Foresight(settings_of(lake))
    assert foresight.foresee(message({"id": ID})) is not None
    assert foresight.foresee(message({"id": ID, "name": TEXT})) is None


@pytest.mark.parametrize(
    ("more", "is_of_use"),
    [
        ({}, True),
        ({"load_method": "overwrite"}, True),
        ({"load_method": "upsert"}, False),
        ({"partition_by": ["id"]}, False),
        ({"catalog": {"type": "rest", "uri": "http://127.0.0.1:1"}}, False),
    ],
)
def test_keys_partitions_and_other_catalogs_take_the_library(
    lake: Path, more: dict[str, Any], is_of_use: bool
) -> None:
    assert Foresight.is_of_use(settings_of(lake, **more)) is is_of_use


def test_a_table_that_somebody_else_makes_meanwhile_is_not_committed_to(lake: Path) -> None:
    settings, told = settings_of(lake), message({"id": ID, "name": TEXT})
    foreseen = Foresight(settings).foresee(told)
    catalog = catalog_of(lake)
    catalog.create_namespace("default")
    fields = NestedField(1, "name", StringType()), NestedField(2, "id", LongType())
    catalog.create_table(("default", "users"), Schema(*fields))
    with pytest.raises(StoreError, match="made or changed by somebody else"):
        Backstage(settings, open_store(settings)).plan(told, foreseen).result()


def test_the_catalog_is_not_opened_before_it_is_needed(lake: Path) -> None:
    backstage = Backstage(settings_of(lake), open_store(settings_of(lake)))
    assert not (lake / CATALOG_FILE).exists()
    assert backstage.opened() is backstage.opened()
    with sqlite3.connect(lake / CATALOG_FILE) as connection:
        assert connection.execute("SELECT count(*) FROM iceberg_tables").fetchone() == (0,)
