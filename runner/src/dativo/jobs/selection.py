r"""`select` and `metadata` of a job applied to a discovered catalog, by the rules of Meltano.

With `select`, everything is deselected first; then come the patterns that include, then those that exclude,
then `metadata`, each in the order given. A pattern is `stream`, `stream.property` or `stream.property.nested`
with fnmatch wildcards; `\.` stands for a dot inside a name, and selecting a property selects those it is
nested in.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from dativo.jobs.streams import stream_name as _name
from dativo.jobs.typed import suggestion
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_DOT = re.compile(r"(?<!\\)\.")


class NothingSelected(ValueError):  # noqa: N818  (says what is the case)
    """The patterns leave no stream; the text says which there are."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Sets `key` to `value` in the metadata of what matches.

    Attributes:
        stream: pattern for `tap_stream_id`.
        breadcrumb: pattern for the joined breadcrumb, "" for the stream itself.
        origin: how the job says it, for messages; "" for rules that the job does not say.
    """

    stream: str
    breadcrumb: str
    key: str
    value: Any
    origin: str

    def matches(self, stream: str, breadcrumb: Sequence[str]) -> bool:
        return fnmatchcase(stream, self.stream) and fnmatchcase(".".join(breadcrumb), self.breadcrumb)


def apply_rules(
    catalog: dict[str, Any],
    select: Sequence[str],
    metadata: Mapping[str, Mapping[str, Any]],
    schema: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[str]:
    """Changes `catalog` in place.

    Args:
        catalog: as discovered.
        select: patterns of streams and properties.
        metadata: stream pattern → key → value, or → property pattern → key → value.
        schema: stream pattern → property → JSON Schema, put into the place of the property's own.

    Returns:
        A warning for each pattern that nothing in the catalog matches.

    Raises:
        NothingSelected: there are patterns, and no stream is selected.
    """
    rules = [*(_select_rules(select) if select else ()), *_metadata_rules(metadata)]
    unmatched = _put_schemas(catalog, schema or {})
    matched: set[str] = set()
    for stream in catalog["streams"]:
        _complete_metadata(stream)
        for rule in rules:
            if _apply(rule, stream):
                matched.add(rule.origin)
    names = [_name(stream) for stream in catalog["streams"]]
    if select and not any(_is_selected(stream) for stream in catalog["streams"]):
        listed = ", ".join(names) or "none"
        raise NothingSelected(f"no stream is left to load; the streams of the source are: {listed}")
    origins = dict.fromkeys(rule.origin for rule in rules if rule.origin)
    return [*unmatched, *(_unmatched(origin, names) for origin in origins if origin not in matched)]


def _put_schemas(catalog: dict[str, Any], schema: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A property that the source did not tell of is added, as in Meltano."""
    warnings = []
    for pattern, properties in schema.items():
        matching = [stream for stream in catalog["streams"] if fnmatchcase(_name(stream), pattern)]
        for stream in matching:
            known = stream.setdefault("schema", {}).setdefault("properties", {})
            known.update({name: dict(each) for name, each in properties.items()})
        if not matching:
            warnings.append(_unmatched(f"schema {pattern!r}", [_name(each) for each in catalog["streams"]]))
    return warnings


def _select_rules(patterns: Sequence[str]) -> Iterator[Rule]:
    yield from _select_rule("!*.*", "")
    ordered = sorted(patterns, key=lambda pattern: pattern.startswith("!"))
    for pattern in ordered:
        yield from _select_rule(pattern, f"select {pattern!r}")


def _select_rule(pattern: str, origin: str) -> Iterator[Rule]:
    selected = not pattern.startswith("!")
    stream, *path = _DOT.split(pattern.removeprefix("!"), maxsplit=1)
    properties = _DOT.split(path[0]) if path else ["*"]
    if selected or properties == ["*"]:
        yield _rule([stream], "selected", selected, origin)
    if selected:
        for depth in range(1, len(properties)):
            yield _rule([stream, *properties[:depth]], "selected", selected, origin)
    yield _rule([stream, *properties], "selected", selected, origin)


def _metadata_rules(metadata: Mapping[str, Any]) -> Iterator[Rule]:
    for path, value in _flat(metadata, []):
        *place, key = path
        yield _rule(place, key, value, f"metadata {'.'.join(path)!r}")


def _flat(mapping: Mapping[str, Any], above: list[str]) -> Iterator[tuple[list[str], Any]]:
    for name, value in mapping.items():
        path = [*above, *_DOT.split(name)]
        if isinstance(value, dict):
            yield from _flat(value, path)
        else:
            yield path, value


def _rule(place: Sequence[str], key: str, value: Any, origin: str) -> Rule:
    stream, *properties = (part.replace("\\.", ".") for part in place)
    breadcrumb = ".".join(f"properties.{name}" for name in properties)
    return Rule(stream, breadcrumb, key, value, origin)


def _apply(rule: Rule, stream: dict[str, Any]) -> bool:
    """Whether the rule matched anything of the stream."""
    matched = False
    for entry in stream["metadata"]:
        if rule.matches(_name(stream), entry["breadcrumb"]):
            matched = True
            _set(entry["metadata"], rule.key, rule.value)
            if not entry["breadcrumb"]:
                # Older taps read these from the stream itself, with underscores.
                _set(stream, rule.key.replace("-", "_"), rule.value)
    return matched


def _set(node: dict[str, Any], key: str, value: Any) -> None:
    if key == "selected" and value is True and node.get("inclusion") == "unsupported":
        return
    node[key] = value


def _complete_metadata(stream: dict[str, Any]) -> None:
    """Adds the entries that the tap left out, so that every property can be selected and deselected."""
    entries = stream.setdefault("metadata", [])
    present = set()
    for entry in entries:
        entry.setdefault("metadata", {})
        present.add(tuple(entry.setdefault("breadcrumb", [])))
    keys = set(_key_properties(stream))
    for breadcrumb in [(), *_breadcrumbs(stream.get("schema", {}), ())]:
        if breadcrumb not in present:
            inclusion = "automatic" if len(breadcrumb) == 2 and breadcrumb[1] in keys else "available"
            entries.append({"breadcrumb": list(breadcrumb), "metadata": {"inclusion": inclusion}})


def _breadcrumbs(schema: Any, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, child in properties.items() if isinstance(properties, dict) else ():
        here = (*above, "properties", name)
        yield here
        yield from _breadcrumbs(child, here)


def _key_properties(stream: Mapping[str, Any]) -> Iterable[str]:
    yield from stream.get("key_properties") or ()
    for entry in stream["metadata"]:
        if not entry["breadcrumb"]:
            for name in ("table-key-properties", "view-key-properties"):
                yield from entry["metadata"].get(name) or ()


def _is_selected(stream: Mapping[str, Any]) -> bool:
    return any(not entry["breadcrumb"] and entry["metadata"].get("selected") for entry in stream["metadata"])


def _unmatched(origin: str, names: Sequence[str]) -> str:
    pattern = origin.split(" ", 1)[1].strip("'\"").removeprefix("!")
    hint = suggestion(_DOT.split(pattern)[0], names)
    return f"source.{origin} matches nothing in the source{hint}"
