"""Located YAML into the dataclasses that declare a format, with every departure from it as a problem."""

from __future__ import annotations

import dataclasses
import functools
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
from dativo.jobs.names import must
from dativo.jobs.quantities import Bytes, Duration
from dativo.jobs.secret_text import SecretText

T = TypeVar("T")
Rules = Mapping[str, Any]
"""Metadata of a field, as `described` makes it."""


def fields_of(cls: Any) -> Mapping[str, tuple[dataclasses.Field[Any], Any]]:
    """Name → (field, resolved type) of a dataclass, in order of declaration."""
    hints = typing.get_type_hints(cls)
    return {item.name: (item, hints[item.name]) for item in dataclasses.fields(cls)}


def is_required(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def options_of(kind: Any) -> tuple[Any, ...]:
    """The members of a union except None; (kind,) for any other type."""
    if typing.get_origin(kind) in (Union, types.UnionType):
        return tuple(option for option in typing.get_args(kind) if option is not types.NoneType)
    return (kind,)


def tag_of(cls: Any) -> tuple[str, str]:
    """(field, value) that tells a member of a union of dataclasses from the others: its first field."""
    name, (_, kind) = next(iter(fields_of(cls).items()))
    return name, typing.get_args(kind)[0]


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when something close is known, else nothing."""
    # Loaded late: most files are right.
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def read_dataclass(cls: type[T], located: Located, problems: list[Problem], path: str = "") -> T | None:
    """Reads a mapping into `cls`.

    Args:
        cls: a dataclass whose field types are texts, numbers, truth values, durations, amounts, literals,
            dataclasses (or unions of them told apart by their first field), and tuples and mappings of these.
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
        full = _dotted(path, name)
        if name in located.value:
            values[name] = _read(kind, item.metadata, located.value[name], problems, full)
        elif is_required(item):
            problems.append(Problem(located.place, f"{full!r} is missing"))
    return cls(**values) if len(problems) == before else None


def _dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _report_unknown(
    located: Located, declared: Mapping[str, Any], problems: list[Problem], path: str
) -> None:
    for name in located.value:
        if name not in declared:
            known = suggestion(name, declared) or f"; known here: {', '.join(declared)}"
            place = located.key_places[name]
            problems.append(Problem(place, f"{_dotted(path, name)!r} is not known{known}"))


def _read(kind: Any, rules: Rules, located: Located, problems: list[Problem], path: str) -> Any:
    if located.value is BROKEN:
        return None
    options = options_of(kind)
    kind = options[0]
    origin = typing.get_origin(kind)
    if isinstance(located.value, SecretText) and kind is not Any:
        return _read_secret(options, located, problems, path)
    if dataclasses.is_dataclass(kind):
        chosen = kind if len(options) == 1 else _read_tag(options, located, problems, path)
        return read_dataclass(typing.cast("type[Any]", chosen), located, problems, path) if chosen else None
    if origin is Literal:
        return _read_choice(typing.get_args(kind), located, problems, path)
    if origin is tuple:
        return _read_list(typing.get_args(kind)[0], rules, located, problems, path)
    if origin is Mapping:
        return _read_mapping(typing.get_args(kind)[1], rules, located, problems, path)
    if kind is Any:
        return located.plain()
    return _read_scalar(kind, rules, located, problems, path)


def _read_secret(options: Sequence[Any], located: Located, problems: list[Problem], path: str) -> Any:
    if SecretText in options:
        return located.value
    problems.append(Problem(located.place, f"{path!r} cannot be taken from a secret"))
    return None


def _read_tag(options: Sequence[Any], located: Located, problems: list[Problem], path: str) -> Any:
    """The member of a union of dataclasses that the value says it is."""
    by_tag = {tag_of(option)[1]: option for option in options}
    name = tag_of(options[0])[0]
    if not isinstance(located.value, dict):
        problems.append(Problem(located.place, _expected(path, "a mapping", located.value)))
        return None
    if name not in located.value:
        problems.append(Problem(located.place, f"{_dotted(path, name)!r} is missing"))
        return None
    tag = _read_choice(tuple(by_tag), located.value[name], problems, _dotted(path, name))
    return by_tag.get(tag)


def _read_scalar(kind: Any, rules: Rules, located: Located, problems: list[Problem], path: str) -> Any:
    try:
        return _SCALARS[kind](located.value, rules)
    except _Wrong as error:
        if error.value is _WHOLE:
            problems.append(Problem(located.place, _expected(path, str(error), located.value)))
        else:
            problems.append(Problem(located.place, f"{path!r} must {error}"))
        return None


_WHOLE = object()


class _Wrong(ValueError):  # noqa: N818  (never leaves this module)
    """What a value must be. With `value` = _WHOLE it is of another kind, which the message then names."""

    def __init__(self, what: str, value: object = None) -> None:
        self.value = value
        super().__init__(what)


def _text(value: Any, rules: Rules) -> str:
    if not isinstance(value, str):
        raise _Wrong("a text", _WHOLE)
    pattern = rules.get("pattern", "")
    if pattern and not re.fullmatch(pattern, value):
        raise _Wrong(must(pattern))
    return value


def _truth(value: Any, _: Rules) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false", _WHOLE)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _at_least(number: Any, rules: Rules) -> Any:
    least = rules.get("minimum")
    if least is not None and number < least:
        raise _Wrong(f"be at least {least}")
    return number


def _integer(value: Any, rules: Rules) -> int:
    if not _is_number(value) or value != int(value):
        raise _Wrong("an integer", _WHOLE)
    return int(_at_least(value, rules))


def _number(value: Any, rules: Rules) -> float:
    if not _is_number(value):
        raise _Wrong("a number", _WHOLE)
    return float(_at_least(value, rules))


def _quantity(kind: type[Duration | Bytes], value: Any, rules: Rules) -> Any:
    if not isinstance(value, str) and not _is_number(value):
        raise _Wrong(kind.EXPECTED, _WHOLE)
    try:
        return _at_least(kind.parse(value) if isinstance(value, str) else kind.of(value), rules)
    except _Wrong:
        raise
    except ValueError as error:
        raise _Wrong(f"be {kind.EXPECTED}") from error


_SCALARS: Mapping[Any, Any] = {
    str: _text,
    bool: _truth,
    int: _integer,
    float: _number,
    Duration: functools.partial(_quantity, Duration),
    Bytes: functools.partial(_quantity, Bytes),
}


def _read_choice(choices: Sequence[Any], located: Located, problems: list[Problem], path: str) -> Any:
    for choice in choices:
        if located.value == choice and type(located.value) is type(choice):
            return choice
    listed = " or ".join(str(choice) for choice in choices)
    problems.append(Problem(located.place, f"{path!r} must be {listed}"))
    return None


def _read_list(
    item_kind: Any, rules: Rules, located: Located, problems: list[Problem], path: str
) -> tuple[Any, ...] | None:
    if not isinstance(located.value, list):
        problems.append(Problem(located.place, _expected(path, "a list", located.value)))
        return None
    inner = {"pattern": rules.get("item", "")}
    return tuple(
        _read(item_kind, inner, child, problems, f"{path}[{index}]")
        for index, child in enumerate(located.value)
    )


def _read_mapping(value_kind: Any, rules: Rules, located: Located, problems: list[Problem], path: str) -> Any:
    if not isinstance(located.value, dict):
        problems.append(Problem(located.place, _expected(path, "a mapping", located.value)))
        return None
    names = rules.get("item", "")
    problems.extend(
        Problem(located.key_places[name], f"{_dotted(path, name)!r} must {must(names)}")
        for name in located.value
        if names and not re.fullmatch(names, name)
    )
    return {
        name: _read(value_kind, {}, child, problems, _dotted(path, name))
        for name, child in located.value.items()
    }


def _expected(path: str, what: str, value: Any) -> str:
    """Names the kind of what was found, never the value: it may be an expanded secret."""
    kinds = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    got = kinds.get(type(value), "a number")
    return f"{path!r} must be {what}, not {got}" if path else f"must hold {what}, not {got}"
