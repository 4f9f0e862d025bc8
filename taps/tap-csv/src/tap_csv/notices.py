"""Things a user should know though nothing failed; each is said once a run."""

from __future__ import annotations

import logging

log = logging.getLogger("tap_csv")


class Notices:
    """Warnings that have been given."""

    def __init__(self) -> None:
        self._given: set[tuple[str, str]] = set()

    def warn(self, stream: str, text: str, *, about: str | None = None) -> None:
        """Log a warning about a stream.

        Args:
            stream: name.
            text: one sentence.
            about: another warning about the same is not given; by default one of the same text.
        """
        self._log(logging.WARNING, stream, text, about)

    def say(self, stream: str, text: str) -> None:
        """Log an information about a stream."""
        self._log(logging.INFO, stream, text, None)

    def _log(self, level: int, stream: str, text: str, about: str | None) -> None:
        key = (stream, text if about is None else f"\0{about}")
        if key not in self._given:
            self._given.add(key)
            log.log(level, "%s: %s", stream, text, extra={"stream_name": stream})
