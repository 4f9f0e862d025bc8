import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dativo_protocol.errors import SchemaError
from target_parquet.errors import LayoutError, StoreError, TypeConflictError
from target_parquet.metadata import SDC_COLUMNS
from target_parquet.plan import Planner

INTEGER = {"type": "integer"}
STRING = {"type": ["string", "null"]}


@pytest.fixture
def planner(settings, store):
    return lambda **raw: Planner(settings(**raw), store)


@pytest.fixture
def published(destination):
    """Puts a Parquet file where a run before would have published it."""

    def write(path, schema, age=0):
        file = destination / path
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(schema.empty_table(), file)
        import os

        os.utime(file, (1_700_000_000 - age, 1_700_000_000 - age))

    return write


def test_columns_follow_the_schema(planner, schema_message):
    plan = planner().plan(schema_message("users", ("id",), id=INTEGER, name=STRING))
    assert plan.schema.names == plan.evolved.file.names == ["id", "name"]
    assert plan.schema.field("id").metadata == {b"dativo.key": b"true"}
    assert plan.validated_by == "native"


def test_validation_can_be_turned_off(planner, schema_message):
    assert planner(validate_records=False).plan(schema_message(id=INTEGER)).validated_by == "none"


def test_metadata_columns_are_added_typed(planner, schema_message):
    """G12"""
    plan = planner(add_record_metadata=True).plan(schema_message(id=INTEGER))
    types = {field.name: field.type for field in plan.evolved.file}
    instant = pa.timestamp("us", tz="UTC")
    assert types == {
        "id": pa.int64(),
        "_sdc_deleted_at": instant,
        "_sdc_extracted_at": instant,
        "_sdc_table_version": pa.int64(),
        "_sdc_received_at": instant,
        "_sdc_batched_at": instant,
        "_sdc_sequence": pa.int64(),
        "_sdc_sync_started_at": pa.int64(),
    }
    sources = {field.name: (field.metadata or {}).get(b"dativo.source") for field in plan.schema}
    assert sources == {
        "id": None,
        "_sdc_deleted_at": None,
        "_sdc_extracted_at": b"time_extracted",
        "_sdc_table_version": b"version",
    }


@pytest.mark.parametrize("added", [True, False])
def test_metadata_columns_of_the_source_are_replaced_or_left_out(planner, schema_message, added):
    """G12"""
    message = schema_message(id=INTEGER, **dict.fromkeys(SDC_COLUMNS, STRING))
    plan = planner(add_record_metadata=added).plan(message)
    names = plan.evolved.file.names
    assert set(names) == ({"id"} | SDC_COLUMNS if added else {"id"})
    assert len(names) == len(set(names))


def test_a_schema_without_columns_is_refused(planner, schema_message):
    with pytest.raises(SchemaError, match="no properties"):
        planner().plan(schema_message())


def test_a_later_schema_of_the_run_keeps_the_columns_of_the_first(planner, schema_message):
    """G2"""
    shared = planner()
    shared.plan(schema_message(id=INTEGER, old=STRING))
    plan = shared.plan(schema_message(id=INTEGER, new=INTEGER))
    assert plan.evolved.file.names == ["id", "old", "new"]
    assert plan.evolved.sources == (0, None, 1)
    assert plan.schema.names == ["id", "new"]


def test_columns_of_published_files_are_kept(planner, schema_message, published):
    published("users/1.parquet", pa.schema([("id", pa.int64()), ("old", pa.string())]))
    assert planner().plan(schema_message(id=INTEGER)).evolved.file.names == ["id", "old"]


def test_columns_that_older_files_have_alone_are_kept(planner, schema_message, published):
    """Two runs at once do not know of each other's columns."""
    published("users/1.parquet", pa.schema([("id", pa.int64()), ("theirs", pa.string())]), age=100)
    published("users/2.parquet", pa.schema([("id", pa.int64()), ("ours", pa.string())]))
    assert set(planner().plan(schema_message(id=INTEGER)).evolved.file.names) == {"id", "ours", "theirs"}


def test_a_type_in_conflict_with_published_files_follows_the_policy(planner, schema_message, published):
    published("users/1.parquet", pa.schema([("id", pa.string())]))
    message = schema_message(id=INTEGER)
    assert planner().plan(message).evolved.file.names == ["id", "id__integer"]
    with pytest.raises(TypeConflictError, match="the column is integer but the files have string"):
        planner(on_type_conflict="fail").plan(message)
    text = planner(on_type_conflict="string_column").plan(message)
    assert text.evolved.file.names == ["id", "id__string"]
    assert text.schema.field("id").metadata[b"dativo.json"] == b"text"


def test_an_overwritten_stream_does_not_care_about_its_files(planner, schema_message, published):
    published("users/1.parquet", pa.schema([("id", pa.string()), ("old", pa.string())]))
    plan = planner(load_method="overwrite").plan(schema_message(id=INTEGER))
    assert plan.evolved.file.equals(pa.schema([("id", pa.int64())]))


def test_streams_with_names_alike_do_not_see_each_other(planner, schema_message, published):
    published("a%2Fb/1.parquet", pa.schema([("old", pa.int64())]))
    published("a/b/1.parquet", pa.schema([("theirs", pa.int64())]))
    assert planner().plan(schema_message("a/b", id=INTEGER)).evolved.file.names == ["old", "id"]


def test_what_is_no_parquet_file_is_named(planner, schema_message, destination):
    (destination / "users").mkdir(parents=True)
    (destination / "users/1.parquet").write_bytes(b"no parquet")
    with pytest.raises(StoreError, match=r"cannot read the columns of users/1\.parquet"):
        planner().plan(schema_message(id=INTEGER))


def test_partition_columns_leave_the_file(planner, schema_message):
    plan = planner(partition_by=["country"]).plan(schema_message(id=INTEGER, country=STRING))
    assert plan.evolved.file.names == ["id"]
    assert plan.schema.names == ["id", "country"]


def test_a_partition_column_must_exist(planner, schema_message):
    with pytest.raises(LayoutError, match="stream 'users' has no column 'country'"):
        planner(partition_by=["country"]).plan(schema_message(id=INTEGER))
    planner(partition_by={"orders": ["country"]}).plan(schema_message(id=INTEGER))


@pytest.mark.parametrize(("path", "found"), [("users/1.parquet", ""), ("users/year=1/1.parquet", "year")])
def test_partitions_cannot_change_between_runs(planner, schema_message, published, path, found):
    published(path, pa.schema([("id", pa.int64())]))
    message = schema_message(id=INTEGER, country=STRING)
    with pytest.raises(LayoutError, match=rf"is partitioned by \({found}\), not by \(country\)"):
        planner(partition_by=["country"]).plan(message)
    planner(partition_by=["country"], load_method="overwrite").plan(message)


def test_partitions_with_odd_names_are_recognised(planner, schema_message, published):
    published("users/a%20b=1/1.parquet", pa.schema([("id", pa.int64())]))
    planner(partition_by=["a b"]).plan(schema_message(id=INTEGER, **{"a b": INTEGER}))
