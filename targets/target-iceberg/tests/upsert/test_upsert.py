"""Upserts and deletes against a dictionary (issue 4), by position and by value, read back by two engines."""

import tempfile

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType
from target_iceberg.maintenance.by_position import find_deleted_rows

from .lake import NAME, make_lake

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "v", StringType(), required=False),
    identifier_field_ids=[1],
)
ARROW = pa.schema([pa.field("id", pa.int64()), pa.field("v", pa.string())])


def rows(*pairs):
    return pa.Table.from_pylist([{"id": key, "v": value} for key, value in pairs], schema=ARROW)


def keys(*ids):
    return rows(*((key, None) for key in ids))


@pytest.fixture
def lake(tmp_path):
    return make_lake(tmp_path, SCHEMA)


def pairs(lake):
    return [(row["id"], row["v"]) for row in lake.rows()]


def test_a_row_with_a_known_key_replaces_it_and_others_are_added(lake):
    lake.append(rows((1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")))
    lake.upsert(rows((2, "B"), (6, "f")))
    assert pairs(lake) == [(1, "a"), (2, "B"), (3, "c"), (4, "d"), (5, "e"), (6, "f")]
    (change,) = lake.changes[1:]
    assert [file.record_count for file in change.deletes] == [1]
    assert not change.remove


def test_an_epoch_of_new_keys_is_an_append(lake):
    lake.append(rows((1, "a")))
    lake.upsert(rows((2, "b")))
    assert pairs(lake) == [(1, "a"), (2, "b")]
    assert not lake.changes[-1].deletes
    assert lake.table.current_snapshot().summary.operation.value == "append"


def test_the_last_row_of_a_key_in_an_epoch_wins(lake):
    lake.upsert(rows((1, "a"), (2, "b"), (3, "c"), (4, "d"), (1, "A")), rows((5, "e"), (2, "B")))
    assert pairs(lake) == [(1, "A"), (2, "B"), (3, "c"), (4, "d"), (5, "e")]


def test_a_deletion_takes_rows_of_the_table_and_of_the_epoch(lake):
    lake.append(rows((1, "a"), (2, "b"), (3, "c"), (4, "d")))
    counts = lake.upsert(rows((5, "e"), (6, "f"), (7, "g"), (8, "h")), deleted=[keys(1, 5, 9)])
    assert pairs(lake) == [(2, "b"), (3, "c"), (4, "d"), (6, "f"), (7, "g"), (8, "h")]
    assert (counts.keys, counts.deleted, counts.overtaken) == (6, 3, 1)


def test_a_file_that_is_mostly_replaced_is_written_anew(lake):
    lake.append(rows(*((key, "old") for key in range(10))))
    lake.upsert(rows(*((key, "new") for key in range(5))))
    change = lake.changes[-1]
    assert (len(change.remove), len(change.deletes), len(change.add)) == (1, 0, 2)
    assert pairs(lake) == [(key, "new" if key < 5 else "old") for key in range(10)]


def test_a_file_without_rows_left_is_taken_out(lake):
    lake.append(rows((1, "a"), (2, "b")), rows((3, "c")))
    lake.upsert(rows((2, "B"), (1, "A")))
    change = lake.changes[-1]
    assert (len(change.remove), len(change.deletes), len(change.add)) == (1, 0, 1)
    assert pairs(lake) == [(1, "A"), (2, "B"), (3, "c")]


def test_an_own_file_that_is_mostly_overtaken_is_written_anew(lake):
    lake.upsert(rows(*((1, str(at)) for at in range(10)), (2, "b")))
    (file,) = lake.changes[-1].add
    assert file.record_count == 2
    assert pairs(lake) == [(1, "9"), (2, "b")]


def test_a_second_epoch_deletes_no_row_twice(lake):
    lake.append(rows(*((key, "old") for key in range(20))))
    lake.upsert(rows((1, "x"), (2, "x")))
    lake.upsert(rows((1, "y"), (3, "y")))
    deleted = sum(file.record_count for change in lake.changes for file in change.deletes)
    assert deleted == 3, "rows 1, 2 and 3 of the first file; the file of the second epoch was written anew"
    assert [value for _, value in pairs(lake)][:4] == ["old", "y", "x", "y"]


values = st.integers(0, 8)
operation = st.tuples(st.sampled_from(["put", "put", "delete"]), values, st.text("xyz", max_size=2))
epochs = st.lists(st.lists(st.lists(operation, max_size=8), min_size=1, max_size=3), min_size=1, max_size=4)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    epochs=epochs,
    ratio=st.sampled_from([0.0, 0.3, 1.0]),
    budgets=st.lists(st.sampled_from([None, 0]), min_size=4, max_size=4),
    turns=st.sets(st.integers(0, 3)),
)
def test_a_table_is_a_dictionary(epochs, ratio, budgets, turns):
    from dataclasses import replace

    from target_iceberg.upsert.key_log import KeyLog

    expected = {}
    with tempfile.TemporaryDirectory() as directory:
        lake = make_lake(directory, SCHEMA)
        for number, (epoch, budget) in enumerate(zip(epochs, budgets, strict=False)):
            lake.settings = replace(
                lake.settings, rewrite_ratio=ratio, files_with_own_deletes=2, probe_bytes=budget
            )
            log, files, order = KeyLog(lake.key_columns((1,))), [], 0
            for part in epoch:
                put = [(key, value) for kind, key, value in part if kind == "put"]
                put_order = [order + at for at, each in enumerate(part) if each[0] == "put"]
                gone = [(key, None) for kind, key, _ in part if kind == "delete"]
                gone_order = [order + at for at, each in enumerate(part) if each[0] == "delete"]
                order += len(part)
                if put:
                    files.append(lake.write_file(rows(*put)))
                    log.rows(files[-1].file_path, rows(*put), pa.array(put_order, pa.int64()))
                log.tombstones(rows(*gone), pa.array(gone_order, pa.int64()))
                for kind, key, value in part:
                    expected.pop(key, None)
                    if kind == "put":
                        expected[key] = value
            lake.commit_epoch(files, log)
            if number in turns:
                find_deleted_rows(lake.catalog, NAME)
                assert not lake.has_equality_deletes
            assert dict(pairs(lake)) == expected
            assert len(pairs(lake)) == len(expected)
