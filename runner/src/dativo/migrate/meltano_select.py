"""What an extractor of a Meltano project selects, as keys of a source."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from dativo.migrate.values import converted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dativo.migrate.meltano_project import Plugin
    from dativo.migrate.migration import Migration

_WILD = frozenset("*?[")


def selection(tap: Plugin, known: Mapping[str, str], migration: Migration) -> dict[str, Any]:
    """The extras of an extractor as keys of a source; Meltano selects everything where nothing is said.

    Args:
        tap: the extractor.
        known: variables that Meltano sets, with what they stand for.
        migration: takes notes of what cannot be carried over.
    """
    found: dict[str, Any] = {}
    if select := _select(tap, migration):
        found["select"] = converted(select, known)
    for key in ("metadata", "schema", "catalog"):
        if tap.extras.get(key):
            found[key] = converted(tap.extras[key], known)
    if tap.extras.get("state"):
        message = f"{tap.name}: the state file {tap.extras['state']!r} is not used: dativo state import"
        migration.note(message, tap.place, by_hand=True)
    if "properties" in tap.capabilities and "catalog" not in tap.capabilities:
        migration.note(f"{tap.name} takes --properties, not --catalog: 'select' cannot reach it", tap.place)
    return found


def _select(tap: Plugin, migration: Migration) -> list[str]:
    takes_catalog = "catalog" in tap.capabilities and "discover" in tap.capabilities
    select = [str(each) for each in tap.extras.get("select") or (["*.*"] if takes_catalog else [])]
    filters = [str(each) for each in tap.extras.get("select_filter") or ()]
    wanted = [each for each in filters if not each.startswith("!")]
    narrowed = narrow(select, wanted)
    if narrowed is None:
        message = f"{tap.name}: select_filter {wanted!r}: keep in 'select' only streams that it names"
        migration.note(message, tap.place, by_hand=True)
    elif wanted and not any(not each.startswith("!") for each in narrowed):
        migration.note(f"{tap.name}: select_filter {wanted!r} leaves no stream", tap.place, by_hand=True)
    return [
        *(select if narrowed is None else narrowed),
        *(f"{each}.*" for each in filters if each[:1] == "!"),
    ]


def narrow(select: Sequence[str], wanted: Sequence[str]) -> list[str] | None:
    """Patterns of `select` that reach only streams which one of the patterns `wanted` names.

    Returns:
        None where that cannot be said in patterns: two with wildcards meet, and neither holds the other.
    """
    if not wanted:
        return list(select)
    narrowed: list[str] = []
    for pattern in select:
        if pattern.startswith("!"):
            narrowed.append(pattern)
            continue
        stream, dot, rest = pattern.partition(".")
        for each in wanted:
            meeting = _meeting(stream, each)
            if meeting is None:
                return None
            narrowed += [f"{meeting}{dot}{rest}"] if meeting else []
    return list(dict.fromkeys(narrowed))


def _meeting(one: str, other: str) -> str | None:
    """The pattern of names that both patterns match: "" if there are none, None if no pattern says it."""
    if one == other or other == "*":
        return one
    if one == "*":
        return other
    if not _WILD & set(one):
        return one if fnmatchcase(one, other) else ""
    if not _WILD & set(other):
        return other if fnmatchcase(other, one) else ""
    return None
