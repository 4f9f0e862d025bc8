"""What is noted of an epoch's keys, in memory and beyond it, against a dictionary."""

import io
import random
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from dativo_protocol.errors import SchemaError, StoreError
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, ListType, LongType, NestedField, StringType, UUIDType
from target_iceberg.upsert.epoch_keys import EpochKeys
from target_iceberg.upsert.errors import UnusableKeyError
from target_iceberg.upsert.key_columns import KeyColumns
from target_iceberg.upsert.key_log import KeyLog

from .lake import staged

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "name", StringType(), required=True),
    NestedField(3, "score", DoubleType(), required=False),
    NestedField(4, "tags", ListType(5, StringType()), required=False),
    NestedField(6, "uid", UUIDType(), required=False),
)
COLUMNS = KeyColumns.of_table("users", SCHEMA, (1, 2))


def rows(*pairs):
    ids, names = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.table({"name": pa.array(names, pa.string()), "id": pa.array(ids, pa.int64())})


def found(keys):
    return {tuple(row.values()) for batch in keys.batches() for row in batch.to_pylist()}


def positions(keys):
    return {file: rows.to_pylist() for file, rows in keys.overtaken().items()}


def test_what_was_overtaken_is_told_by_file():
    log = KeyLog(COLUMNS)
    log.rows("b", rows((1, "x"), (2, "x")), 0)
    log.rows("a", rows((1, "x"), (1, "y")), 2)
    log.rows("b", rows((2, "x"), (1, "y")), 4)
    counts, keys = staged(log)
    assert positions(keys) == {"b": [0, 1], "a": [1]}
    assert found(keys) == {(1, "x"), (2, "x"), (1, "y")}
    assert (counts.keys, counts.deleted, counts.overtaken) == (3, 0, 3)
    assert (keys.count, keys.deleted) == (3, 0)


def test_the_order_decides_and_not_when_it_is_noted():
    log = KeyLog(COLUMNS)
    log.rows("late", rows((1, "x"), (2, "x")), pa.array([10, 3]))
    log.rows("early", rows((1, "x"), (2, "x")), pa.array([4, 8]))
    _, keys = staged(log)
    assert positions(keys) == {"early": [0], "late": [1]}


def test_an_epoch_without_rows_has_no_keys():
    _, keys = staged(KeyLog(COLUMNS))
    assert (keys.count, found(keys), positions(keys)) == (0, set(), {})


@pytest.mark.parametrize("memory", [1, 20_000, 1 << 30])
def test_what_does_not_fit_memory_waits_on_disk(tmp_path, memory):
    dice = random.Random(7)
    log = KeyLog(COLUMNS, memory_bytes=memory, spill=tmp_path)
    last, overtaken, order = {}, {}, 0
    for portion in range(12):
        file = f"file {portion % 3}"
        drawn = [(dice.randrange(150), dice.choice("ab")) for _ in range(100)]
        if portion % 4 == 3:
            log.tombstones(rows(*drawn), order)
            places = [None] * 100
        else:
            start = sum(1 for each in range(portion) if each % 4 != 3 and each % 3 == portion % 3) * 100
            log.rows(file, rows(*drawn), order)
            places = [(file, start + at) for at in range(100)]
        for key, place in zip(drawn, places, strict=True):
            if last.get(key) is not None:
                name, position = last[key]
                overtaken.setdefault(name, []).append(position)
            last[key] = place
        order += 100
    assert bool(log.bytes_on_disk) == (memory < 1 << 30)
    assert not list(tmp_path.iterdir()), "the file has no name, so that a kill leaves nothing behind"
    counts, keys = staged(log)
    assert found(keys) == set(last)
    assert positions(keys) == {name: sorted(each) for name, each in overtaken.items()}
    assert counts.deleted == keys.deleted == sum(place is None for place in last.values())


def test_a_failure_gives_the_disk_back(tmp_path):
    log = KeyLog(COLUMNS, memory_bytes=1, spill=tmp_path)
    log.rows("file", rows((1, "a"), (2, "b")), 0)
    assert files_open_in(tmp_path) == 1
    with pytest.raises(ZeroDivisionError):
        log.finish(_Refusing())
    assert files_open_in(tmp_path) == 0


