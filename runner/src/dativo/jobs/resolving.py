"""Texts that wait for secrets inside of a format's values: which there are, and what they stand for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from dativo.jobs.secret_text import SecretRef, SecretText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


def secret_texts(value: Any) -> Iterator[SecretText]:
    """Every SecretText in dataclasses, mappings, tuples and lists."""
    if isinstance(value, SecretText):
        yield value
    else:
        for child in _children(value):
            yield from secret_texts(child)


def secrets_of(value: Any) -> tuple[SecretRef, ...]:
    """Every secret that is asked for, each once, sorted."""
    found = {ref for text in secret_texts(value) for ref in text.refs}
    return tuple(sorted(found, key=str))


def resolved_in(value: T, resolve: Callable[[SecretText], Any]) -> T:
    """The same value with what `resolve` gives in the place of every SecretText."""
    return _resolved(value, resolve)  # type: ignore[no-any-return]


def _resolved(value: Any, resolve: Callable[[SecretText], Any]) -> Any:
    if isinstance(value, SecretText):
        return resolve(value)
    if isinstance(value, Mapping):
        return {name: _resolved(child, resolve) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_resolved(child, resolve) for child in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {
            each.name: _resolved(getattr(value, each.name), resolve) for each in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **changed)
    return value


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from (getattr(value, each.name) for each in dataclasses.fields(value))
