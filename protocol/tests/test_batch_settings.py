"""`batch_config` in the words of the SDK (B3)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from dativo_protocol.batch_settings import BatchSettings, batch_setting, batches_of
from dativo_protocol.config import load_settings, settings_schema
from dativo_protocol.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    batch_config: BatchSettings | None = batch_setting()  # noqa: RUF009 -- declares a field


def loaded(encoding, storage=None, **more) -> BatchSettings:
    raw = {"encoding": encoding, "storage": storage or {"root": "/data"}, **more}
    found = batches_of(load_settings(Settings, {"batch_config": raw}))
    assert found is not None
    return found


def test_without_it_records_are_messages():
    assert batches_of(load_settings(Settings, {})) is None
    assert batches_of(load_settings(Settings, {"batch_config": None})) is None
    assert batches_of(object()) is None


def test_it_has_the_shape_of_the_sdk():
    properties = settings_schema(Settings)["properties"]["batch_config"]["properties"]
    assert set(properties) == {"encoding", "storage", "batch_size"}
    assert set(properties["encoding"]["properties"]) == {"format", "compression"}
    assert set(properties["storage"]["properties"]) == {"root", "prefix"}


@pytest.mark.parametrize(("format_", "rows"), [("jsonl", 10_000), ("arrow", 100_000), ("parquet", 250_000)])
def test_the_size_of_a_batch_depends_on_the_format(format_, rows):
    assert loaded({"format": format_}).rows == rows
    assert loaded({"format": format_}, batch_size=7).rows == 7


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ({"format": "jsonl"}, "none"),
        ({"format": "jsonl", "compression": "gzip"}, "gzip"),
        ({"format": "parquet"}, "zstd"),
        ({"format": "parquet", "compression": "snappy"}, "snappy"),
        ({"format": "arrow", "compression": None}, "none"),
        ({"format": "arrow", "compression": "none"}, "none"),
    ],
)
def test_the_codec(encoding, codec):
    assert loaded(encoding).encoding.codec == codec


@pytest.mark.parametrize(
    ("root", "directory"),
    [
        ("/data/b", "/data/b"),
        ("file:///data/b%20c", "/data/b c"),
        ("file://localhost/data", "/data"),
        ("~/b", str(Path.home() / "b")),
        ("here", str(Path.cwd() / "here")),
    ],
)
def test_the_directory(root, directory):
    assert loaded({"format": "arrow"}, {"root": root}).storage.directory == Path(directory)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({}, "batch_config.encoding: is required"),
        ({"encoding": {"format": "arrow"}}, "batch_config.storage: is required"),
        ({"encoding": {"format": "arrow"}, "storage": {}}, "batch_config.storage.root: is required"),
        ({"encoding": {}, "storage": {"root": "/b"}}, "batch_config.encoding.format: is required"),
        ({"encoding": {"format": "avro"}, "storage": {"root": "/b"}}, "expected one of 'jsonl', 'parquet'"),
        (
            {"encoding": {"format": "arrow", "compression": "gzip"}, "storage": {"root": "/b"}},
            "batch_config.encoding: compression: arrow files can have 'none'",
        ),
        (
            {"encoding": {"format": "jsonl", "compression": "zstd"}, "storage": {"root": "/b"}},
            "compression: jsonl files can have 'none' or 'gzip'",
        ),
        (
            {"encoding": {"format": "arrow"}, "storage": {"root": "s3://bucket/b"}},
            "batch_config.storage: root: s3:// is not supported, give a local path or file://",
        ),
        (
            {"encoding": {"format": "arrow"}, "storage": {"root": "file://data/b"}},
            "a file URI has three slashes",
        ),
        (
            {"encoding": {"format": "arrow"}, "storage": {"root": "/b", "prefix": "../x"}},
            "batch_config.storage.prefix: must match the pattern",
        ),
        (
            {"encoding": {"format": "arrow"}, "storage": {"root": "/b"}, "batch_size": 0},
            "batch_config.batch_size: must be at least 1",
        ),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_read(raw, problem):
    with pytest.raises(ConfigError) as caught:
        load_settings(Settings, {"batch_config": raw})
    assert problem in str(caught.value)
