"""The terminal: labelled lines, and below them one status line that is drawn over and over."""

from __future__ import annotations

import os
import shutil
from typing import TextIO


class Console:
    """Writes to stderr; falls silent, instead of failing the run, when nobody reads it any more.

    Args:
        stream: where to write.
        labels: names that may stand before lines, for a common width.
    """

    def __init__(self, stream: TextIO, labels: tuple[str, ...] = ()) -> None:
        self._stream = stream
        self._width = max(map(len, labels), default=0)
        self._status = ""
        self._gone = False
        self.is_terminal = stream.isatty()

    def line(self, label: str, text: str) -> None:
        """Writes `label | text`; every line of a text of several lines is labelled."""
        for each in text.splitlines() or [""]:
            self._write(f"{label:<{self._width}} | {each}\n")

    def say(self, text: str) -> None:
        """Writes a line of the runner's own."""
        self._write(f"{text}\n")

    def status(self, text: str) -> None:
        """Shows `text` as the status line of a terminal, cut to its width; empty text removes it."""
        columns = shutil.get_terminal_size().columns
        text = text[: max(columns - 1, 0)]
        if text != self._status:
            self._status = text
            self._emit(f"\r\x1b[K{text}")

    def _write(self, text: str) -> None:
        if self._status:
            self._emit(f"\r\x1b[K{text}{self._status}")
        else:
            self._emit(text)

    def _emit(self, text: str) -> None:
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._gone = True
            _point_at_nothing(self._stream)


def _point_at_nothing(stream: TextIO) -> None:
    """Let what the stream still holds go nowhere: Python writes it at exit, and failing then is code 120."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)
