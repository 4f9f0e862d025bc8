"""Logs on stderr: text in the SDK's format, or one JSON object a line where structured logs are asked for.

`SINGER_SDK_LOG_CONFIG` names a `logging.config` dictionary as JSON or YAML (L2); Meltano always sets it and
names formatters of singer_sdk in it, which need not be installed: ours, of the same output, stand in.
`LOGGING_CONF_FILE` is singer-python's and is left alone.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo_protocol.metrics import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from dativo_protocol.config import Connector

log = logging.getLogger(__name__)

TEXT_FORMAT = "{asctime:23s} | {levelname:8s} | {name:30s} | {message}"

_PLAIN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_DEEPEST_CHAIN = 10  # a chain of causes may be a ring
_SHORTEST_SECRET = 4  # a shorter one is no secret, and removing it would garble every line


class ConsoleFormatter(logging.Formatter):
    """Text for people (L1)."""

    def __init__(self, fmt: str = TEXT_FORMAT, style: str = "{", **options: Any) -> None:
        super().__init__(fmt, style=style, **options)  # type: ignore[arg-type]


class StructuredFormatter(logging.Formatter):
    """One JSON object a line for machines, with the keys that Meltano requires (L3)."""

    def __init__(self, *, app_name: str = "dativo", defaults: dict[str, Any] | None = None) -> None:
        super().__init__()
        self._defaults = {"app_name": app_name, "stream_name": None} | (defaults or {})

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in vars(record).items() if name not in _PLAIN_ATTRIBUTES}
        extra = self._defaults | extra
        line = {
            "level": record.levelname.lower(),
            "pid": record.process,
            "logger_name": record.name,
            "ts": record.created,
            "thread_name": record.threadName,
            "app_name": extra.pop("app_name"),
            "stream_name": extra.pop("stream_name"),
            "message": record.getMessage(),
            "extra": extra,
        }
        if isinstance(record.args, tuple) and record.args and isinstance(record.args[0], Point):
            line |= {"message": "METRIC", "metric_info": record.args[0].to_dict()}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _exception(record.exc_info[1])
        return json.dumps(line, default=str, separators=(",", ":"))


class _RedactingFormatter(logging.Formatter):
    """Formats as another does, then blots out secrets wherever they are: arguments, tracebacks, extras."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        forms = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1])}
        if isinstance(inner, _RedactingFormatter):  # one layer, however often secrets become known
            forms |= set(inner.secrets)
            inner = inner.inner
        self.inner: logging.Formatter = inner
        self.secrets: list[str] = sorted(forms, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        text = self.inner.format(record)
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def set_up_logging(connector: Connector[Any]) -> None:
    """Send logs to stderr as the environment asks: its format, its level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ConsoleFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    _set_level(root, connector)
    if path := os.environ.get("SINGER_SDK_LOG_CONFIG"):
        _apply_config(Path(path), connector.name)


def redact(secrets: Iterable[str]) -> None:
    """Keep these values out of every line logged from now on."""
    known = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
    if not known:
        return
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_RedactingFormatter(handler.formatter or logging.Formatter(), known))


def _set_level(root: logging.Logger, connector: Connector[Any]) -> None:
    for variable in (f"{connector.env_prefix}LOGLEVEL", "LOGLEVEL"):
        level = os.environ.get(variable, "").upper()
        if level in logging.getLevelNamesMapping():
            root.setLevel(level)
            return
        if level:
            log.warning("%s is no log level: %s", variable, level)


def _apply_config(path: Path, app_name: str) -> None:
    try:
        text = path.read_text()
    except FileNotFoundError:
        log.warning("Logging config file not found: %s", path)
        return
    from logging.config import dictConfig

    try:
        config = _parse(text)
        _stand_in(config, app_name)
        dictConfig(config)
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        log.warning("Logging config file %s is not used: %s", path, error)


def _parse(text: str) -> dict[str, Any]:
    """Read JSON, which is what Meltano writes, without the cost of importing yaml."""
    try:
        config = json.loads(text)
    except ValueError:
        import yaml

        try:
            config = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"neither JSON nor YAML: {error}") from error
    if not isinstance(config, dict):
        raise TypeError("expected a mapping")
    return config


def _stand_in(config: dict[str, Any], app_name: str) -> None:
    """Put our formatters where the dictionary names those of singer_sdk."""
    ours: dict[str, Callable[..., logging.Formatter]] = {
        "singer_sdk.logging.StructuredFormatter": partial(StructuredFormatter, app_name=app_name),
        "singer_sdk.logging.ConsoleFormatter": ConsoleFormatter,
    }
    for formatter in config.get("formatters", {}).values():
        name = formatter.pop("class", None) if "()" not in formatter else formatter["()"]
        if name in ours:
            formatter["()"] = ours[name]
        elif name is not None and "()" not in formatter:
            formatter["class"] = name


def _exception(error: BaseException, depth: int = 0) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": type(error).__name__,
        "module": type(error).__module__,
        "message": str(error),
        "traceback": _frames(error.__traceback__),
    }
    if notes := getattr(error, "__notes__", None):
        described["notes"] = list(notes)
    if depth == _DEEPEST_CHAIN:
        return described
    if error.__cause__ is not None:
        described["cause"] = _exception(error.__cause__, depth + 1)
    elif error.__context__ is not None and not error.__suppress_context__:
        described["context"] = _exception(error.__context__, depth + 1)
    return described


def _frames(trace: TracebackType | None) -> list[dict[str, Any]]:
    import traceback

    return [
        {"filename": frame.filename, "function": frame.name, "lineno": frame.lineno, "line": frame.line or ""}
        for frame in traceback.extract_tb(trace)
    ]
