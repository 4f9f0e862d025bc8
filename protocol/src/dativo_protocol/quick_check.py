"""Whether settings are plainly valid, found without importing jsonschema.

Importing jsonschema costs a tenth of a second, a third of the whole start of a connector. It stays the judge:
what this module does not accept, for whatever reason, goes to it and is reported in its terms. This module
knows the keywords that `settings_schema` writes, and nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ANNOTATIONS = frozenset(
    {"$schema", "title", "description", "default", "examples", "secret", "writeOnly", "required"}
)
"""`required` is looked at together with `properties`, which our schemas always have beside it."""


def is_plainly_valid(schema: Mapping[str, Any], value: Any) -> bool:
    """True only if jsonschema would find nothing wrong; False means "ask it"."""
    return all(
        keyword in _ANNOTATIONS or (keyword in _CHECKS and _CHECKS[keyword](limit, value, schema))
        for keyword, limit in schema.items()
    )


def _has_type(limit: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return any(_TYPES[name](value) for name in ([limit] if isinstance(limit, str) else limit))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _has_properties(limit: Any, value: Any, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    if any(name not in value for name in schema.get("required", ())):
        return False
    return all(is_plainly_valid(each, value[name]) for name, each in limit.items() if name in value)


def _has_others(limit: Any, value: Any, schema: Mapping[str, Any]) -> bool:
    if limit is True or not isinstance(value, dict):
        return True
    others = value.keys() - schema.get("properties", {}).keys()
    return isinstance(limit, dict) and all(is_plainly_valid(limit, value[name]) for name in others)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": _is_number,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}

_CHECKS: Mapping[str, Callable[[Any, Any, Mapping[str, Any]], bool]] = {
    "type": _has_type,
    "enum": lambda limit, value, _: any(type(each) is type(value) and each == value for each in limit),
    "minimum": lambda limit, value, _: not _is_number(value) or value >= limit,
    "maximum": lambda limit, value, _: not _is_number(value) or value <= limit,
    "minLength": lambda limit, value, _: not isinstance(value, str) or len(value) >= limit,
    "pattern": lambda limit, value, _: not isinstance(value, str) or re.search(limit, value) is not None,
    "minItems": lambda limit, value, _: not isinstance(value, list) or len(value) >= limit,
    "items": lambda limit, value, _: (
        not isinstance(value, list) or all(is_plainly_valid(limit, each) for each in value)
    ),
    "anyOf": lambda limit, value, _: any(is_plainly_valid(branch, value) for branch in limit),
    "properties": _has_properties,
    "additionalProperties": _has_others,
}
