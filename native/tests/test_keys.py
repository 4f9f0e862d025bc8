"""Logs and sets of keys: what is one key, which row of it came last, and how they are used."""

import datetime as dt
import threading
from decimal import Decimal

import dativo_native
import pyarrow as pa
import pytest
from dativo_native import NO_FILE, InvalidArgument, KeyLog, KeySet, UnsupportedSchema

PLACE = {"file": pa.uint32(), "position": pa.uint32(), "order": pa.int64()}
VALUES = {
    "bool": ([True, False], pa.bool_()),
    "int": ([5, -5], pa.int64()),
    "decimal": ([Decimal("1.50"), Decimal("-2.00")], pa.decimal128(38, 2)),
    "date": ([dt.date(2024, 1, 1), dt.date(1900, 1, 1)], pa.date32()),
    "instant": ([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)] * 2, pa.timestamp("us", "UTC")),
    "time": ([dt.time(1), dt.time(2)], pa.time64("us")),
    "text": (["", "ä" * 40], pa.string()),
    "large": (["a", "b"], pa.large_string()),
    "binary": ([b"\x00", b""], pa.binary()),
    "uuid": ([b"a" * 16, b"b" * 16], pa.binary(16)),
    "float": ([1.5, float("inf")], pa.float64()),
}


def keys(**columns):
    arrays = [pa.array(values, kind) for values, kind in columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def logged(batch, places):
    columns = [pa.array([place[at] for place in places], kind) for at, kind in enumerate(PLACE.values())]
    return pa.RecordBatch.from_arrays([*batch.columns, *columns], names=[*batch.schema.names, *PLACE])


@pytest.mark.parametrize("kinds", [[kind] for kind in VALUES] + [list(VALUES), list(reversed(VALUES))])
def test_keys_of_every_type_are_found_and_given_back(kinds):
    batch = keys(**{kind: VALUES[kind] for kind in kinds})
    with KeySet(batch.schema) as known:
        known.add(batch.slice(1))
        assert known.contains(batch)[1].as_py() is True
        assert known.contains(batch.slice(1, 1)).to_pylist() == [True]
        known.add(batch)
        assert known.contains(batch).to_pylist() == [True, True]
    with KeyLog(batch.schema) as log:
        log.put(logged(batch.slice(1), [(0, 7, 3)]))
        assert log.slice(0, 9).select(kinds).to_pylist() == batch.slice(1).to_pylist()


def test_what_is_null_or_nan_is_no_key():
    batch = keys(f=([0.0, None, float("nan")], pa.float64()))
    with KeySet(batch.schema) as known:
        known.add(batch)
        assert known.count().keys == 1
        asked = keys(f=([-0.0, None, float("nan")], pa.float64()))
        assert known.contains(asked).to_pylist() == [True, False, False]
    with KeyLog(batch.schema) as log, pytest.raises(InvalidArgument, match="row 1 has no key"):
        log.put(logged(batch, [(0, 0, 0)] * 3))


def test_rows_that_are_overtaken_come_out_once_and_in_order():
    batch = keys(a=([1, 2, 1, 1], pa.int64()))
    with KeyLog(batch.schema) as log:
        log.put(logged(batch, [(1, 0, 0), (1, 1, 1), (0, 0, 5), (NO_FILE, 0, 9)]))
        assert log.overtaken().to_pylist() == [{"file": 0, "position": 0}, {"file": 1, "position": 0}]
        assert log.overtaken().num_rows == 0
        assert log.slice(0, 1).column("file").to_pylist() == [NO_FILE]
        assert log.slice(1, 5).to_pylist() == [{"a": 2, "file": 1, "position": 1, "order": 1}]
        assert log.count().keys == 2


def test_buckets_divide_keys_alike_in_every_log():
    batch = keys(a=([f"key {at}" for at in range(200)], pa.string()))
    with KeyLog(batch.schema) as one, KeyLog(batch.schema) as other:
        one.put(logged(batch, [(0, at, at) for at in range(200)]))
        other.put(logged(batch.slice(100), [(1, at, at) for at in range(100)]))
        parts = [set(one.bucket(at, 8).column("a").to_pylist()) for at in range(8)]
        assert sum(map(len, parts)) == 200
        assert len(set.union(*parts)) == 200
        for at, part in enumerate(parts):
            assert set(other.bucket(at, 8).column("a").to_pylist()) <= part
        with pytest.raises(InvalidArgument, match="no bucket 8 of 8"):
            one.bucket(8, 8)


def test_threads_may_ask_a_set_at_the_same_time():
    batch = keys(a=(list(range(200_000)), pa.int64()))
    found = []
    with KeySet(batch.schema) as known:
        known.add(batch.slice(0, 100_000))
        ask = [
            threading.Thread(target=lambda: found.append(known.contains(batch).true_count)) for _ in range(4)
        ]
        for thread in ask:
            thread.start()
        for thread in ask:
            thread.join()
    assert found == [100_000] * 4


def test_memory_is_a_few_bytes_more_than_the_keys():
    batch = keys(a=(list(range(100_000)), pa.int64()))
    with KeyLog(batch.schema) as log:
        log.put(logged(batch, [(0, at, at) for at in range(100_000)]))
        assert log.count().bytes <= 100_000 * (8 + 24)


def test_what_cannot_be_a_key_is_refused():
    with pytest.raises(UnsupportedSchema, match=r"cannot be part of a key.*/l"):
        KeySet(pa.schema([("l", pa.list_(pa.int64()))]))
    with pytest.raises(InvalidArgument, match="at least one column"):
        KeyLog(pa.schema([]))
    with KeySet(pa.schema([("a", pa.int64())])) as known, pytest.raises(InvalidArgument, match="Int32"):
        known.contains(keys(a=([1], pa.int32())))
    with (
        KeyLog(pa.schema([("a", pa.int64())])) as log,
        pytest.raises(InvalidArgument, match="file, position"),
    ):
        log.put(keys(a=([1], pa.int64())))


def test_nothing_is_left_and_what_is_closed_refuses():
    before = dativo_native.live_handles()
    log, known = KeyLog(pa.schema([("a", pa.int64())])), KeySet(pa.schema([("a", pa.int64())]))
    assert dativo_native.live_handles() == before + 2
    for each in (log, known, log, known):
        each.close()
    assert dativo_native.live_handles() == before
    with pytest.raises(InvalidArgument, match="closed"):
        log.count()
    with pytest.raises(InvalidArgument, match="closed"):
        known.count()
