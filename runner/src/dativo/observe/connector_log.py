"""What connectors say on stderr: shown with a label, secrets masked, metrics taken out, last words kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dativo.observe.log_lines import LEVELS, LogLine, Metric, parse_log_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.observe.console import Console
    from dativo.secrets.redact import Redactor

LAST_WORDS_LENGTH = 500


@dataclass(slots=True)
class _LastWords:
    severity: int
    text: str
    retryable: bool | None


class ConnectorLog:
    """Takes lines of stderr.

    Args:
        console: where they are shown.
        redact: is applied to every line first.
        on_metric: is given (connector, metric) for lines that carry one; such lines are not shown.
        on_line: is given (connector, line) for all others.
    """

    def __init__(
        self,
        console: Console,
        redact: Redactor,
        on_metric: Callable[[str, Metric], None] | None = None,
        on_line: Callable[[str, LogLine], None] | None = None,
    ) -> None:
        self._console = console
        self._redact = redact
        self._on_metric = on_metric
        self._on_line = on_line
        self._last_words: dict[str, _LastWords] = {}

    def take(self, connector: str, line: bytes) -> None:
        """Deals with one line of one connector."""
        parsed = self._parsed(line.decode(errors="replace"))
        if parsed.metric is not None:
            if self._on_metric is not None:
                self._on_metric(connector, parsed.metric)
            return
        self._console.line(connector, _shown(parsed))
        if self._on_line is not None:
            self._on_line(connector, parsed)
        self._remember(connector, parsed)

    def _parsed(self, text: str) -> LogLine:
        line = parse_log_line(self._redact(text))
        if not text.startswith("{"):
            return line
        # JSON can spell a character in more ways than are looked for: what it means is looked at too.
        return replace(line, message=self._redact(line.message), trace=tuple(map(self._redact, line.trace)))

    def last_words(self, connector: str) -> str | None:
        """The last CRITICAL line, else the last ERROR line, else the last line without a level."""
        words = self._last_words.get(connector)
        return words.text if words else None

    def retryable(self, connector: str) -> bool | None:
        """Whether the connector said with its last words that another try is worth it; None if it did not."""
        words = self._last_words.get(connector)
        return words.retryable if words else None

    def _remember(self, connector: str, line: LogLine) -> None:
        unlevelled = line.level is None
        if not line.message.strip() or not (unlevelled or line.severity >= LEVELS["ERROR"]):
            return
        before = self._last_words.get(connector)
        if before is None or line.severity >= before.severity:
            self._last_words[connector] = _LastWords(line.severity, _one_line(line.message), line.retryable)


def _shown(line: LogLine) -> str:
    message = line.message if line.level in {None, "INFO"} else f"{line.level}: {line.message}"
    return "\n".join([message, *line.trace])


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LAST_WORDS_LENGTH else f"{text[: LAST_WORDS_LENGTH - 1]}…"
