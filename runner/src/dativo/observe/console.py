"""The terminal: labelled lines, and below them a board that is drawn over and over."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable


class Console:
    """Writes to stderr; falls silent, instead of failing the run, when nobody reads it any more.

    Args:
        stream: where to write.
        labels: names that may stand before lines, for a common width.
        hide: takes secrets out of what the runner says itself: errors of libraries may stand in it.
    """

    def __init__(
        self, stream: TextIO, labels: tuple[str, ...] = (), hide: Callable[[str], str] = str
    ) -> None:
        self._stream = stream
        self._hide = hide
        self._width = max(map(len, labels), default=0)
        self._board: list[str] = []
        self._gone = False
        self.is_terminal = stream.isatty()

    def line(self, label: str, text: str) -> None:
        """Writes `label | text`; every line of a text of several lines is labelled."""
        for each in text.splitlines() or [""]:
            self._write(f"{label:<{self._width}} | {each}\n")

    def say(self, text: str) -> None:
        """Writes a line of the runner's own."""
        self._write(f"{self._hide(text)}\n")

    def status(self, text: str) -> None:
        """Shows `text` as the status line of a terminal, cut to its width; empty text removes it."""
        columns = shutil.get_terminal_size().columns
        self.board([text[: max(columns - 1, 0)]] if text else [])

    def board(self, lines: list[str]) -> None:
        """Shows lines, none wider than the terminal, below everything else; no lines remove them."""
        if lines != self._board:
            erased, self._board = self._erased(), list(lines)
            self._emit(erased + "\n".join(lines))

    def _write(self, text: str) -> None:
        if self._board:
            self._emit(self._erased() + text + "\n".join(self._board))
        else:
            self._emit(text)

    def _erased(self) -> str:
        """Takes the board away, from its last line up."""
        return "\r\x1b[K" + "\x1b[1A\x1b[2K" * (len(self._board) - 1)

    def _emit(self, text: str) -> None:
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._gone = True
            point_at_nothing(self._stream)


def point_at_nothing(stream: TextIO) -> None:
    """Let what the stream still holds go nowhere: Python writes it at exit, and failing then is code 120."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)
