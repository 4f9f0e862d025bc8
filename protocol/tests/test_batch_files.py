"""Files of one stream: whole or not there, readable by others, of bounded size (B2)."""

from __future__ import annotations

import gzip
import json
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import dativo_native
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dativo_protocol import batch_files
from dativo_protocol.batch_files import BatchFiles
from dativo_protocol.batch_settings import BatchSettings
from dativo_protocol.config import load_settings
from dativo_protocol.errors import SchemaError, StoreError

COLUMNS = pa.schema([pa.field("id", pa.int64(), nullable=False), ("name", pa.utf8())])
FORMATS = [("jsonl", None), ("jsonl", "gzip"), ("parquet", None), ("parquet", "gzip"), ("arrow", None)]


@pytest.fixture(autouse=True)
def nothing_leaks():
    before = dativo_native.live_handles()
    yield
    assert dativo_native.live_handles() == before


@pytest.fixture
def files(tmp_path):
    """Opens a writer of files below the test's directory."""

    def make(format_="arrow", compression=None, *, stream="s", schema=COLUMNS, root="spool", **more):
        raw = {"encoding": {"format": format_, "compression": compression}, **more}
        raw["storage"] = {"root": str(tmp_path / root)} | raw.get("storage", {})
        return BatchFiles(load_settings(BatchSettings, raw), stream, schema)

    return make


def rows(start, end):
    numbers = list(range(start, end))
    return pa.record_batch([numbers, [f"näme {number}" for number in numbers]], schema=COLUMNS)


def write_much(writer):
    for start in range(0, 100_000, 1_000):
        writer.write(rows(start, start + 1_000))


def content(path):
    match path.suffixes:
        case [*_, ".jsonl", ".gz"]:
            return [json.loads(line) for line in gzip.open(path)]
        case [*_, ".jsonl"]:
            return [json.loads(line) for line in path.read_bytes().splitlines()]
        case [*_, ".parquet"]:
            return pq.read_table(path).to_pylist()
        case _:
            with pa.ipc.open_file(path) as reader:
                return reader.read_all().to_pylist()


@pytest.mark.parametrize(("format_", "compression"), FORMATS)
def test_rows_are_cut_at_the_size_of_a_batch(files, tmp_path, format_, compression):
    writer = files(format_, compression, batch_size=10)
    written = [*writer.write(rows(0, 25)), *writer.write(rows(25, 31)), *writer.finish()]
    assert [file.rows for file in written] == [10, 10, 10, 1]
    found = [record for file in written for record in content(file.path)]
    assert found == rows(0, 31).to_pylist()
    assert [file.bytes for file in written] == [file.path.stat().st_size for file in written]
    assert sorted(path for path in (tmp_path / "spool").iterdir()) == sorted(file.path for file in written)


@pytest.mark.parametrize(("format_", "compression"), FORMATS)
def test_files_are_cut_at_their_size_in_bytes_too(files, monkeypatch, format_, compression):
    monkeypatch.setattr(batch_files, "FILE_BYTES", 8_000)
    monkeypatch.setattr(batch_files, "GROUP_BYTES", 1_000)
    writer = files(format_, compression)
    written = [file for start in range(0, 20_000, 1_000) for file in writer.write(rows(start, start + 1_000))]
    written += writer.finish()
    assert len(written) > 1
    assert all(file.bytes < 70_000 for file in written)
    assert sum(file.rows for file in written) == 20_000


def test_an_open_file_is_hidden_and_goes_when_it_is_abandoned(files, tmp_path):
    for format_, compression in FORMATS:
        writer = files(format_, compression)
        assert writer.write(rows(0, 5)) == []
        [open_file] = (tmp_path / "spool").iterdir()
        assert open_file.name.startswith(".")
        assert open_file.name.endswith(".tmp")
        writer.abandon()
        assert list((tmp_path / "spool").iterdir()) == []
        assert writer.finish() == []


def test_nothing_is_made_for_no_rows(files, tmp_path):
    writer = files()
    assert writer.write(rows(0, 0)) == []
    assert writer.finish() == []
    assert not (tmp_path / "spool").exists()


def test_rows_without_columns_are_kept_or_refused(files):
    empty = pa.RecordBatch.from_struct_array(pa.array([{}] * 3, pa.struct([])))
    for format_ in ("jsonl", "arrow"):
        writer = files(format_, schema=empty.schema)
        writer.write(empty)
        [file] = writer.finish()
        assert content(file.path) == [{}] * 3
    with pytest.raises(SchemaError, match="cannot hold rows without columns"):
        files("parquet", schema=empty.schema)


def test_names_need_no_escapes_and_never_meet(files):
    names = set()
    for _ in range(2):
        writer = files(stream="a/b ü%", storage={"prefix": "p-"}, batch_size=1)
        names |= {file.path.name for file in writer.write(rows(0, 2))}
    assert len(names) == 4
    assert all(name.startswith("p-a_b____"[:8]) for name in names)
    assert all(name.isascii() and "%" not in name for name in names)


def test_arrow_and_parquet_keep_every_type(files):
    table = pa.table(
        {
            "flag": [True, None],
            "amount": [Decimal("1.50"), None],
            "at": pa.array([datetime(2024, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
            "local": pa.array([datetime.fromisoformat("2024-01-01T12:00:00"), None], pa.timestamp("us")),
            "day": [date(2024, 2, 29), None],
            "bytes": [b"\x00\xff", None],
            "uid": pa.array([uuid.UUID(int=7).bytes, None], pa.uuid()),
            "tags": [["a", None], None],
            "address": [{"zip": "123"}, None],
        }
    )
    [batch] = table.to_batches()
    for format_ in ("arrow", "parquet"):
        writer = files(format_, schema=table.schema)
        writer.write(batch)
        [file] = writer.finish()
        found = pq.read_table(file.path) if format_ == "parquet" else pa.ipc.open_file(file.path).read_all()
        assert found.equals(table)


def test_json_text_is_embedded_in_lines_and_known_as_such_elsewhere(files):
    schema = pa.schema([pa.field("doc", pa.utf8(), metadata={"dativo.json": "text", "dativo.key": "true"})])
    batch = pa.record_batch([['{"a":[1]}']], schema=schema)
    for format_ in ("jsonl", "arrow"):
        writer = files(format_, schema=schema)
        writer.write(batch)
        [file] = writer.finish()
        if format_ == "jsonl":
            assert content(file.path) == [{"doc": {"a": [1]}}]
        else:
            assert pa.ipc.open_file(file.path).schema.field("doc").metadata == {b"dativo.json": b"text"}


def test_a_place_that_cannot_be_written_to_is_named(files, tmp_path):
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write batch files to .*spool"):
        files().write(rows(0, 1))


def test_a_full_disk_leaves_nothing_under_a_name(files, tmp_path, monkeypatch):
    """The limit on file sizes of the process stands for the disk."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    monkeypatch.setattr(batch_files, "GROUP_BYTES", 1_000)
    try:
        for format_, compression in FORMATS:
            writer = files(format_, compression)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
            with pytest.raises(StoreError, match="cannot write batch files"):
                write_much(writer)
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            writer.abandon()
            assert list((tmp_path / "spool").iterdir()) == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
