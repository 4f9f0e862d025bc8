"""States as texts: taken from every form in which people have them, changed without touching a digit.

Nothing here goes through a float: what is not meant by a change stays byte for byte.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dativo.errors import StateError
from dativo.state.envelope import damaged, is_envelope, members_of, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping

BOOKMARKS = "bookmarks"


def state_in(text: str, place: str) -> str:
    """The state, JSON text, in a bare state, an envelope, a STATE message or what Meltano gives out.

    Args:
        text: content of a file, or of stdin.
        place: where it comes from, for messages.

    Raises:
        StateError: there is no state in it.
    """
    stripped = text.strip()
    try:
        members = members_of(stripped)
    except ValueError as error:
        raise StateError(f"{place}: this is no state: {error}") from error
    if is_envelope(members):
        return unseal(stripped.encode(), json.loads(members.get("job", "null")), place).text
    if members.get("type", "").upper() == '"STATE"' and "value" in members:
        return _object(members["value"], place)
    if meltano := _meltano(members, place):
        return meltano
    return stripped


def streams_of(text: str) -> list[str]:
    """Names of the streams that have a bookmark."""
    return sorted(members_of(members_of(text).get(BOOKMARKS, "{}")))


def bookmark_of(text: str, stream: str) -> str:
    """The bookmark of a stream, verbatim; raises StateError if it has none."""
    bookmarks = members_of(members_of(text).get(BOOKMARKS, "{}"))
    if stream not in bookmarks:
        known = ", ".join(sorted(bookmarks)) or "no stream"
        raise StateError(f"the state has no bookmark of {stream!r} (it has {known})")
    return bookmarks[stream]


def with_bookmark(text: str, stream: str, bookmark: str | None) -> str:
    """The state with the bookmark of a stream replaced, or without it; all else verbatim."""
    members = members_of(text)
    bookmarks = members_of(members.get(BOOKMARKS, "{}"))
    bookmarks.pop(stream, None)
    if bookmark is not None:
        bookmarks[stream] = bookmark
    return object_of({**members, BOOKMARKS: object_of(bookmarks)})


def merged(older: str, newer: str) -> str:
    """Two JSON texts as one: members of objects come together, and of everything else the newer counts."""
    if not (older.startswith("{") and newer.startswith("{")):
        return newer
    members = members_of(older)
    for name, value in members_of(newer).items():
        members[name] = merged(members[name], value) if name in members else value
    return object_of(members)


def indented(text: str, depth: int = 0) -> str:
    """A JSON text with one member a line, for people; values that are not objects stay verbatim."""
    if not text.startswith("{") or not (members := members_of(text)):
        return text
    inner, outer = "  " * (depth + 1), "  " * depth
    lines = [
        f"{inner}{json.dumps(name, ensure_ascii=False)}: {indented(value, depth + 1)}"
        for name, value in members.items()
    ]
    return "{\n" + ",\n".join(lines) + f"\n{outer}}}"


def object_of(members: Mapping[str, str]) -> str:
    """Name → JSON text as one object."""
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in members.items()) + "}"


def _meltano(members: Mapping[str, str], place: str) -> str | None:
    """What `meltano state get` prints, a row of its database, or a file of its state backends."""
    whole = _singer_state(members.get("completed_state") or members.get("completed"), place)
    partial = _singer_state(members.get("partial_state") or members.get("partial"), place)
    if whole or partial:
        return merged(whole or "{}", partial or "{}")
    if set(members) == {"singer_state"}:
        return _object(members["singer_state"], place)
    return None


def _singer_state(text: str | None, place: str) -> str | None:
    if text is None or not text.startswith(("{", '"')):
        return None
    inner = json.loads(text) if text.startswith('"') else text
    state = members_of(_object(inner, place)).get("singer_state")
    return _object(state, place) if state and state != "null" else None


def _object(text: str, place: str) -> str:
    if not text.strip().startswith("{"):
        raise damaged(place, "the state must be an object")
    return text.strip()
