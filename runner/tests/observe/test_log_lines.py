"""Log lines of Singer tools of every kind."""

from __future__ import annotations

import json

import pytest
from dativo.observe.log_lines import parse_log_line

POINT = {"type": "counter", "metric": "record_count", "value": 12, "tags": {"stream": "users", "pid": 7}}


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        (
            "2026-01-31 12:00:00,123 | INFO     | tap-x                | Beginning sync",
            "INFO",
            "Beginning sync",
        ),
        ("2026-01-31 12:00:00,123 | CRITICAL | singer_sdk.metrics   | a | b", "CRITICAL", "a | b"),
        ("INFO Running sync", "INFO", "Running sync"),
        ("CRITICAL could not connect", "CRITICAL", "could not connect"),
        ("WARNING: careful", "WARNING", "careful"),
        ("ERROR:root:boom", "ERROR", "root:boom"),
        ("Traceback (most recent call last):", None, "Traceback (most recent call last):"),
        ("INFORMATION is not a level", None, "INFORMATION is not a level"),
        ("a | b | c | d", None, "a | b | c | d"),
        ("2026-01-31 12:00:00,123 | LOUD     | x | y", None, "2026-01-31 12:00:00,123 | LOUD     | x | y"),
        ("", None, ""),
        ("{", None, "{"),
        ('{"no": "log line"}', None, '{"no": "log line"}'),
        ("{broken}", None, "{broken}"),
    ],
)
def test_level_and_message(line, level, message):
    parsed = parse_log_line(line)
    assert (parsed.level, parsed.message, parsed.metric) == (level, message, None)


@pytest.mark.parametrize(
    "line",
    [
        f"INFO METRIC: {json.dumps(POINT)}",
        f"2026-01-31 12:00:00,123 | INFO     | singer_sdk.metrics             | METRIC: {json.dumps(POINT)}",
        json.dumps({"level": "info", "message": "METRIC", "metric_info": POINT, "stream_name": None}),
    ],
)
def test_metrics_in_all_three_shapes(line):
    metric = parse_log_line(line).metric
    assert (metric.kind, metric.name, metric.value, metric.stream) == ("counter", "record_count", 12, "users")


@pytest.mark.parametrize(
    "point",
    [
        {},
        [],
        5,
        {**POINT, "value": "12"},
        {**POINT, "value": True},
        {**POINT, "metric": None},
        {**POINT, "type": 1},
    ],
)
def test_what_is_no_metric_is_a_line(point):
    assert parse_log_line(f"INFO METRIC: {json.dumps(point)}").metric is None
    assert parse_log_line(json.dumps({"level": "info", "message": "m", "metric_info": point})).metric is None


def test_a_metric_without_stream():
    metric = parse_log_line(f"INFO METRIC: {json.dumps({**POINT, 'tags': None})}").metric
    assert metric.stream is None


def test_an_exception_in_a_structured_line():
    line = {
        "level": "critical",
        "message": "stopped",
        "exception": {
            "type": "ValueError",
            "message": "no such column",
            "traceback": [{"filename": "tap.py", "function": "sync", "lineno": 12, "line": "x()"}],
        },
    }
    parsed = parse_log_line(json.dumps(line))
    assert parsed.message == "stopped: ValueError: no such column"
    assert parsed.trace == ("  at tap.py:12 in sync",)
    assert parsed.severity == 50


@pytest.mark.parametrize(("open_", "close"), [('{"a":', "}"), ('{"a":[', "]}")])
def test_json_nested_without_end_is_a_text_like_any_other(open_, close):
    line = open_ * 8000 + "1" + close * 8000
    assert parse_log_line(line).message == line
