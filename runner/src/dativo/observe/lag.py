"""How far behind its source a stream is: from the bookmarks in a state, where these are times."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")


def newest_bookmarks(state: str) -> dict[str, datetime]:
    """Stream → the newest time among its bookmarks; streams without one are left out."""
    try:
        return dict(_newest(json.loads(state)))
    except (ValueError, RecursionError):
        return {}


def _newest(document: Any) -> Iterator[tuple[str, datetime]]:
    bookmarks = document.get("bookmarks") if isinstance(document, dict) else None
    for stream, bookmark in bookmarks.items() if isinstance(bookmarks, dict) else ():
        if times := list(_times(bookmark)):
            yield stream, max(times)


def _times(value: Any) -> Iterator[datetime]:
    if isinstance(value, dict):
        for child in value.values():
            yield from _times(child)
    elif isinstance(value, str) and _TIME.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return
        yield moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def duration(seconds: float) -> str:
    """`42 s`, `5 min`, `3 h`, `12 d`."""
    for unit, size, limit in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
