"""How a run is going, on a terminal: a table below the log that is drawn anew several times a second."""

from __future__ import annotations

import io
import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dativo.observe.events import RunEvent, StateStored, Ticked
from dativo.observe.lag import duration, newest_bookmarks
from dativo.observe.progress import eta, megabytes, moved

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from dativo.observe.console import Console
    from dativo.observe.counters import StreamCount
    from dativo.observe.tally import Tally

DRAW_SECONDS = 0.25
_OTHER_LINES = 6
"""Lines of a terminal that are not for streams."""


class LiveBoard:
    """Draws with rich, which is imported at the first tick: the connectors have been started by then."""

    def __init__(
        self, job: str, tally: Tally, console: Console, wall: Callable[[], float] = time.time
    ) -> None:
        self._job = job
        self._tally = tally
        self._console = console
        self._wall = wall
        self._drawn = -DRAW_SECONDS
        self._bookmarks: dict[str, datetime] = {}

    def take(self, event: RunEvent) -> None:
        if isinstance(event, StateStored):
            self._bookmarks = newest_bookmarks(event.text)
        elif isinstance(event, Ticked) and event.at - self._drawn >= DRAW_SECONDS:
            self._drawn = event.at
            self._console.board(self.lines(event.at))

    def close(self) -> None:
        self._console.board([])

    def lines(self, now: float) -> list[str]:
        """The board as it stands, cut to the terminal."""
        from rich.console import Console as RichConsole

        size = shutil.get_terminal_size()
        out = io.StringIO()
        rich = RichConsole(file=out, force_terminal=True, width=size.columns - 1, highlight=False)
        rich.print(self._head(now), overflow="ellipsis", no_wrap=True, markup=False)
        if self._tally.counters.streams:
            rich.print(self._table(max(size.lines - _OTHER_LINES, 1)))
        return out.getvalue().rstrip("\n").split("\n")

    def _head(self, now: float) -> str:
        parts = [self._job, duration(now), *moved(self._tally)]
        if self._tally.epochs:
            parts.append(f"state {duration(now - self._tally.epochs[-1])} ago")
        if slower := str(self._tally.bottleneck):
            parts.append(slower)
        return " | ".join(parts)

    def _table(self, room: int) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("stream", "records", "MB", "records/s", "loaded", "behind", "left"):
            table.add_column(name, justify="left" if name == "stream" else "right", no_wrap=True)
        streams = self._tally.counters.streams
        moving = sorted(streams.items(), key=lambda item: item[1].latest, reverse=True)
        for name, count in moving[:room]:
            table.add_row(Text(name), *self._row(name, count))
        if len(moving) > room:
            table.add_row(Text(f"and {len(moving) - room:,} more"))
        return table

    def _row(self, name: str, count: StreamCount) -> list[str]:
        newest = self._bookmarks.get(name)
        behind = (datetime.fromtimestamp(self._wall(), UTC) - newest).total_seconds() if newest else None
        left = eta(self._tally, name, count)
        return [
            f"{count.read:,}",
            megabytes(count.size).removesuffix(" MB") if count.size else "",
            f"{count.rate:,.0f}" if count.rate is not None else "",
            f"{count.loaded:,}" if count.loaded else "",
            duration(behind) if behind is not None and behind >= 0 else "",
            duration(left) if left is not None else "",
        ]
