"""States as lines for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dativo.errors import StateError
from dativo.observe.text_table import text_table
from dativo.state.parts import read_joined, stored_parts
from dativo.state.text import streams_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dativo.state.locate import Located
    from dativo.state.store import Stored, Version

_STEPS = ((60, "s"), (60, "min"), (24, "h"), (365, "d"))


def state_facts(found: Iterable[Located]) -> Iterator[dict[str, Any]]:
    """What is known of each state, a damaged one too."""
    for place in found:
        facts: dict[str, Any] = {"job": str(place.key), "place": place.store.place(place.key)}
        try:
            stored = read_joined(place.store, place.key)
            parts = stored_parts(place.store, place.key)
        except StateError as error:
            yield {**facts, "error": str(error)}
            continue
        if stored is not None:
            streams = streams_of(stored.text)
            newest = max([stored, *parts.values()], key=lambda each: each.at)
            facts |= {"seq": stored.seq, "at": newest.at, "run": newest.run, "streams": streams}
            yield facts | ({"parts": {name: _part(each) for name, each in parts.items()}} if parts else {})


def state_lines(facts: Iterable[dict[str, Any]]) -> list[str]:
    """One line a state."""
    rows = [
        [each["job"], "damaged", "", "", ""]
        if "error" in each
        else [
            each["job"],
            f"seq {each['seq']}",
            age(each["at"]),
            _run(each["run"]),
            _streams(each),
        ]
        for each in facts
    ]
    return list(text_table(rows)) if rows else ["nothing is stored here yet"]


def _part(stored: Stored) -> dict[str, Any]:
    return {"seq": stored.seq, "at": stored.at, "run": stored.run}


def _run(run: str | None) -> str:
    return f"run {run}" if run else ""


def _streams(facts: dict[str, Any]) -> str:
    count = len(facts["streams"])
    said = f"{count} streams" if count != 1 else "1 stream"
    return f"{said}, {len(facts['parts'])} in parts" if "parts" in facts else said


def version_lines(versions: Iterable[Version]) -> list[str]:
    """One line a version, newest first."""
    rows = [[f"seq {each.seq}", each.at, _run(each.run), each.reason] for each in versions]
    return list(text_table(rows)) if rows else ["the history is empty"]


def age(at: str, now: datetime | None = None) -> str:
    """How long ago: `2 min ago`; the time itself if it cannot be read."""
    try:
        seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(at)).total_seconds()
    except (ValueError, TypeError):
        return at
    amount = max(seconds, 0.0)
    for size, unit in _STEPS:
        if amount < size:
            return f"{int(amount)} {unit} ago"
        amount /= size
    return f"{int(amount)} y ago"
