"""Lines of stderr: what is shown, what is counted, what is remembered as the reason."""

from __future__ import annotations

import io
import json

import pytest
from dativo.observe.connector_log import LAST_WORDS_LENGTH, ConnectorLog
from dativo.observe.console import Console
from dativo.secrets.redact import Redactor


@pytest.fixture
def log():
    """A log with its console's text in `shown` and its metrics in `metrics`."""
    shown, metrics = io.StringIO(), []
    log = ConnectorLog(
        Console(shown, ("tap",)),
        Redactor(["s3cret"]),
        lambda name, metric: metrics.append((name, metric.value)),
    )
    log.shown, log.metrics = shown, metrics
    return log


def take(log, *lines):
    for line in lines:
        log.take("tap", line.encode() if isinstance(line, str) else line)


METRIC = 'INFO METRIC: {"type": "counter", "metric": "record_count", "value": 5, "tags": {"stream": "s"}}'


def test_metrics_are_counted_and_not_shown(log):
    take(log, METRIC, "INFO hello")
    assert log.metrics == [("tap", 5)]
    assert log.shown.getvalue() == "tap | hello\n"


def test_without_a_taker_metrics_are_dropped():
    shown = io.StringIO()
    take(ConnectorLog(Console(shown), Redactor([])), METRIC)
    assert shown.getvalue() == ""


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], None),
        (["INFO all is well", "WARNING mostly"], None),
        (["ERROR first", "ERROR second"], "second"),
        (["CRITICAL the cause", "ERROR an echo", "loose text"], "the cause"),
        (["ERROR the cause", "Traceback:", "ValueError: x"], "the cause"),
        (["Traceback:", "  File x", "ValueError: x", ""], "ValueError: x"),
        (["FATAL old style"], "old style"),
        (["ERROR  many\t spaces  "], "many spaces"),
        (["ERROR key s3cret"], "key ****"),
        ([b"ERROR caf\xe9"], "caf\ufffd"),
    ],
)
def test_the_last_words_are_the_gravest_of_the_last(log, lines, words):
    take(log, *lines)
    assert log.last_words("tap") == words
    assert log.last_words("target") is None


def test_long_last_words_are_cut(log):
    take(log, "ERROR " + "x" * 10_000)
    words = log.last_words("tap")
    assert len(words) == LAST_WORDS_LENGTH
    assert words.endswith("x…")


def test_an_exception_is_shown_with_its_frames(log):
    exception = {
        "type": "ValueError",
        "message": "bad",
        "traceback": [{"filename": "f.py", "lineno": 3, "function": "g"}],
    }
    take(log, json.dumps({"level": "critical", "message": "stopped", "exception": exception}))
    assert log.shown.getvalue() == "tap | CRITICAL: stopped: ValueError: bad\ntap |   at f.py:3 in g\n"
    assert log.last_words("tap") == "stopped: ValueError: bad"


def test_a_secret_is_masked_before_anything_looks_at_the_line(log):
    take(log, json.dumps({"level": "info", "message": "s3cret", "metric_info": None}))
    assert log.shown.getvalue() == "tap | ****\n"


@pytest.mark.parametrize(
    "escaped",
    ["s3\\u0063ret", "\\u00733cret"],
    ids=["one character", "the first"],
)
def test_a_secret_that_json_spells_otherwise_is_hidden_too(log, escaped):
    """Encoders of other languages escape characters that Python's leaves alone."""
    exception = f'{{"type": "E", "message": "{escaped}"}}'
    take(log, f'{{"level": "error", "message": "key {escaped}", "exception": {exception}}}')
    assert "s3cret" not in log.shown.getvalue()
    assert log.last_words("tap") == "key ****: E: ****"
