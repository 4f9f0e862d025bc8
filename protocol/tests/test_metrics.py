"""Singer metrics as log lines, with the SDK's names and tags (L4)."""

from __future__ import annotations

import json
import logging
import os

import pytest
from dativo_protocol.log import StructuredFormatter
from dativo_protocol.metrics import INTERVAL_VARIABLE, Counter, Point, StreamCounters, Timer, gauge


@pytest.fixture
def points(caplog):
    caplog.set_level(logging.INFO, "singer_sdk.metrics")

    def read() -> list[dict]:
        return [json.loads(record.getMessage().removeprefix("METRIC: ")) for record in caplog.records]

    return read


def test_a_counter_logs_what_was_added_since_its_last_line(points):
    counter = Counter("record_count", {"stream": "users"})
    counter.add(3)
    assert points() == []
    counter.log()
    counter.add(4)
    counter.log()
    assert [point["value"] for point in points()] == [3, 4]
    assert points()[0] == {
        "type": "counter",
        "metric": "record_count",
        "value": 3,
        "tags": {"stream": "users", "pid": os.getpid()},
    }
    assert counter.total == 7


@pytest.mark.parametrize(("interval", "lines"), [("0", 2), ("3600", 0), ("often", 0)])
def test_the_interval_is_a_minute_or_what_the_environment_says(points, monkeypatch, interval, lines):
    monkeypatch.setenv(INTERVAL_VARIABLE, interval)
    counter = Counter("record_count")
    counter.add(1)
    counter.add(1)
    assert len(points()) == lines


def test_a_timer_says_whether_its_block_succeeded(points):
    with Timer("job_duration", {"job_type": "run"}):
        pass
    with pytest.raises(LookupError), Timer("job_duration"):
        raise LookupError
    succeeded, failed = points()
    assert (succeeded["type"], succeeded["metric"]) == ("timer", "job_duration")
    assert (succeeded["tags"]["status"], failed["tags"]["status"]) == ("succeeded", "failed")
    assert succeeded["tags"]["job_type"] == "run"
    assert 0 <= succeeded["value"] < 1


def test_a_gauge_is_a_line_of_its_own(points):
    gauge("replication_lag_bytes", 7, {"slot": "s"})
    gauge("replication_lag_bytes", 5)
    first, second = points()
    assert (first["type"], first["metric"], first["value"]) == ("gauge", "replication_lag_bytes", 7)
    assert first["tags"]["slot"] == "s"
    assert second["value"] == 5
    assert "pid" in second["tags"]


def test_streams_are_counted_apart_and_empty_ones_are_reported(points):
    counters = StreamCounters()
    counters.open("empty")
    counters.add("users", 10)
    counters.add("users", 5)
    counters.log()
    found = {(point["metric"], point["tags"]["stream"]): point["value"] for point in points()}
    assert found == {("record_count", "empty"): 0, ("record_count", "users"): 15, ("batch_count", "users"): 2}
    assert counters.records() == {"empty": 0, "users": 15}


def test_a_finished_stream_has_had_its_last_line(points):
    counters = StreamCounters()
    counters.add("users", 10, 4000)
    counters.add("orders", 1)
    counters.finish("users")
    finished = {point["metric"]: point["value"] for point in points()}
    assert finished == {"record_count": 10, "batch_count": 1, "record_bytes": 4000}
    counters.log()
    assert {point["tags"]["stream"] for point in points()[3:]} == {"orders"}
    counters.add("users", 2)
    counters.log()
    again = [point for point in points()[5:] if point["tags"]["stream"] == "users"]
    assert {point["metric"]: point["value"] for point in again}["record_count"] == 2


def test_a_structured_line_carries_the_point_itself():
    point = Point("counter", "record_count", 3, {"stream": "users"})
    record = logging.LogRecord("singer_sdk.metrics", logging.INFO, "", 0, "METRIC: %s", (point,), None)
    line = json.loads(StructuredFormatter(app_name="tap-x").format(record))
    assert line["message"] == "METRIC"
    assert line["metric_info"] == point.to_dict()


def test_context_given_to_a_line_lands_in_its_extra_and_stream_name():
    record = logging.LogRecord("x", logging.INFO, "", 0, "hello", None, None)
    record.stream_name, record.file = "users", "a.csv"
    line = json.loads(StructuredFormatter().format(record))
    assert (line["stream_name"], line["extra"]) == ("users", {"file": "a.csv"})
