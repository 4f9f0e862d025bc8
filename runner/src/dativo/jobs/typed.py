"""Located YAML into the dataclasses that declare a format, with every departure from it as a problem."""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dativo.jobs.located import Located

from dativo.errors import Problem
from dativo.jobs.located import BROKEN

T = TypeVar("T")


def fields_of(cls: Any) -> Mapping[str, tuple[dataclasses.Field[Any], Any]]:
    """Name → (field, resolved type) of a dataclass, in order of declaration."""
    hints = typing.get_type_hints(cls)
    return {item.name: (item, hints[item.name]) for item in dataclasses.fields(cls)}


def is_required(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def without_none(kind: Any) -> tuple[Any, bool]:
    """Splits `X | None` into (X, True); any other type is returned with False."""
    if typing.get_origin(kind) in (Union, types.UnionType):
        rest = [option for option in typing.get_args(kind) if option is not types.NoneType]
        return rest[0], True
    return kind, False


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when something close is known, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def read_dataclass(cls: type[T], located: Located, problems: list[Problem], path: str = "") -> T | None:
    """Reads a mapping into `cls`.

    Args:
        cls: a dataclass whose field types are texts, literals, tuples of texts, mappings or dataclasses.
        located: the value found in the file.
        problems: every departure from the declared shape is added here.
        path: dotted name of the value, for messages.

    Returns:
        The instance, or None if a problem was found in it.
    """
    if not isinstance(located.value, dict):
        problems.append(Problem(located.place, _expected(path, "a mapping", located.value)))
        return None
    before = len(problems)
    declared = fields_of(cls)
    _report_unknown(located, declared, problems, path)
    values: dict[str, Any] = {}
    for name, (item, kind) in declared.items():
        full = f"{path}.{name}" if path else name
        if name in located.value:
            values[name] = _read(kind, item.metadata.get("pattern", ""), located.value[name], problems, full)
        elif is_required(item):
            problems.append(Problem(located.place, f"{full!r} is missing"))
    return cls(**values) if len(problems) == before else None


def _report_unknown(
    located: Located, declared: Mapping[str, Any], problems: list[Problem], path: str
) -> None:
    for name in located.value:
        if name not in declared:
            full = f"{path}.{name}" if path else name
            known = suggestion(name, declared) or f"; known here: {', '.join(declared)}"
            problems.append(Problem(located.key_places[name], f"{full!r} is not known{known}"))


def _read(kind: Any, pattern: str, located: Located, problems: list[Problem], path: str) -> Any:
    if located.value is BROKEN:
        return None
    kind, _ = without_none(kind)
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        return read_dataclass(typing.cast("type[Any]", kind), located, problems, path)
    if kind is str:
        return _read_text(pattern, located, problems, path)
    if origin is Literal:
        return _read_choice(typing.get_args(kind), located, problems, path)
    if origin is tuple:
        return _read_list(typing.get_args(kind)[0], located, problems, path)
    if origin is Mapping:
        return _read_mapping(typing.get_args(kind)[1], located, problems, path)
    raise TypeError(f"{path}: the format declares a type that nothing reads: {kind}")


def _read_text(pattern: str, located: Located, problems: list[Problem], path: str) -> str | None:
    if not isinstance(located.value, str):
        problems.append(Problem(located.place, _expected(path, "a text", located.value)))
        return None
    if pattern and not re.fullmatch(pattern, located.value):
        problems.append(Problem(located.place, f"{path!r} must match {pattern}"))
        return None
    return located.value


def _read_choice(choices: Sequence[Any], located: Located, problems: list[Problem], path: str) -> Any:
    for choice in choices:
        if located.value == choice and type(located.value) is type(choice):
            return choice
    listed = " or ".join(str(choice) for choice in choices)
    problems.append(Problem(located.place, f"{path!r} must be {listed}"))
    return None


def _read_list(
    item_kind: Any, located: Located, problems: list[Problem], path: str
) -> tuple[Any, ...] | None:
    if not isinstance(located.value, list):
        problems.append(Problem(located.place, _expected(path, "a list", located.value)))
        return None
    return tuple(
        _read(item_kind, "", child, problems, f"{path}[{index}]") for index, child in enumerate(located.value)
    )


def _read_mapping(value_kind: Any, located: Located, problems: list[Problem], path: str) -> Any:
    if not isinstance(located.value, dict):
        problems.append(Problem(located.place, _expected(path, "a mapping", located.value)))
        return None
    if typing.get_origin(value_kind) is Mapping:
        for name, child in located.value.items():
            _read_mapping(Any, child, problems, f"{path}.{name}")
    return located.plain()


def _expected(path: str, what: str, value: Any) -> str:
    """Names the kind of what was found, never the value: it may be an expanded secret."""
    kinds = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    got = kinds.get(type(value), "a number")
    return f"{path!r} must be {what}, not {got}" if path else f"must hold {what}, not {got}"
