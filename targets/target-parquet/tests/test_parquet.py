import resource
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dativo_protocol.page_encoding import PageEncoding
from target_parquet.errors import StoreError
from target_parquet.parquet import Encoding, ParquetPart

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64()),
        pa.field("at", pa.timestamp("us", tz="UTC")),
        pa.field("amount", pa.decimal128(18, 2)),
        pa.field("doc", pa.string(), metadata={b"dativo.json": b"text"}),
        pa.field("tags", pa.list_(pa.field("element", pa.struct([("k", pa.string())])))),
    ]
)

PAGES = PageEncoding(dictionary=("at", "doc"), plain={"id": "DELTA_BINARY_PACKED"})
ZSTD = Encoding("zstd", 1, PAGES)


def rows(count):
    instant = datetime(2024, 1, 1, tzinfo=UTC)
    record = {"at": instant, "amount": Decimal("1.50"), "doc": "{}", "tags": [{"k": "v"}, None]}
    return pa.Table.from_pylist([{"id": number, **record} for number in range(count)], SCHEMA)


@pytest.fixture
def written(store):
    """Writes row groups of these sizes and opens the file."""

    def write(encoding, *groups):
        part = ParquetPart(store.stage("users/1.parquet"), SCHEMA, encoding)
        for count in groups:
            part.write(rows(count))
        size = part.close()
        assert size == part.staged.path.stat().st_size
        assert part.rows == sum(groups)
        return pq.ParquetFile(part.staged.path)

    return write


@pytest.mark.parametrize(
    ("codec", "level", "name"),
    [
        ("zstd", 1, "ZSTD"),
        ("zstd", 19, "ZSTD"),
        ("snappy", None, "SNAPPY"),
        ("gzip", 9, "GZIP"),
        ("lz4", None, "LZ4"),
        ("brotli", 0, "BROTLI"),
        ("none", None, "UNCOMPRESSED"),
    ],
)
def test_every_codec_writes_what_was_given(written, codec, level, name):
    with written(Encoding(codec, level, PAGES), 100) as file:
        assert file.metadata.row_group(0).column(0).compression == name
        assert file.read().equals(rows(100))


def test_types_and_the_meaning_of_json_text_survive(written):
    with written(ZSTD, 1) as file:
        assert file.schema_arrow.equals(SCHEMA, check_metadata=True)


def test_each_write_is_a_row_group_with_statistics_and_a_page_index(written):
    with written(ZSTD, 1000, 500) as file:
        metadata = file.metadata
        assert [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)] == [1000, 500]
        column = metadata.row_group(1).column(0)
        assert (column.statistics.min, column.statistics.max) == (0, 499)
        assert column.has_column_index
        assert column.has_offset_index


def test_short_decimals_are_integers_on_disk(written):
    with written(ZSTD, 1) as file:
        assert file.schema.column(2).physical_type == "INT64"


def test_pages_are_encoded_as_chosen(written):
    with written(ZSTD, 100) as file:
        group = file.metadata.row_group(0)
        assert not group.column(0).has_dictionary_page
        assert "DELTA_BINARY_PACKED" in group.column(0).encodings
        assert group.column(3).has_dictionary_page
        assert file.read().equals(rows(100))


def test_a_file_without_rows_has_its_columns(written):
    with written(ZSTD) as file:
        assert file.schema_arrow.equals(SCHEMA)
        assert file.metadata.num_rows == 0


def test_an_abandoned_file_is_no_parquet_file(store):
    part = ParquetPart(store.stage("users/1.parquet"), SCHEMA, ZSTD)
    part.write(rows(10))
    part.abandon()
    del part
    (staged,) = store._area.iterdir()
    with pytest.raises(pa.ArrowInvalid):
        pq.read_schema(staged)


class Overseen:
    """A staged file that notes how long it was whenever the disk was told to begin."""

    def __init__(self, staged):
        self.sink = staged.sink
        self.flushed = []
        self._staged = staged

    def begin_flush(self):
        self._staged.begin_flush()
        self.flushed.append(self.sink.tell())


def test_the_disk_begins_with_every_row_group_as_soon_as_it_is_written(store):
    staged = Overseen(store.stage("users/1.parquet"))
    part = ParquetPart(staged, SCHEMA, ZSTD)
    lengths = []
    for _ in range(3):
        part.write(rows(1_000))
        lengths.append(part.bytes)
    assert staged.flushed == lengths
    assert lengths == sorted(set(lengths))
    part.close()


FULL_DISK = """
import sys
from pathlib import Path
import pyarrow as pa
from target_parquet.errors import StoreError
from target_parquet.local_store import LocalStore
from dativo_protocol.page_encoding import PageEncoding
from target_parquet.errors import StoreError
from target_parquet.parquet import Encoding, ParquetPart
store = LocalStore(Path(sys.argv[1]))
store.open_run("run")
encoding = Encoding("none", None, PageEncoding((), {}))
part = ParquetPart(store.stage("users/1.parquet"), pa.schema([("id", pa.int64())]), encoding)
try:
    for start in range(0, 10**6, 10**4):
        part.write(pa.table({"id": pa.array(range(start, start + 10**4))}))
except StoreError as error:
    print(error)
del part
"""


def test_a_refused_write_is_a_clear_failure_and_nothing_is_tried_again(tmp_path):
    """A limit on the size of files stands for a full disk; a second failure would be on stderr."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    limit = (200_000, 200_000)
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
        check=True,
    )
    assert ended.stdout == "cannot write a Parquet file: File too large\n"
    assert ended.stderr == ""


class FullDisk:
    """A staged file on a device that has no room for a single byte."""

    name = "users/1.parquet"

    def __init__(self):
        self.sink = pa.OSFile("/dev/full", "wb")

    def abandon(self):
        self.sink.close()


def test_a_disk_that_is_full_from_the_first_byte_on_is_a_store_error():
    staged = FullDisk()
    with pytest.raises(StoreError, match="No space left on device"):
        ParquetPart(staged, SCHEMA, ZSTD)
    assert staged.sink.closed
