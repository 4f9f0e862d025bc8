import pytest
from dativo_protocol.config import load_settings, settings_schema
from dativo_protocol.errors import ConfigError
from target_parquet.settings import Settings, check_file_naming
from target_parquet.shared_settings import MAX_GROUP_BYTES, MIB, MemoryPlan


def test_destination_is_all_that_is_required():
    assert settings_schema(Settings)["required"] == ["destination_path"]
    settings = load_settings(Settings, {"destination_path": "out"})
    assert (settings.compression, settings.level, settings.file_bytes) == ("zstd", 1, 128 * MIB)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ({"load_method": "upsert"}, "upsert needs a table format that can update rows"),
        ({"compression": "snappy", "compression_level": 3}, "snappy has no levels"),
        ({"compression": "none", "compression_level": 1}, "none has no levels"),
        ({"compression_level": 23}, "zstd has levels 1 to 22"),
        ({"compression": "gzip", "compression_level": 0}, "gzip has levels 1 to 9"),
        ({"compression": "lzo"}, "compression: expected one of 'zstd', 'snappy'"),
        ({"destination_path": "gs://bucket/lake"}, "destination_path: gs:// is not supported"),
        ({"destination_path": "file://server/lake"}, "three slashes"),
        ({"destination_path": "s3://lake", "max_memory_mb": 160}, "max_memory_mb: must be at least 168"),
        ({"s3": {"access_key_id": "AKIA"}}, "s3: access_key_id and secret_access_key go together"),
        ({"s3": {"session_token": "t"}}, "session_token needs access_key_id"),
        ({"s3": {"endpoint_url": "localhost:9000"}}, "endpoint_url: must begin with http"),
        ({"s3": {"endpoint_url": "https://key:secret@host"}}, "keys have settings of their own"),
        ({"s3": {"max_attempts": 0}}, "s3.max_attempts: must be at least 1"),
        ({"destination_path": ""}, "destination_path: must have at least 1 characters"),
        ({"file_naming": "part.parquet"}, "must hold {run} and {part}"),
        ({"target_file_size_mb": 0}, "target_file_size_mb: must be at least 1"),
        ({"max_memory_mb": 64}, "max_memory_mb: must be at least 128"),
        ({"partition_by": "country"}, "partition_by: fits none of the forms allowed"),
        ({"on_type_conflict": "cast"}, "on_type_conflict: expected one of"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(raw, complaint):
    with pytest.raises(ConfigError) as caught:
        load_settings(Settings, {"destination_path": "out", **raw})
    assert complaint in str(caught.value)


def test_paths_hold_the_bucket_where_the_store_is_not_aws():
    for raw, path_style in [({}, False), ({"endpoint_url": "http://host:9000"}, True)]:
        assert load_settings(Settings, {"destination_path": "o", "s3": raw}).s3.uses_path_style == path_style
        other = {**raw, "path_style": not path_style}
        assert (
            load_settings(Settings, {"destination_path": "o", "s3": other}).s3.uses_path_style != path_style
        )


def test_level_zero_of_brotli_is_a_level():
    settings = load_settings(
        Settings, {"destination_path": "o", "compression": "brotli", "compression_level": 0}
    )
    assert settings.level == 0


def test_other_codecs_choose_their_own_level():
    assert load_settings(Settings, {"destination_path": "o", "compression": "gzip"}).level is None


def test_partition_columns_for_every_stream_or_for_each():
    every = load_settings(Settings, {"destination_path": "o", "partition_by": ["a", "b"]})
    assert every.partition_columns("x") == every.partition_columns("y") == ("a", "b")
    each = load_settings(Settings, {"destination_path": "o", "partition_by": {"x": ["a"]}})
    assert each.partition_columns("x") == ("a",)
    assert each.partition_columns("y") == ()


@pytest.mark.parametrize(
    "name", ["{run}-{part}.parquet", "{stream}.{run}.{epoch}.{part}.parquet", "a_{part}{run}.parquet"]
)
def test_safe_file_names(name):
    check_file_naming(name)


@pytest.mark.parametrize(
    "name",
    [
        "../{run}-{part}.parquet",
        "a/{run}-{part}.parquet",
        "_{run}-{part}.parquet",
        ".{run}-{part}.parquet",
        "{run}-{part}.pq",
        "{run}-{part}-{user}.parquet",
        "{run}-{part!r}.parquet",
        "{run}-{part} .parquet",
        "{run}-{part}.parquet\n",
        "{run}-{part}*.parquet",
        "{run}.parquet",
        "{part}.parquet",
        "",
    ],
)
def test_unsafe_file_names(name):
    with pytest.raises(ValueError, match="file_naming"):
        check_file_naming(name)


def test_s3_leaves_less_memory_for_rows():
    local, s3 = (load_settings(Settings, {"destination_path": place}) for place in ("o", "s3://lake"))
    assert s3.memory == MemoryPlan.under(256 - 40, s3.encoders)
    assert s3.memory.buffer_bytes < local.memory.buffer_bytes


@pytest.mark.parametrize("limit", [128, 256, 512, 4096])
@pytest.mark.parametrize("encoders", [1, 2, 4])
def test_memory_is_shared_out_within_its_limit(limit, encoders):
    memory = MemoryPlan.under(limit, encoders)
    alive = 2 * memory.batch_bytes + memory.queue_bytes + (1 + encoders) * memory.buffer_bytes
    assert MIB <= memory.batch_bytes < alive <= (limit - 100) * MIB
    assert memory.buffer_bytes <= MAX_GROUP_BYTES
