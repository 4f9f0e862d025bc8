"""JSON Schema in normal form: what JSON types a value can have, each with the one schema that then applies.

`$ref`, `allOf`, `anyOf`, `oneOf`, `nullable`, type lists and missing types are dealt with here, so that
the type table in `schema` only ever sees a single JSON type with plain keywords (G6).
Keywords that merely restrict (`not`, `if`, `pattern`, lengths) do not change a type and pass through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from dativo_protocol.errors import SchemaError

Schema: TypeAlias = Mapping[str, Any]
Kind: TypeAlias = Literal["boolean", "integer", "number", "string", "object", "array", "any"]

MAX_SCHEMA_NODES = 100_000
"""Sub-schemas looked at per stream: once its references are expanded, a schema can be exponentially large."""

_KINDS = frozenset({"boolean", "integer", "number", "string", "object", "array", "any"})
_ALTERNATIVES = ("anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class Shape:
    """One JSON type a value can have ("any": all of them) and the flat schema that holds for it.

    Attributes:
        trail: references that lead here; meeting one of them again below means the schema is recursive.
    """

    kind: Kind
    schema: Schema
    trail: frozenset[str] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Every shape a value can have besides null.

    Attributes:
        shapes: no two alike in kind and schema.
        nullable: null is allowed.
    """

    shapes: tuple[Shape, ...]
    nullable: bool


class Resolver:
    """Normalises sub-schemas of one stream's schema."""

    def __init__(self, root: Schema, *, stream: str) -> None:
        self._root = root
        self._stream = stream
        self._nodes = 0

    def shapes(self, node: object, path: str, trail: frozenset[str] = frozenset()) -> Shapes:
        """Normalise one sub-schema.

        Args:
            node: the sub-schema: an object, or a boolean as of draft 6.
            path: its JSON pointer, for errors.
            trail: references passed on the way to it.

        Raises:
            SchemaError: the node is no schema, refers to nowhere, or the schema is unreasonably large.
        """
        self._count(path)
        flat, trail = self._flatten(node, path, trail)
        for keyword in _ALTERNATIVES:
            if keyword in flat:
                return self._any_of(flat, keyword, path, trail)
        return self._leaf(flat, path, trail)

    def _any_of(self, flat: Schema, keyword: str, path: str, trail: frozenset[str]) -> Shapes:
        shared = {key: value for key, value in flat.items() if key != keyword}
        found: list[Shape] = []
        nullable = False
        for index, branch in enumerate(self._list(flat[keyword], f"{path}/{keyword}")):
            place = f"{path}/{keyword}/{index}"
            narrowed, branch_trail = self._flatten(branch, place, trail)
            below = self.shapes(merge(shared, narrowed), place, branch_trail)
            nullable |= below.nullable
            found += [shape for shape in below.shapes if shape not in found]
        return Shapes(tuple(found), nullable=nullable)

    def _leaf(self, flat: Schema, path: str, trail: frozenset[str]) -> Shapes:
        names = self._type_names(flat, path)
        kinds = [cast("Kind", name) for name in names if name != "null"]
        nullable = "null" in names or "any" in names or flat.get("nullable") is True
        return Shapes(tuple(Shape(kind, flat, trail) for kind in kinds), nullable=nullable)

    def _type_names(self, flat: Schema, path: str) -> tuple[str, ...]:
        declared = flat.get("type")
        if declared is None:
            return _guessed_types(flat)
        names = (declared,) if isinstance(declared, str) else tuple(self._list(declared, f"{path}/type"))
        for name in names:
            if not isinstance(name, str) or (name != "null" and name not in _KINDS):
                raise SchemaError(f"unknown JSON type {name!r}", stream=self._stream, path=f"{path}/type")
        return tuple(dict.fromkeys(names))

    def _flatten(self, node: object, path: str, trail: frozenset[str]) -> tuple[Schema, frozenset[str]]:
        """Fold `$ref` and `allOf` into the node itself; a reference to itself becomes "anything"."""
        self._count(path)
        if node is True:
            return {}, trail
        if node is False:
            return {"type": []}, trail
        if not isinstance(node, Mapping):
            raise SchemaError(
                f"expected a schema, found {type(node).__name__}", stream=self._stream, path=path
            )
        flat: Schema = {key: value for key, value in node.items() if key not in ("$ref", "allOf")}
        if "$ref" in node:
            target, trail = self._follow(node["$ref"], f"{path}/$ref", trail)
            flat = merge(target, flat)
        for index, part in enumerate(self._list(node.get("allOf", ()), f"{path}/allOf")):
            folded, trail = self._flatten(part, f"{path}/allOf/{index}", trail)
            flat = merge(flat, folded)
        return flat, trail

    def _follow(self, ref: object, path: str, trail: frozenset[str]) -> tuple[Schema, frozenset[str]]:
        if not isinstance(ref, str):
            raise SchemaError("$ref is not a string", stream=self._stream, path=path)
        # Another document is never fetched, and a recursive type has no columns: both stay free-form.
        if not ref.startswith("#") or ref in trail:
            return {}, trail
        return self._flatten(self._look_up(ref, path), path, trail | {ref})

    def _look_up(self, ref: str, path: str) -> object:
        node: object = self._root
        for raw in ref[1:].split("/")[1:]:
            part = raw.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping) and part in node:
                node = node[part]
            elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
                node = node[int(part)]
            else:
                raise SchemaError(f"{ref!r} refers to nothing", stream=self._stream, path=path)
        return node

    def _list(self, value: object, path: str) -> Iterable[Any]:
        if isinstance(value, list | tuple):
            return value
        raise SchemaError(f"expected a list, found {type(value).__name__}", stream=self._stream, path=path)

    def _count(self, path: str) -> None:
        self._nodes += 1
        if self._nodes > MAX_SCHEMA_NODES:
            reason = f"more than {MAX_SCHEMA_NODES:,} sub-schemas once the references are expanded"
            raise SchemaError(reason, stream=self._stream, path=path)


