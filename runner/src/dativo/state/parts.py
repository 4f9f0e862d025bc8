"""A state taken apart: while the streams of a job are loaded at once, each has a state of its own.

The whole then says so, in a member beside those of the tap:

    {"bookmarks": {…}, "dativo_parts": ["orders", "users"]}

What it says of those streams is how far they were when it was last put together; the parts know better.
Everybody but a run in parts sees the state as if it had never been taken apart.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from dativo.errors import StateError
from dativo.state.envelope import members_of
from dativo.state.text import BOOKMARKS, merged, object_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo.state.store import StateKey, StateStore, Stored

MEMBER = "dativo_parts"
_PASSING = "currently_syncing"
"""Where a tap stands in its row of streams; of no meaning to a tap with other streams."""


def part_key(key: StateKey, stream: str) -> StateKey:
    """The key of one stream of a job."""
    return replace(key, part=stream)


def parts_of(text: str) -> tuple[str, ...]:
    """Streams that have a state of their own; raises StateError if that cannot be read."""
    listed = json.loads(members_of(text).get(MEMBER, "[]"))
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise StateError(f'"{MEMBER}" in the state must be a list of streams')
    return tuple(listed)


def taken_apart(text: str, streams: Iterable[str]) -> str:
    """The state of the whole that says which streams have one of their own."""
    members, listed = members_of(text), sorted(set(streams))
    if listed:
        return object_of({**members, MEMBER: json.dumps(listed, ensure_ascii=False)})
    if MEMBER not in members:
        return text
    members.pop(MEMBER)
    return object_of(members)


def part_of(text: str, stream: str) -> str:
    """Where one stream starts: its own bookmark, and all that is no bookmark."""
    members = members_of(text)
    for passing in (MEMBER, _PASSING):
        members.pop(passing, None)
    if BOOKMARKS in members:
        bookmarks = members_of(members[BOOKMARKS])
        own = {stream: bookmarks[stream]} if stream in bookmarks else {}
        members[BOOKMARKS] = object_of(own)
    return object_of(members)


def joined(whole: str, parts: Mapping[str, str]) -> str:
    """The state of the whole with what the parts know; each of them decides about its own stream."""
    members = members_of(whole)
    members.pop(MEMBER, None)
    if parts:
        members.pop(_PASSING, None)
    bookmarks = members_of(members.pop(BOOKMARKS, "{}"))
    had_bookmarks = bool(bookmarks)
    for stream, text in parts.items():
        own = members_of(text)
        own.pop(_PASSING, None)
        had_bookmarks = had_bookmarks or BOOKMARKS in own
        _take_over(bookmarks, members_of(own.pop(BOOKMARKS, "{}")), stream, parts)
        _take_over(members, own, stream, parts)
    return object_of({BOOKMARKS: object_of(bookmarks), **members} if had_bookmarks else members)


def stored_parts(store: StateStore, key: StateKey) -> dict[str, Stored]:
    """Stream → the state of its own that it has, as far as anything has been stored of it."""
    whole = store.read(key)
    streams = parts_of(whole.text) if whole else ()
    found = {stream: store.read(part_key(key, stream)) for stream in streams}
    return {stream: stored for stream, stored in found.items() if stored is not None}


def read_joined(store: StateStore, key: StateKey) -> Stored | None:
    """The state of a job as if it had never been taken apart; number and time are those of the whole."""
    stored = store.read(key)
    if stored is None or not (streams := parts_of(stored.text)):
        return stored
    return replace(stored, text=joined(stored.text, dict(_stored_parts(store, key, streams))))


def write_joined(store: StateStore, key: StateKey, text: str, *, run: str, after: Stored | None) -> Stored:
    """Replaces the state of a job; where it is taken apart it stays so, and each stream gets its part.

    Args:
        after: the whole as `store.read` gave it.
    """
    streams = parts_of(after.text) if after else ()
    for stream in streams:
        part = part_key(key, stream)
        store.write(part, part_of(text, stream), run=run, after=store.read(part))
    return store.write(key, taken_apart(text, streams), run=run, after=after)


def sum_up_parts(store: StateStore, key: StateKey, whole: Stored | None, *, run: str) -> Stored | None:
    """Stores the whole with what its parts know by now, if there are any; it stays taken apart.

    Args:
        whole: as `store.read` gave it.
    """
    if whole is None or not (streams := parts_of(whole.text)):
        return whole
    text = taken_apart(joined(whole.text, dict(_stored_parts(store, key, streams))), streams)
    return whole if text == whole.text else store.write(key, text, run=run, after=whole)


def put_aside(store: StateStore, key: StateKey) -> None:
    """Forgets every part of a job; their histories keep them."""
    for each in list(store.keys(key.tenant)):
        if each.part and replace(each, part=None) == key:
            store.remove(each)


def _stored_parts(store: StateStore, key: StateKey, streams: Iterable[str]) -> Iterator[tuple[str, str]]:
    for stream in streams:
        if (stored := store.read(part_key(key, stream))) is not None:
            yield stream, stored.text


def _take_over(
    members: dict[str, str], own: Mapping[str, str], stream: str, parts: Mapping[str, str]
) -> None:
    """Members under the name of another part are what that one was when this one began: they do not count."""
    members.pop(stream, None)
    if stream in own:
        members[stream] = own[stream]
    for name, value in own.items():
        if name not in parts:
            members[name] = merged(members[name], value) if name in members else value
