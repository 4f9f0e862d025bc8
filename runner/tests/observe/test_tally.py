"""What is known of a run so far, and the small things its sinks are made of: lag, trace, files."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta, timezone

import pytest
from dativo.observe.events import Attempted, Exited, Fill, Logged, PipesSampled, UsageSampled
from dativo.observe.lag import duration, newest_bookmarks
from dativo.observe.log_lines import LogLine, Metric
from dativo.observe.tally import MOST_WARNINGS, Tally, iso, stream_facts
from dativo.observe.trace_context import TraceContext, trace_context
from dativo.observe.write import write_private


def test_a_run_is_summed_up(told):
    told.whole_run()
    tally = told.tally
    assert (tally.tap.name, tally.target.name) == ("tap-x", "target-y")
    assert (tally.first_record, tally.epochs) == (1.0, [1.0, 2.0])
    assert (tally.state.text, tally.state.seq) == ("{}", 8)
    assert [each.number for each in tally.attempts] == [1]
    assert (tally.warnings, tally.rows) == (["mind the gap"], {"users": 40})
    assert list(tally.schemas["users"]["properties"]) == ["id", "at"]
    assert (tally.ended.verdict, tally.ended.at) == ("succeeded", 3.0)
    tap, target = tally.sides["tap-x"], tally.sides["target-y"]
    assert (tap.peak_memory, tap.cpu_seconds, tap.sent, tap.exit) == (5_000_000, 0.7, 3_000_000, 0)
    assert (target.peak_memory, target.cpu_seconds, target.sent, target.exit) == (0, 0.0, 0, 0)


def test_records_count_for_the_side_that_moved_them(told):
    told.start()
    told.count("tap-x", "users", 10, 500)
    told.count("target-y", "users", 8, 700)
    told.later(2)
    told.count("tap-x", "users", 1)
    assert stream_facts(told.tally) == {
        "users": {"read": 11, "loaded": 8, "bytes": 500, "files": 0, "stored": 0, "seconds": 2.0}
    }


def test_the_tap_knows_best_how_long_its_stream_took(told):
    told.start()
    told.count("tap-x", "users", 10)
    told.later(5)
    told.count("target-y", "users", 10)
    told.observer.counted("tap-x", Metric("timer", "sync_duration", 1.23456, {"stream": "users"}))
    assert stream_facts(told.tally)["users"]["seconds"] == 1.235


def test_what_is_loaded_is_counted_with_its_files(told):
    told.start()
    for name, value in (("file_count", 2), ("file_bytes", 900)):
        told.observer.counted("target-y", Metric("counter", name, value, {"stream": "users"}))
    facts = stream_facts(told.tally)["users"]
    assert (facts["files"], facts["stored"]) == (2, 900)


def test_a_metric_without_a_stream_belongs_to_none(told):
    told.start()
    told.observer.counted("tap-x", Metric("counter", "record_count", 5))
    assert stream_facts(told.tally) == {}


@pytest.mark.parametrize(
    ("events", "first"),
    [
        ([], None),
        ([PipesSampled(1.0, (Fill("a", "b", 0.0),))], None),
        ([PipesSampled(1.0, (Fill("a", "b", 0.0), Fill("b", "c", 0.01)))], 1.0),
        ([PipesSampled(2.0, (Fill("a", "b", 1.0),)), PipesSampled(3.0, (Fill("a", "b", 1.0),))], 2.0),
    ],
)
def test_the_first_record_is_heard_of_when_a_pipe_is_not_empty(events, first):
    tally = Tally()
    for event in events:
        tally.take(event)
    assert tally.first_record == first


@pytest.mark.parametrize(("name", "value", "first"), [("record_count", 0, None), ("record_bytes", 5, None)])
def test_only_a_count_of_records_is_one(told, name, value, first):
    told.start()
    told.observer.counted("tap-x", Metric("counter", name, value, {"stream": "users"}))
    assert told.tally.first_record is first
    told.later(4)
    told.observer.counted("tap-x", Metric("counter", "record_count", 1, {"stream": "users"}))
    assert told.tally.first_record == 4.0


def test_peaks_of_each_side_stay_in_any_order():
    tally = Tally()
    for sample in ((5, 1.0, 0), (9, 0.5, 70), (1, 2.0, 60)):
        tally.take(UsageSampled(1.0, "mapper", *sample))
    facts = tally.sides["mapper"]
    assert (facts.peak_memory, facts.cpu_seconds, facts.sent) == (9, 2.0, 70)


def test_a_side_that_nobody_announced_ends_too():
    tally = Tally()
    tally.take(Exited(1.0, "mapper", -9))
    assert tally.sides["mapper"].exit == -9


@pytest.mark.parametrize(
    ("side", "level", "kept"),
    [
        (None, "WARNING", True),
        (None, "WARN", True),
        (None, "ERROR", True),
        (None, "INFO", False),
        (None, None, False),
        ("tap-x", "WARNING", False),
        ("tap-x", "CRITICAL", False),
    ],
)
def test_warnings_are_those_of_the_runner(side, level, kept):
    tally = Tally()
    tally.take(Logged(1.0, side, LogLine(level, "mind the gap")))
    assert tally.warnings == (["mind the gap"] if kept else [])


def test_no_more_warnings_are_kept_than_anybody_reads():
    tally = Tally()
    for number in range(MOST_WARNINGS + 5):
        tally.take(Logged(1.0, None, LogLine("WARNING", str(number))))
    assert tally.warnings == [str(number) for number in range(MOST_WARNINGS)]


def test_every_attempt_is_kept():
    tally, attempts = Tally(), [Attempted(float(n), n, 0.0, "failed", None, 0) for n in (1, 2, 3)]
    for attempt in attempts:
        tally.take(attempt)
    tally.close()
    assert tally.attempts == attempts


def test_a_moment_of_the_run_has_a_time_of_day(told):
    told.start()
    assert told.tally.wall(1.25) == datetime(2026, 11, 24, 0, 0, 1, 250_000, UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 24, tzinfo=UTC), "2026-11-24T00:00:00.000Z"),
        (datetime(2026, 11, 24, 1, 2, 3, 987_654, UTC), "2026-11-24T01:02:03.987Z"),
    ],
)
def test_times_are_written_to_the_millisecond(moment, text):
    assert iso(moment) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (172_799, "48 h"),
        (172_800, "2 d"),
        (86_400 * 400, "400 d"),
    ],
)
def test_a_duration_is_told_in_the_unit_that_fits(seconds, text):
    assert duration(seconds) == text


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bookmark", "moment"),
    [
        ('"2026-01-31T12:00:00Z"', NOON),
        ('"2026-01-31T12:00Z"', NOON),
        ('"2026-01-31 12:00:00"', NOON),
        ('"2026-01-31T13:30:00+01:30"', NOON),
        ('"2026-01-31T10:00:00.000-0200"', NOON),
        ('{"a": {"b": "2026-01-31T12:00:00Z"}, "c": "2026-01-31T11:59:59Z"}', NOON),
        ('{"a": 5, "b": "2026-01-31T12:00:00Z", "c": null}', NOON),
        ('"2026-01-31"', None),
        ('"2026-02-31T12:00:00Z"', None),
        ('"at 2026-01-31T12:00:00Z"', None),
        ("1769860800", None),
        ('["2026-01-31T12:00:00Z"]', None),
        ("{}", None),
    ],
)
def test_how_far_a_stream_is_stands_in_its_bookmark(bookmark, moment):
    found = newest_bookmarks(f'{{"bookmarks": {{"users": {bookmark}}}}}')
    assert found == ({"users": moment} if moment else {})


DEEP = 100_000


@pytest.mark.parametrize(
    "state",
    [
        "",
        "{",
        "[]",
        "5",
        "{}",
        '{"bookmarks": 5}',
        '{"bookmarks": []}',
        pytest.param("[" * DEEP + "]" * DEEP, id="deep-lists"),
        pytest.param('{"bookmarks": ' * 2000 + "1" + "}" * 2000, id="deep-bookmarks"),
    ],
)
def test_a_state_without_bookmarks_says_nothing(state):
    assert newest_bookmarks(state) == {}


def test_the_newest_time_is_told_whatever_its_zone():
    state = '{"bookmarks": {"s": {"a": "2026-01-31T12:00:00+02:00", "b": "2026-01-31T11:00:00Z"}}}'
    assert newest_bookmarks(state)["s"] == datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=2)))


TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_a_run_goes_on_in_the_trace_it_is_started_in(flags):
    context = trace_context({"TRACEPARENT": f"00-{TRACE}-{SPAN}-{flags}"})
    assert (context.trace, context.parent) == (int(TRACE, 16), int(SPAN, 16))
    assert context.span not in (0, context.parent)
    assert context.traceparent == f"00-{TRACE}-{context.span:016x}-01"


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        f"01-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_else_a_trace_begins_with_it(given):
    context = trace_context({} if given is None else {"TRACEPARENT": given})
    assert context.parent == 0
    assert context.trace not in (0, int(TRACE, 16))
    assert len(context.traceparent) == 55


def test_numbers_of_a_trace_keep_their_leading_zeros():
    assert TraceContext(1, 2).traceparent == f"00-{'1':>032}-{'2':>016}-01"


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_is_replaced_whole_and_has_its_mode_whatever_the_old_one_had(tmp_path, mode):
    path = tmp_path / "report.json"
    path.write_text("a much longer text than the new one")
    path.chmod(0o666)
    with path.open() as reader:
        write_private(path, "nüw\n", mode=mode)
        assert reader.read() == "a much longer text than the new one"
    assert path.read_bytes() == "nüw\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_left_half_written_is_no_hindrance(tmp_path):
    path = tmp_path / "report.json"
    (tmp_path / f".report.json.{os.getpid()}.new").write_text("half of something longer")
    write_private(path, "whole")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_replaced_stays(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_private(tmp_path / "gone" / "report.json", "x")
