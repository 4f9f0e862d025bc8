"""Values of settings as Meltano writes them, as values of a job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dativo.migrate.writing import Tagged

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<bare>[A-Za-z_]\w*))")
_TAGS = {"integer": "int", "boolean": "bool", "number": "float", "decimal": "float"}
_DEPTH = 10
_PASSWORD = re.compile(r"://[^\s/:@]*:(?!\$\{\w+\}@)[^\s/@]+@")


def converted(value: Any, known: Mapping[str, str], kind: str | None = None) -> Any:
    """A value with `$VAR` as `${VAR}`.

    Args:
        value: as it stands in meltano.yml.
        known: variables that Meltano sets or meltano.yml gives; their values are put in.
        kind: of the setting; a reference in a number or boolean keeps its type.
    """
    if isinstance(value, dict):
        return {name: converted(child, known) for name, child in value.items()}
    if isinstance(value, list):
        return [converted(child, known) for child in value]
    if not isinstance(value, str):
        return value
    text = _text(value, known, _DEPTH)
    if kind in _TAGS and _VARIABLE.search(value):
        return Tagged(_TAGS[kind], text)
    return text


def holds_password(value: Any) -> bool:
    """Whether a converted value is an address with a password written out in it."""
    return isinstance(value, str) and _PASSWORD.search(value) is not None


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`a.b: 1` as `a: {b: 1}`, as connectors are given it."""
    result: dict[str, Any] = {}
    for name, value in settings.items():
        *outer, last = name.split(".")
        here = result
        for step in outer:
            inside = here.setdefault(step, {})
            if not isinstance(inside, dict):
                inside = here[step] = {}
            here = inside
        here[last] = {**here[last], **value} if _both_mappings(here.get(last), value) else value
    return result


def deep_merged(below: Any, above: Any) -> Any:
    """Both merged key by key; anything else of `above` stands."""
    if not _both_mappings(below, above):
        return above
    merged = dict(below)
    for name, value in above.items():
        merged[name] = deep_merged(merged[name], value) if name in merged else value
    return merged


def _both_mappings(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


def _text(text: str, known: Mapping[str, str], depth: int) -> str:
    """Literal `${` of other kinds is escaped, variables in values of known ones are followed."""
    parts: list[str] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        name = match["braced"] or match["bare"]
        parts.append(text[end : match.start()].replace("${", "$${"))
        follow = name in known and depth > 0
        parts.append(_text(known[name], known, depth - 1) if follow else f"${{{name}}}")
        end = match.end()
    parts.append(text[end:].replace("${", "$${"))
    return "".join(parts)
