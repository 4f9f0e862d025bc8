"""Lines on stderr in the shapes that Singer tools write, and the metrics in them.

- structured: one JSON object with `level` and `message`, metrics in `metric_info`;
- text of the SDK: `2026-01-31 12:00:00,000 | INFO     | tap-users | message`;
- singer-python: `INFO message`;
- anything else (tracebacks, prints) is a message without level.
"""

from __future__ import annotations

import json
import re
from dataclasses import field
from typing import TYPE_CHECKING, Any

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "WARN": 30, "ERROR": 40, "CRITICAL": 50, "FATAL": 50}

_SDK_TEXT = re.compile(r"[^|]{10,40}\| *(?P<level>[A-Za-z]+) *\|[^|]*\| ?(?P<message>.*)", re.DOTALL)
_PLAIN_TEXT = re.compile(
    r"(?P<level>DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)[: ] *(?P<message>.*)", re.DOTALL
)
_METRIC = "METRIC: {"


@dataclass(frozen=True, slots=True)
class Metric:
    """One Singer metric: a `counter` since the last of its kind, or a `timer` in seconds."""

    kind: str
    name: str
    value: float
    tags: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stream(self) -> str | None:
        stream = self.tags.get("stream")
        return stream if isinstance(stream, str) else None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of stderr.

    Attributes:
        level: one of LEVELS, None if the line has none.
        message: the text, with type and text of the exception if the line has one.
        metric: set when the line carries one.
        trace: where the exception came from, one line a frame, innermost last.
        retryable: whether its writer says that another try is worth it; None if it does not say.
    """

    level: str | None
    message: str
    metric: Metric | None = None
    trace: tuple[str, ...] = ()
    retryable: bool | None = None

    @property
    def severity(self) -> int:
        return LEVELS.get(self.level or "", 0)


def parse_log_line(line: str) -> LogLine:
    """Reads one line without its end; never fails."""
    if line.startswith("{") and line.endswith("}"):
        structured = _structured(line)
        if structured:
            return structured
    match = _SDK_TEXT.fullmatch(line) or _PLAIN_TEXT.fullmatch(line)
    if match is None or match["level"].upper() not in LEVELS:
        return LogLine(None, line)
    message = match["message"]
    metric = None
    if message.startswith(_METRIC):
        metric = _metric(_object(message[len(_METRIC) - 1 :]))
    return LogLine(match["level"].upper(), message, metric)


def _structured(line: str) -> LogLine | None:
    document = _object(line)
    level, message = document.get("level"), document.get("message")
    if not isinstance(level, str) or not isinstance(message, str):
        return None
    trace: tuple[str, ...] = ()
    exception = document.get("exception")
    if isinstance(exception, dict) and exception.get("type"):
        said = exception.get("message")
        message += f": {exception['type']}: {said}" if said else f": {exception['type']}"
        trace = tuple(_frames(exception.get("traceback")))
    extra = document.get("extra")
    said = extra.get("retryable") if isinstance(extra, dict) else None
    retryable = said if isinstance(said, bool) else None
    return LogLine(level.upper(), message, _metric(document.get("metric_info")), trace, retryable)


def _frames(trace: Any) -> Iterator[str]:
    for frame in trace if isinstance(trace, list) else ():
        if isinstance(frame, dict):
            yield f"  at {frame.get('filename')}:{frame.get('lineno')} in {frame.get('function')}"


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _metric(document: Any) -> Metric | None:
    if not isinstance(document, dict):
        return None
    kind, name, value, tags = (document.get(key) for key in ("type", "metric", "value", "tags"))
    if not isinstance(kind, str) or not isinstance(name, str) or isinstance(value, bool):
        return None
    if not isinstance(value, int | float):
        return None
    return Metric(kind, name, value, tags if isinstance(tags, dict) else {})
