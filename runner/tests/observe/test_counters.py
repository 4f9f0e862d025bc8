"""Metrics of both sides summed up per stream."""

from __future__ import annotations

from dativo.observe.counters import Counters
from dativo.observe.log_lines import Metric


def counter(name, value, stream="users"):
    return Metric("counter", name, value, {"stream": stream})


def test_counts_are_deltas_and_add_up():
    counters = Counters()
    counters.add(counter("record_count", 10), 1.0, from_tap=True)
    counters.add(counter("record_count", 5), 2.0, from_tap=True)
    counters.add(counter("record_bytes", 100), 2.0, from_tap=True)
    counters.add(counter("record_count", 15), 3.0, from_tap=False)
    counters.add(counter("file_count", 2), 3.0, from_tap=False)
    count = counters.streams["users"]
    assert (count.read, count.loaded, count.size, count.files) == (15, 15, 100, 2)


def test_the_rate_is_over_the_time_in_which_the_tap_wrote():
    counters = Counters()
    counters.add(counter("record_count", 100), 2.0, from_tap=True)
    counters.add(counter("record_count", 100), 60.0, from_tap=False)
    assert counters.streams["users"].rate == 50.0


def test_a_stream_begins_when_the_one_before_it_was_last_counted():
    counters = Counters()
    counters.add(counter("record_count", 100, "a"), 4.0, from_tap=True)
    counters.add(counter("record_count", 100, "b"), 6.0, from_tap=True)
    assert counters.streams["b"].rate == 50.0
    assert counters.records == 200


def test_a_target_alone_counts_if_the_tap_says_nothing():
    counters = Counters()
    counters.add(counter("record_count", 30), 3.0, from_tap=False)
    assert counters.records == 30
    assert counters.streams["users"].rate == 10.0


def test_no_rate_without_time():
    counters = Counters()
    counters.add(counter("record_count", 30), 0.09, from_tap=True)
    assert counters.streams["users"].rate is None


def test_what_the_tap_says_of_its_time_counts_more_than_when_it_was_heard():
    counters = Counters()
    counters.add(counter("record_count", 300), 9.0, from_tap=True)
    counters.add(Metric("timer", "sync_duration", 1.0, {"stream": "users"}), 9.0, from_tap=True)
    counters.add(Metric("timer", "sync_duration", 2.0, {"stream": "users"}), 9.5, from_tap=True)
    assert counters.streams["users"].rate == 100.0


def test_files_and_their_bytes_come_from_the_target():
    counters = Counters()
    counters.add(counter("file_count", 2), 1.0, from_tap=False)
    counters.add(counter("file_bytes", 5_000), 1.0, from_tap=False)
    count = counters.streams["users"]
    assert (count.files, count.stored) == (2, 5_000)


def test_other_metrics_are_let_pass():
    counters = Counters()
    counters.add(Metric("timer", "job_duration", 1.0, {"stream": "users"}), 1.0, from_tap=True)
    counters.add(Metric("timer", "sync_duration", 1.0, {"stream": "users"}), 1.0, from_tap=False)
    counters.add(Metric("counter", "record_count", 1.0, {}), 1.0, from_tap=True)
    counters.add(counter("http_request_count", 3), 1.0, from_tap=True)
    assert counters.streams == {}
    assert counters.records == 0


def test_bytes_count_on_the_side_of_the_tap_only():
    counters = Counters()
    counters.add(counter("record_bytes", 100), 1.0, from_tap=True)
    counters.add(counter("record_bytes", 100), 1.0, from_tap=False)
    assert counters.streams["users"].size == 100