def test_what_does_not_fit_memory_follows_tmpdir(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    log = KeyLog(COLUMNS, memory_bytes=1)
    log.rows("file", rows((1, "a")), 0)
    assert files_open_in(tmp_path) == 1
    log.close()


def files_open_in(directory):
    """Files of this process that are on the disk of a directory, with a name or without."""
    links = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            links.append(str(each.readlink()))
    return sum(link.startswith(f"{directory}/") for link in links)


class _Refusing(io.BytesIO):
    def write(self, _data):
        raise ZeroDivisionError


def test_a_directory_that_takes_nothing_is_named(tmp_path):
    log = KeyLog(COLUMNS, memory_bytes=1, spill=tmp_path / "missing")
    with pytest.raises(StoreError, match=r"write to .*missing"):
        log.rows("file", rows((1, "a")), 0)


def test_several_threads_may_note_rows():
    log = KeyLog(COLUMNS)

    def note(number):
        for portion in range(20):
            pairs = [(portion * 50 + at, "x") for at in range(50)]
            log.rows(f"file {number}", rows(*pairs), pa.array([number] * 50))

    threads = [threading.Thread(target=note, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, keys = staged(log)
    assert keys.count == 1000
    assert positions(keys) == {f"file {number}": list(range(1000)) for number in range(3)}


def test_null_and_nan_are_refused_with_their_column_and_count():
    log = KeyLog(KeyColumns.of_table("users", SCHEMA, (2, 3)))
    with pytest.raises(
        UnusableKeyError, match=r"stream 'users': key column 'name': 2 rows have the value null"
    ):
        log.rows("f", pa.table({"name": [None, "a", None], "score": [1.0, 1.0, 1.0]}), 0)
    with pytest.raises(UnusableKeyError, match=r"key column 'score': 1 row has the value NaN"):
        log.tombstones(pa.table({"name": ["a"], "score": [float("nan")]}), 0)
    log.rows("f", pa.table({"name": ["a", "a"], "score": [0.0, -0.0]}), 0)
    _, keys = staged(log)
    assert positions(keys) == {"f": [0]}


def test_a_key_needs_columns_that_can_be_compared():
    with pytest.raises(SchemaError, match=r"/tags: a list<string> cannot be part of a key"):
        KeyColumns.of_table("users", SCHEMA, (4,))
    with pytest.raises(SchemaError, match="key field 99 is not a column"):
        KeyColumns.of_table("users", SCHEMA, (99,))


def test_a_uuid_is_its_bytes():
    columns = KeyColumns.of_table("users", SCHEMA, (6,))
    log = KeyLog(columns)
    log.rows("f", pa.table({"uid": pa.array([b"a" * 16, b"b" * 16, b"a" * 16], pa.binary(16))}), 0)
    extension = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"b" * 16], pa.binary(16)))
    log.rows("g", pa.table({"uid": extension}), 3)
    _, keys = staged(log)
    assert positions(keys) == {"f": [0, 1]}


def test_columns_take_the_wider_type():
    table = Schema(NestedField(1, "a", LongType()), NestedField(3, "b", DoubleType()))
    columns = KeyColumns.of_table("users", table, (1, 3))
    assert columns.at_least([pa.int32(), pa.float32()]).schema.types == [pa.int64(), pa.float64()]
    decimal = KeyColumns("users", (1,), pa.schema([("d", pa.decimal128(9, 2))]))
    assert decimal.at_least([pa.decimal128(12, 2)]).schema.types == [pa.decimal128(12, 2)]
    assert decimal.at_least([pa.decimal128(12, 3)]).schema.types == [pa.decimal128(9, 2)]


def test_what_is_no_file_of_keys_is_refused():
    with pytest.raises(StoreError, match="file of an epoch's keys"):
        EpochKeys(pa.BufferReader(b"PAR1"))
    other = io.BytesIO()
    from pyarrow import parquet

    parquet.write_table(rows((1, "a")), other)
    with pytest.raises(StoreError, match="file of an epoch's keys"):
        EpochKeys(pa.BufferReader(other.getvalue()))
