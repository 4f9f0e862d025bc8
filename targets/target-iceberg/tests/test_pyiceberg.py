"""What pyiceberg keeps to itself and commits build upon: a new release has to keep it, or we have to move.

Each test names the one place of ours that needs what it holds.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from pyiceberg.avro.file import AvroOutputFile
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.rest import DEFAULT_ENDPOINTS, VIEW_ENDPOINTS, RestCatalog
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import ManifestContent, ManifestWriter, ManifestWriterV2
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.table.update import AssertRefSnapshotId, update_table_metadata
from pyiceberg.types import ListType, LongType, NestedField
from target_iceberg.catalogs import open_catalog
from target_iceberg.commit.manifests import ManifestWriter as OurWriter
from target_iceberg.commit.table_metadata import updated

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = Schema(NestedField(1, "id", LongType(), required=True))


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_manifest_writers_ask_for_content_meta_and_schema() -> None:
    """commit/manifests.py overrides these."""
    assert parameters(ManifestWriterV2.__init__)[1:] == [
        "spec",
        "schema",
        "output_file",
        "snapshot_id",
        "avro_compression",
    ]
    assert parameters(ManifestWriter._with_partition) == ["self", "format_version"]
    assert parameters(ManifestWriter.new_writer) == ["self"]
    assert isinstance(ManifestWriterV2._meta, property)
    assert "self.content()" in inspect.getsource(ManifestWriter.to_manifest_file)
    assert parameters(AvroOutputFile.write_block) == ["self", "objects"]
    assert parameters(AvroOutputFile.__init__)[1:] == [
        "output_file",
        "file_schema",
        "schema_name",
        "record_schema",
        "metadata",
    ]


def test_ours_writes_equality_ids_as_the_format_says_and_theirs_still_does_not(tmp_path: Path) -> None:
    """commit/manifests.py replaces the field; when theirs is right that can go."""
    output = PyArrowFileIO().new_output(str(tmp_path / "m.avro"))
    arguments = (UNPARTITIONED_PARTITION_SPEC, SCHEMA, output, 1, "gzip")
    kinds = {}
    for writer in (OurWriter(ManifestContent.DELETES, *arguments), ManifestWriterV2(*arguments)):
        file = writer._with_partition(2).find_field("data_file").field_type
        listed = next(field.field_type for field in file.fields if field.field_id == 135)
        assert isinstance(listed, ListType)
        kinds[type(writer)] = str(listed.element_type)
    assert kinds == {OurWriter: "int", ManifestWriterV2: "long"}


def test_a_transaction_tells_what_it_has_staged(tmp_path: Path) -> None:
    """commit/staging.py takes updates and requirements of refs out of one that is never committed."""
    catalog = open_catalog({}, str(tmp_path), None)
    catalog.create_namespace("shop")
    table = catalog.create_table("shop.orders", SCHEMA)
    transaction = table.transaction()
    with transaction.update_schema() as update:
        update.add_column("name", LongType())
    transaction.set_properties(owner="sales")
    actions = [each.action for each in transaction._updates]
    assert actions == ["add-schema", "set-current-schema", "set-properties"]
    assert not [each for each in transaction._requirements if isinstance(each, AssertRefSnapshotId)]
    assert table.refresh().schema() == SCHEMA


def test_a_sql_catalog_keeps_its_pointers_in_these_columns() -> None:
    """commit/sql_catalog.py moves the pointer itself."""
    columns = {column.name for column in IcebergTables.__table__.columns}
    assert columns >= {
        "catalog_name",
        "table_namespace",
        "table_name",
        "metadata_location",
        "previous_metadata_location",
    }
    assert SqlCatalog._parse_metadata_version("file:///t/metadata/00012-abc.metadata.json") == -1
    name = f"file:///t/metadata/00012-{uuid4()}.metadata.json"
    assert SqlCatalog._parse_metadata_version(name) == 12


def test_updates_are_applied_as_pyiceberg_applies_them(tmp_path: Path) -> None:
    """commit/table_metadata.py does what `update_table_metadata` does, but for the copy at its end."""
    catalog = open_catalog({}, str(tmp_path), None)
    catalog.create_namespace("shop")
    table = catalog.create_table("shop.orders", SCHEMA)
    before = table.metadata.model_dump_json()
    transaction = table.transaction()
    with transaction.update_schema() as update:
        update.add_column("name", LongType())
    with transaction.update_spec() as spec:
        spec.add_identity("id")
    transaction.set_properties(owner="sales")

    arguments = (table.metadata, transaction._updates)
    theirs = update_table_metadata(*arguments, metadata_location=table.metadata_location)
    ours = updated(*arguments, table.metadata_location)
    assert ours.model_copy(update={"last_updated_ms": theirs.last_updated_ms}) == theirs
    assert ours.last_updated_ms >= table.metadata.last_updated_ms
    assert [entry.metadata_file for entry in ours.metadata_log] == [table.metadata_location]
    assert table.metadata.model_dump_json() == before


def test_old_metadata_is_removed_by_whoever_commits() -> None:
    """commit/sql_catalog.py and commit/table_by_table.py call it, since they go round `Table._do_commit`."""
    assert parameters(Catalog._delete_old_metadata) == ["io", "base", "metadata"]


def test_a_rest_catalog_has_one_session_and_a_list_of_endpoints() -> None:
    """commit/rest_catalog.py posts through it; catalogs.py gives it a time limit."""
    source = inspect.getsource(RestCatalog)
    assert "self._session = self._create_session()" in source
    assert "self._supported_endpoints = set(endpoints)" in source
    assert "self._supported_endpoints = set(DEFAULT_ENDPOINTS)" in source
    assert not DEFAULT_ENDPOINTS & VIEW_ENDPOINTS
    assert parameters(RestCatalog.url)[:3] == ["self", "endpoint", "prefixed"]


@pytest.mark.parametrize("catalog", [SqlCatalog, RestCatalog])
def test_commits_are_not_repeated_behind_our_back(catalog: type[Catalog]) -> None:
    """commit/committer.py alone decides about another attempt; only an expired token may repeat a request."""
    assert parameters(catalog.commit_table) == ["self", "table", "requirements", "updates"]
    source = inspect.getsource(catalog.commit_table)
    assert "COMMIT_NUM_RETRIES" not in source
    assert "sleep" not in source
