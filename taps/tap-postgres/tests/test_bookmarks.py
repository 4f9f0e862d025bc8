"""Bookmarks of three taps, and values of keys on their way to a STATE and into SQL."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from dativo_protocol.errors import ConfigError
from dativo_protocol.state import Bookmark
from tap_postgres.bookmarks import advanced, key_bookmark
from tap_postgres.key_values import last_value, literal, state_value

END = dt.datetime.max.replace(tzinfo=dt.UTC)
AT = "2024-01-05T10:00:00.123456+00:00"


def bookmark(**values: Any) -> Bookmark:
    return key_bookmark(Bookmark(values), "at", stream_id="public-t")


@pytest.mark.parametrize(
    ("found", "value"),
    [
        ({}, None),
        ({"replication_key": "at", "replication_key_value": AT}, AT),
        ({"replication_key": "id", "replication_key_value": 7}, None),
        ({"replication_key": "at", "replication_key_value": AT, "version": 5}, AT),
        (
            {
                "replication_key": "at",
                "replication_key_value": AT,
                "last_replication_method": "INCREMENTAL",
                "version": 5,
            },
            AT,
        ),
        (
            {"replication_key": "at", "replication_key_value": AT, "last_replication_method": "FULL_TABLE"},
            None,
        ),
        (
            {
                "replication_key": "at",
                "replication_key_value": AT,
                "starting_replication_value": "2020-01-01",
                "progress_markers": {"replication_key": "at", "replication_key_value": "2030-01-01"},
            },
            AT,
        ),
        ({"version": 5, "snapshot": {"by": "ctid"}}, None),
    ],
    ids=["none", "meltano", "other key", "version", "pipelinewise", "other method", "progress", "full table"],
)
def test_what_a_bookmark_says(found: dict[str, Any], value: Any) -> None:
    read = bookmark(**found)
    assert read.replication_key_value == value
    assert not {"progress_markers", "starting_replication_value", "snapshot"} & set(read.values)
    assert read.values.get("version") == found.get("version")
    assert read.values.get("last_replication_method") in (None, "INCREMENTAL")


def test_a_value_that_is_none() -> None:
    with pytest.raises(ConfigError, match="public-t"):
        bookmark(replication_key="at", replication_key_value=[1])


def test_advancing() -> None:
    start = bookmark(replication_key="at", replication_key_value=AT, other=1)
    later = "2024-02-01T00:00:00+00:00"
    assert advanced(start, "at", later, may_step_back=True).values == {
        "replication_key": "at",
        "replication_key_value": later,
        "other": 1,
    }
    assert advanced(start, "at", "2023-01-01T00:00:00+00:00", may_step_back=True) == start


@pytest.mark.parametrize(
    ("values", "type_", "last"),
    [
        ([None, 1, 2], pa.int64(), 2),
        ([1, 2, None], pa.int64(), 2),
        ([None], pa.int64(), None),
        ([], pa.int64(), None),
        ([dt.date(2024, 1, 2), dt.date.max], pa.date32(), "2024-01-02"),
        ([dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC), END], pa.timestamp("us"), "2024-01-02T03:00:00+00:00"),
        ([dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC)], pa.timestamp("us", "UTC"), "2024-01-02T03:00:00+00:00"),
        ([END], pa.timestamp("us", "UTC"), None),
        ([Decimal("1.10")], pa.decimal128(30, 2), "1.10"),
        ([Decimal("1E+20")], pa.decimal128(38, 0), "1" + "0" * 20),
        (["a", "B"], pa.string(), "B"),
        (["2024-01-02", "infinity"], pa.string(), "2024-01-02"),
        ([0.1], pa.float64(), 0.1),
    ],
)
def test_the_last_value(values: list[Any], type_: Any, last: Any) -> None:
    array = pa.array(values, type_)
    is_temporal = "infinity" in values or pa.types.is_temporal(array.type)
    found = last_value(array, is_temporal=is_temporal)
    assert (None if found is None else state_value(found)) == last


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        (7, "bigint", "'7'::bigint"),
        (0.1, "double precision", "'0.1'::double precision"),
        (AT, "timestamp(3) with time zone", f"'{AT}'::timestamp(3) with time zone"),
        ("o'clock", "text", "'o''clock'::text"),
    ],
)
def test_as_sql(value: Any, type_: str, text: str) -> None:
    assert literal(value, type_).as_string(None) == text
