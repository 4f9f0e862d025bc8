"""What came of a run that went well: a short table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo.observe.progress import MEGABYTE
from dativo.observe.text_table import text_table
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo.observe.counters import Counters, StreamCount


@dataclass(frozen=True, slots=True)
class Result:
    """What a run that went well has moved.

    Attributes:
        seconds: wall time from the start of the connectors to the end of both.
        state: where the state stands, None if the target gave none.
        described: of a dry run, what its streams are made of: JSON text.
    """

    counters: Counters
    seconds: float
    state: str | None
    described: str | None = None


def result_lines(job: str, result: Result) -> list[str]:
    """The table of a run that went well."""
    streams = result.counters.streams
    lines = [f"{job}: done in {result.seconds:.1f} s"]
    if streams:
        rows = [_HEAD, *(_row(name, count) for name, count in streams.items()), _total(result)]
        lines += [f"  {line}" for line in text_table(_without_empty(rows), numbers=True)]
    else:
        lines.append("  the connectors logged no counts")
    lines.append(f"  state: {result.state}" if result.state else "  state: none was given")
    return lines


_HEAD = ("stream", "records", "MB", "records/s", "loaded", "files", "MB stored")


def _row(name: str, count: StreamCount) -> tuple[str, ...]:
    return (
        name,
        f"{count.read:,}" if count.read or not count.loaded else "-",
        _megabytes(count.size),
        f"{count.rate:,.0f}" if count.rate is not None else "-",
        f"{count.loaded:,}" if count.loaded or not count.read else "-",
        f"{count.files:,}" if count.files else "-",
        _megabytes(count.stored),
    )


def _total(result: Result) -> tuple[str, ...]:
    counts = result.counters.streams.values()
    return (
        "total",
        f"{sum(count.read for count in counts):,}",
        _megabytes(sum(count.size for count in counts)),
        f"{result.counters.records / result.seconds:,.0f}",
        f"{sum(count.loaded for count in counts):,}",
        f"{sum(count.files for count in counts):,}",
        _megabytes(sum(count.stored for count in counts)),
    )


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f}" if size else "-"


def _without_empty(rows: Sequence[tuple[str, ...]]) -> list[list[str]]:
    """The rows less the columns in which no stream has anything to say."""
    said = [any(row[index] not in {"-", "0"} for row in rows[1:]) for index in range(len(rows[0]))]
    return [[cell for cell, keep in zip(row, said, strict=True) if keep] for row in rows]