def merge(first: Schema, second: Schema) -> Schema:
    """Return the schema that demands what both demand, as far as types go."""
    merged = dict(first)
    for key, value in second.items():
        merged[key] = _both(key, first[key], value) if key in first else value
    return merged


def _both(keyword: str, first: Any, second: Any) -> Any:
    if keyword == "type":
        return _common_types(first, second)
    if keyword == "properties" and isinstance(first, Mapping) and isinstance(second, Mapping):
        shared = {name: {"allOf": [first[name], second[name]]} for name in first if name in second}
        return {**first, **second, **shared}
    if keyword == "required" and isinstance(first, list) and isinstance(second, list):
        return list(dict.fromkeys([*first, *second]))
    if keyword in _ALTERNATIVES and isinstance(first, list) and isinstance(second, list):
        return [{"allOf": [branch, {keyword: second}]} for branch in first]
    if keyword == "nullable":
        return first is True or second is True
    return second


def _common_types(first: Any, second: Any) -> list[str]:
    left = first if isinstance(first, list | tuple) else [first]
    right = second if isinstance(second, list | tuple) else [second]
    common = [name for name in left if name in right]
    # Every integer is a number, so an integer satisfies both.
    crossed = ("integer" in left and "number" in right) or ("number" in left and "integer" in right)
    if crossed and "integer" not in common:
        common.append("integer")
    return common


def _guessed_types(flat: Schema) -> tuple[str, ...]:
    """Types of a node that declares none: those of its values, else the one its keywords make sense for."""
    values = [flat["const"]] if "const" in flat else flat.get("enum")
    if isinstance(values, list) and values:
        return tuple(dict.fromkeys(_json_type(value) for value in values))
    if "properties" in flat or isinstance(flat.get("additionalProperties"), Mapping):
        return ("object", "null")
    if "items" in flat or "prefixItems" in flat:
        return ("array", "null")
    return ("any",)


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for python, name in ((int, "integer"), (float, "number"), (str, "string"), (Mapping, "object")):
        if isinstance(value, python):
            return name
    return "array"
