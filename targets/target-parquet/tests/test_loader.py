"""The file side alone: batches made here, no Singer lines."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dativo_protocol.errors import InvalidRecordError
from dativo_protocol.events import InvalidEvent
from target_parquet.errors import LayoutError, StoreError
from target_parquet.reading import read_options

INTEGER = {"type": "integer"}
STRING = {"type": ["string", "null"]}


def put(loader, message, *rows):
    plan = loader.plan(message)
    loader.open_stream(plan)
    write(loader, plan, *rows)
    return plan


def commit(loader, state, *, final):
    """As the loop does, STATE having left at once."""
    loader.commit(state, final=final)
    loader.emitted()


def write(loader, plan, *rows):
    """As the loop does, which counts what it reads."""
    loader.tally.read += len(rows)
    loader.write(plan.message.stream, pa.RecordBatch.from_pylist(list(rows), plan.schema))


def test_nothing_is_visible_before_commit_and_everything_after(loader, schema_message, files, read):
    """R1"""
    run = loader()
    put(run, schema_message(id=INTEGER), {"id": 1}, {"id": 2})
    assert files() == []
    commit(run, b"{}", final=False)
    assert read("users") == [{"id": 1}, {"id": 2}]
    run.abort()


def test_each_epoch_adds_files_named_by_its_number(loader, schema_message, files):
    run = loader(file_naming="{epoch}_{part}_{run}.parquet")
    plan = put(run, schema_message(id=INTEGER), {"id": 1})
    commit(run, b"{}", final=False)
    write(run, plan, {"id": 2})
    commit(run, None, final=True)
    assert [path.name[:11] for path in files("users")] == ["00001_00001", "00002_00002"]


def test_an_epoch_without_rows_adds_nothing(loader, schema_message, files):
    run = loader()
    put(run, schema_message(id=INTEGER))
    commit(run, b"{}", final=False)
    commit(run, None, final=True)
    assert files() == []


def test_abort_leaves_what_was_committed_and_nothing_else(loader, schema_message, destination, read):
    run = loader()
    plan = put(run, schema_message(id=INTEGER), {"id": 1})
    commit(run, b"{}", final=False)
    write(run, plan, {"id": 2})
    run.abort()
    assert read("users") == [{"id": 1}]
    assert list((destination / ".dativo/runs").iterdir()) == []


def test_all_streams_are_published_by_one_commit(loader, schema_message, files):
    run = loader()
    for stream in ("a", "b", "c"):
        put(run, schema_message(stream, id=INTEGER), {"id": 1})
    commit(run, None, final=True)
    assert [path.parent.name for path in files()] == ["a", "b", "c"]


def test_rows_keep_their_order_across_a_schema_change(loader, schema_message, read):
    """G2"""
    run = loader()
    put(run, schema_message(id=INTEGER), {"id": 1})
    put(run, schema_message(id=INTEGER, name=STRING), {"id": 2, "name": "b"})
    put(run, schema_message(id=INTEGER), {"id": 3})
    commit(run, None, final=True)
    assert read("users") == [{"id": 1, "name": None}, {"id": 2, "name": "b"}, {"id": 3, "name": None}]


def test_schemas_that_alternate_go_on_in_one_file_once_all_columns_are_known(
    loader, schema_message, files, read
):
    """Some taps send another SCHEMA for every parent."""
    run = loader()
    schemas = [schema_message(a=INTEGER, b=STRING), schema_message(a=INTEGER, c=STRING)]
    for turn in range(10):
        put(run, schemas[turn % 2], {"a": turn})
    commit(run, None, final=True)
    assert len(files("users")) == 2
    assert [row["a"] for row in read("users")] == list(range(10))


def test_overwriting_cannot_be_committed_in_the_middle(loader, schema_message, files):
    """R5: a STATE that left now would speak of rows nobody can see."""
    run = loader(load_method="overwrite")
    put(run, schema_message(id=INTEGER), {"id": 1})
    with pytest.raises(StoreError, match="at the end of a run"):
        commit(run, b"{}", final=False)
    run.abort()
    assert files() == []


def test_an_overwriting_run_is_never_asked_to_commit_in_the_middle(settings):
    from dativo_protocol.reader import NEVER

    options = read_options(settings(load_method="overwrite", epoch_max_records=5))
    assert (options.epoch_bytes, options.epoch_records, options.epoch_seconds) == (0, NEVER, 0)


def test_epochs_and_batches_follow_the_settings(settings):
    options = read_options(
        settings(batch_size_rows=7, epoch_max_bytes=1, epoch_max_records=2, epoch_max_seconds=0.5)
    )
    assert options.batch_rows == 7
    assert (options.epoch_bytes, options.epoch_records, options.epoch_seconds) == (1, 2, 0.5)


def test_overwrite_replaces_the_streams_of_the_run_alone(loader, schema_message, read):
    first = loader()
    put(first, schema_message("users", id=INTEGER), {"id": 1}, {"id": 2})
    put(first, schema_message("orders", id=INTEGER), {"id": 9})
    commit(first, None, final=True)
    second = loader(load_method="overwrite")
    put(second, schema_message("users", name=STRING), {"name": "x"})
    assert read("users") == [{"id": 1}, {"id": 2}]
    commit(second, None, final=True)
    assert read("users") == [{"name": "x"}]
    assert read("orders") == [{"id": 9}]


def test_a_stream_overwritten_with_no_rows_is_empty_and_keeps_its_columns(loader, schema_message, files):
    first = loader()
    put(first, schema_message(id=INTEGER), {"id": 1})
    commit(first, None, final=True)
    second = loader(load_method="overwrite")
    put(second, schema_message(id=INTEGER, name=STRING))
    commit(second, None, final=True)
    (file,) = files("users")
    assert pq.read_table(file).to_pylist() == []
    assert pq.read_schema(file).names == ["id", "name"]


def test_partitioned_overwrite_leaves_no_partition_of_before(loader, schema_message, files, read):
    for countries in (["de", "fr"], ["fr", "it"]):
        run = loader(load_method="overwrite", partition_by=["country"])
        message = schema_message(id=INTEGER, country=STRING)
        put(run, message, *({"id": 1, "country": country} for country in countries))
        commit(run, None, final=True)
    assert [path.parent.name for path in files("users")] == ["country=fr", "country=it"]
    assert sorted(row["country"] for row in read("users", partitioning="hive")) == ["fr", "it"]


def test_a_partitioned_stream_overwritten_with_no_rows_has_no_files(loader, schema_message, files, read):
    message = schema_message(id=INTEGER, country=STRING)
    for rows in ([{"id": 1, "country": "de"}], []):
        run = loader(load_method="overwrite", partition_by=["country"])
        put(run, message, *rows)
        commit(run, None, final=True)
    assert files() == []
    run = loader(partition_by=["country"])
    put(run, message, {"id": 2, "country": "fr"})
    commit(run, None, final=True)
    assert read("users", partitioning="hive") == [{"id": 2, "country": "fr"}]


def test_metadata_columns_say_when(loader, schema_message, read):
    """G12"""
    before = datetime.now(UTC)
    run = loader(add_record_metadata=True)
    plan = put(run, schema_message(id=INTEGER))
    extracted = datetime(2024, 1, 1, tzinfo=UTC)
    write(
        run,
        plan,
        {"id": 1, "_sdc_extracted_at": extracted, "_sdc_table_version": 7, "_sdc_deleted_at": extracted},
    )
    write(run, plan, {"id": 2})
    commit(run, b"{}", final=False)
    write(run, plan, {"id": 3})
    commit(run, None, final=True)
    after = datetime.now(UTC)
    one, two, three = sorted(read("users"), key=lambda row: row["id"])
    assert (one["_sdc_extracted_at"], one["_sdc_deleted_at"], one["_sdc_table_version"]) == (
        extracted,
        extracted,
        7,
    )
    assert (two["_sdc_extracted_at"], two["_sdc_deleted_at"], two["_sdc_table_version"]) == (None, None, None)
    assert before <= one["_sdc_batched_at"] == two["_sdc_batched_at"] < three["_sdc_batched_at"] <= after
    assert one["_sdc_batched_at"] <= one["_sdc_received_at"] <= two["_sdc_received_at"] <= after
    received = one["_sdc_received_at"]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert timedelta(milliseconds=one["_sdc_sequence"]) == received - epoch - timedelta(
        microseconds=received.microsecond % 1000
    )
    started = epoch + timedelta(milliseconds=one["_sdc_sync_started_at"])
    assert before - timedelta(milliseconds=1) <= started <= one["_sdc_received_at"]


def test_versions_are_noted_once_and_change_nothing(loader, schema_message, read, caplog):
    """M5"""
    caplog.set_level("INFO")
    run = loader()
    put(run, schema_message(id=INTEGER), {"id": 1})
    run.activate_version("users", 5)
    run.activate_version("users", 5)
    commit(run, None, final=True)
    assert read("users") == [{"id": 1}]
    assert caplog.text.count("version 5 is active") == 1


def test_versions_can_be_passed_over_in_silence(loader, schema_message, caplog):
    caplog.set_level("INFO")
    run = loader(process_activate_version_messages=False)
    put(run, schema_message(id=INTEGER))
    run.activate_version("users", 5)
    run.abort()
    assert "version" not in caplog.text


def test_an_invalid_record_ends_the_run(loader):
    run = loader()
    with pytest.raises(InvalidRecordError, match="line 3, stream 'users', /id: expected integer, got string"):
        run.invalid(InvalidEvent(3, "users", "/id", "expected integer, got string", b""))
    run.abort()


def test_the_end_says_what_was_published(loader, schema_message, caplog):
    caplog.set_level("INFO")
    run = loader(partition_by={"users": ["country"]})
    put(
        run,
        schema_message(country=STRING, id=INTEGER),
        {"country": "de"},
        {"country": "fr"},
        {"country": "de"},
    )
    commit(run, None, final=True)
    assert "published stream users: 2 files, 3 rows, 0.0 MB in " in caplog.text
    points = [record.args[0] for record in caplog.records if record.name == "singer_sdk.metrics"]
    [files] = [point for point in points if point.metric == "file_count"]
    assert (files.type, files.value, files.tags) == ("counter", 2, {"stream": "users"})


def test_partitions_read_back_with_pyarrow_and_duckdb(loader, schema_message, read, query):
    run = loader(partition_by=["country", "year"])
    rows = [
        {"id": 1, "country": "de", "year": 2024},
        {"id": 2, "country": "a/b c=%", "year": 2025},
        {"id": 3, "country": None, "year": 2024},
        {"id": 4, "country": "de", "year": 2024},
    ]
    put(run, schema_message(id=INTEGER, country=STRING, year=INTEGER), *rows)
    commit(run, None, final=True)
    assert sorted(read("users", partitioning="hive"), key=lambda row: row["id"]) == rows
    assert query("users", order="id") == rows


def test_many_partitions_are_written_within_the_limits_of_files_and_memory(
    loader, schema_message, files, query
):
    run = loader(partition_by=["id"], max_memory_mb=128)
    plan = put(run, schema_message(id=INTEGER, text=STRING))
    for turn in range(3):
        write(run, plan, *({"id": number, "text": f"{turn}" * 10_000} for number in range(400)))
    commit(run, None, final=True)
    assert len(files("users")) >= 400
    assert len({path.parent for path in files("users")}) == 400
    assert sorted(row["id"] for row in query("users")) == sorted(list(range(400)) * 3)


def test_a_key_column_of_a_renamed_case_is_its_own_column(loader, schema_message, read):
    """G10"""
    run = loader()
    put(
        run,
        schema_message("Names", Id=INTEGER, id=INTEGER, **{"a.b": STRING, "": STRING}),
        {"Id": 1, "id": 2, "a.b": "x", "": "y"},
    )
    commit(run, None, final=True)
    assert read("Names") == [{"Id": 1, "id": 2, "a.b": "x", "": "y"}]


def test_a_stream_without_a_name_is_refused(loader, schema_message):
    run = loader()
    with pytest.raises(LayoutError, match="without a name"):
        run.plan(schema_message("", id=INTEGER))
    run.abort()


def test_a_file_that_is_in_the_way_is_not_overwritten(loader, schema_message, destination, read):
    run = loader(file_naming="{part}-{run}.parquet")
    put(run, schema_message(id=INTEGER), {"id": 1})
    taken = destination / "users" / f"00001-{run._workshop.names.run}.parquet"
    taken.parent.mkdir()
    pq.write_table(pa.table({"id": [7]}), taken)
    with pytest.raises(StoreError, match="File exists"):
        commit(run, None, final=True)
    run.abort()
    assert read("users") == [{"id": 7}]


def test_a_run_that_lost_a_record_publishes_nothing(loader, schema_message, files):
    """The counts of what was read and of what the files have come from two places."""
    run = loader()
    put(run, schema_message(id=INTEGER), {"id": 1})
    run.tally.read += 1
    with pytest.raises(StoreError, match="2 records read: 1 written, 0 quarantined, 0 skipped"):
        run.commit(None, final=True)
    run.abort()
    assert files() == []
