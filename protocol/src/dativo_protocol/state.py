"""State: how far each stream has been read (K5..K7).

    {"bookmarks": {"<tap_stream_id>": {"replication_key": k, "replication_key_value": v,
                                       "starting_replication_value": …, "replication_key_signpost": …,
                                       "progress_markers": {"Note": …, "replication_key": k, …},
                                       "partitions": [{"context": {…}, …}]}}}

A bookmark is a value: its methods return the next one. A state is the document of one run: bookmarks are put
into it as the run goes on, and everything it was given and does not understand stays in it, because a
target's STATE replaces the stored document as a whole.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dativo_protocol.errors import ConfigError, SourceError

_KEY = "replication_key"
_VALUE = "replication_key_value"
_STARTING = "starting_replication_value"
_SIGNPOST = "replication_key_signpost"
_PROGRESS = "progress_markers"

PROGRESS_NOTE = "Progress is not resumable if interrupted."


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a stream, or one partition of it, has been read.

    Attributes:
        values: as in the document, unknown keys included.
    """

    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def replication_key(self) -> str | None:
        """The property that `replication_key_value` is a value of."""
        return self.values.get(_KEY)

    @property
    def replication_key_value(self) -> Any:
        """The greatest value below which everything has been read."""
        return self.values.get(_VALUE)

    @property
    def progress_markers(self) -> Mapping[str, Any]:
        """What an unsorted stream has seen so far: no place to resume from before its end is reached."""
        return self.values.get(_PROGRESS) or {}

    def resume_from(self, replication_key: str, *, at_least: Any = None) -> Any:
        """Return the value to read from, inclusive; None to read everything.

        Args:
            replication_key: now in use; a value of another key does not count.
            at_least: the configured start, if any; the later of the two wins.
        """
        value = self.replication_key_value if self.replication_key == replication_key else None
        return at_least if value is None or (at_least is not None and is_less(value, at_least)) else value

    def started(self, replication_key: str, *, signpost: Any = None, at_least: Any = None) -> Bookmark:
        """Return the bookmark at the start of a run: what an interrupted run left behind is wiped.

        Args:
            replication_key: now in use.
            signpost: upper limit of what an unsorted stream may claim at its end, normally the current time:
                records changed while it is read may be missing.
            at_least: as in `resume_from`.
        """
        stale = {_PROGRESS, _SIGNPOST, _STARTING}
        if self.replication_key != replication_key:
            stale |= {_KEY, _VALUE}
        marks = {_SIGNPOST: signpost, _STARTING: self.resume_from(replication_key, at_least=at_least)}
        return Bookmark(
            {**self._without(stale), **{key: mark for key, mark in marks.items() if mark is not None}}
        )

    def advanced(self, replication_key: str, value: Any, *, is_sorted: bool) -> Bookmark:
        """Return the bookmark after records up to `value`; null and smaller values do not advance it (K7).

        Args:
            replication_key: now in use.
            value: greatest of the records read.
            is_sorted: the stream comes in the order of its replication key, so it can be resumed half-way.

        Raises:
            SourceError: a sorted stream went backwards: resuming from it would skip records.
        """
        if value is None:
            return self
        marks = self.values if is_sorted else self.progress_markers
        seen = marks.get(_VALUE) if marks.get(_KEY) == replication_key else None
        if seen is not None and is_less(value, seen):
            if is_sorted:
                raise SourceError(f"not sorted by {replication_key!r}: {value!r} came after {seen!r}")
            return self
        advanced = {**marks, _KEY: replication_key, _VALUE: value}
        if is_sorted:
            return Bookmark(advanced)
        return Bookmark({**self.values, _PROGRESS: {"Note": PROGRESS_NOTE, **advanced}})

    def finished(self) -> Bookmark:
        """Return the bookmark at the end of a stream: its progress, capped by the signpost, now counts."""
        values = self._without({_PROGRESS, _SIGNPOST, _STARTING})
        progress = self.progress_markers
        if _KEY in progress:
            value, signpost = progress.get(_VALUE), self.values.get(_SIGNPOST)
            capped = signpost if signpost is not None and is_less(signpost, value) else value
            values |= {_KEY: progress[_KEY], _VALUE: capped}
        return Bookmark(values)

    def _without(self, keys: set[str]) -> dict[str, Any]:
        return {key: value for key, value in self.values.items() if key not in keys}


