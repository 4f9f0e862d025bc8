"""Dataclasses that are quick to declare.

The standard library compiles six methods for every `@dataclass(frozen=True, slots=True)`. With the hundred
classes of the runner that is a third of the time until connectors are started, so here such classes share
methods that were compiled once. They behave the same: `fields`, `replace`, `asdict` and `match` know them. A
new object costs more (some microseconds), so this is for what there are few of.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: Any = None, /, **options: bool) -> Any:
        """As in `dataclasses`; only with `frozen=True, slots=True` is anything different."""
        if cls is None:
            return lambda given: dataclass(given, **options)
        if options != {"frozen": True, "slots": True}:
            return dataclasses.dataclass(cls, **options)
        made = dataclasses.dataclass(cls, init=False, repr=False, eq=False, slots=True)
        for name, method in _METHODS.items():
            if name not in cls.__dict__:
                setattr(made, name, method)
        return made


__all__ = ["dataclass"]


def _init(self: object, /, *given: object, **named: object) -> None:
    """Takes values by position and by name, as the fields stand in the class."""
    fields = dataclasses.fields(self)  # type: ignore[arg-type]
    if len(given) > len(fields):
        raise TypeError(f"{type(self).__name__}() takes {len(fields)} values, {len(given)} were given")
    for index, field in enumerate(fields):
        if index < len(given):
            if field.name in named:
                raise TypeError(f"{type(self).__name__}() got two values for {field.name!r}")
            value = given[index]
        elif field.name in named:
            value = named.pop(field.name)
        elif field.default is not dataclasses.MISSING:
            value = field.default
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            raise TypeError(f"{type(self).__name__}() misses a value for {field.name!r}")
        object.__setattr__(self, field.name, value)
    if named:
        raise TypeError(f"{type(self).__name__}() has no {', '.join(map(repr, named))}")
    if prepare := getattr(self, "__post_init__", None):
        prepare()


def _compared(self: object) -> tuple[object, ...]:
    fields = dataclasses.fields(self)  # type: ignore[arg-type]
    return tuple(getattr(self, field.name) for field in fields if field.compare)


def _equal(self: object, other: object) -> bool:
    if other.__class__ is not self.__class__:
        return NotImplemented  # type: ignore[no-any-return]
    return _compared(self) == _compared(other)


def _hash(self: object) -> int:
    return hash(_compared(self))


def _repr(self: object) -> str:
    fields = dataclasses.fields(self)  # type: ignore[arg-type]
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields if each.repr)
    return f"{type(self).__qualname__}({shown})"


def _set(self: object, name: str, value: object) -> None:
    del self, value
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: object, name: str) -> None:
    del self
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _get_state(self: object) -> list[object]:
    fields = dataclasses.fields(self)  # type: ignore[arg-type]
    return [getattr(self, field.name) for field in fields]


def _set_state(self: object, state: list[object]) -> None:
    fields = dataclasses.fields(self)  # type: ignore[arg-type]
    for field, value in zip(fields, state, strict=True):
        object.__setattr__(self, field.name, value)


_METHODS = {
    "__init__": _init,
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _set,
    "__delattr__": _delete,
    "__getstate__": _get_state,
    "__setstate__": _set_state,
}