class State:
    """The state document of one run.

    Args:
        document: of the run before; copied. `envelope.read_state` reads one from a file.

    Raises:
        ConfigError: the document is not a state.
    """

    def __init__(self, document: Mapping[str, Any] | None = None) -> None:
        self._document = dict(copy.deepcopy(document or {}))
        if self._document.get("bookmarks") is not None:
            _object(self._document["bookmarks"], "bookmarks")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._document == other._document

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"State({self._document!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return the whole document, a copy, as a STATE carries it."""
        return copy.deepcopy(self._document)

    def get_bookmark(self, tap_stream_id: str, *, context: Mapping[str, Any] | None = None) -> Bookmark:
        """Return the bookmark of a stream or of one of its partitions; an empty one if it has none.

        Args:
            tap_stream_id: of the stream.
            context: values that identify the partition.

        Raises:
            ConfigError: what the document has there is not a bookmark.
        """
        values = (self._document.get("bookmarks") or {}).get(tap_stream_id) or {}
        stream = Bookmark(_object(values, f"bookmarks.{tap_stream_id}"))
        if context is None:
            return stream
        found = [values for values in _partitions(stream, tap_stream_id) if values.get("context") == context]
        if len(found) > 1:
            raise unusable_state(f"bookmarks.{tap_stream_id}.partitions has {context} twice")
        return Bookmark(found[0]) if found else Bookmark({"context": dict(context)})

    def set_bookmark(
        self, tap_stream_id: str, bookmark: Bookmark, *, context: Mapping[str, Any] | None = None
    ) -> None:
        """Put a bookmark in place of the one before; arguments as for `get_bookmark`."""
        if context is not None:
            bookmark = self._with_partition(tap_stream_id, bookmark, context)
        bookmarks = self._document.get("bookmarks") or {}
        self._document["bookmarks"] = {**bookmarks, tap_stream_id: copy.deepcopy(dict(bookmark.values))}

    def with_bookmark(
        self, tap_stream_id: str, bookmark: Bookmark, *, context: Mapping[str, Any] | None = None
    ) -> State:
        """Return a state that differs in one bookmark; arguments as for `get_bookmark`."""
        changed = State(self._document)
        changed.set_bookmark(tap_stream_id, bookmark, context=context)
        return changed

    def _with_partition(self, tap_stream_id: str, bookmark: Bookmark, context: Mapping[str, Any]) -> Bookmark:
        stream = self.get_bookmark(tap_stream_id)
        partitions = [dict(values) for values in _partitions(stream, tap_stream_id)]
        values = {"context": dict(context), **bookmark.values}
        places = [index for index, each in enumerate(partitions) if each.get("context") == context]
        if places:
            partitions[places[0]] = values
        else:
            partitions.append(values)
        return Bookmark({**stream.values, "partitions": partitions})


def is_less(left: Any, right: Any) -> bool:
    """Compare two values of a replication key: times as times, numbers as numbers, text as text.

    Text order would put "…00Z" after "…00.5Z". Values of different kinds have no order: neither is less.
    """
    if isinstance(left, str) and isinstance(right, str):
        times = _time(left), _time(right)
        if times[0] is not None and times[1] is not None:
            return times[0] < times[1]
        return left < right
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (left, right))
    return bool(left < right) if numbers else False


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Without a zone it is taken for UTC, as everywhere else.
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _partitions(stream: Bookmark, tap_stream_id: str) -> list[Mapping[str, Any]]:
    partitions = stream.values.get("partitions") or []
    if not isinstance(partitions, list):
        raise unusable_state(f"bookmarks.{tap_stream_id}.partitions is not a list")
    return [_object(values, f"bookmarks.{tap_stream_id}.partitions") for values in partitions]


def _object(value: object, place: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise unusable_state(f"{place} is not an object")


def unusable_state(reason: str) -> ConfigError:
    """Return the error for a state that is damaged or none."""
    return ConfigError(
        f"the state cannot be used: {reason}",
        instruction="Pass the last STATE that the target printed, or none to start over.",
    )
