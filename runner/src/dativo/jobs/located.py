"""A YAML file as values that know their line, so that every complaint about one can say where it stands.

Scalars follow YAML 1.2 (as editors check them): `yes`, `no`, `on`, `off`, dates and `1:30` are text, and only
`true`, `false`, `null` and JSON-like numbers are anything else.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from dativo.errors import Place, Problem, ProblemsError
from dativo.jobs.references import ExpansionError, Variables
from dativo.jobs.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

MAX_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"

BROKEN = object()
"""Stands for a scalar that could not be read; its problem has been reported, so readers pass over it."""


@dataclass(slots=True)
class Located:
    """A value with its place: a scalar, or a list or mapping of located values."""

    value: Any
    place: Place
    key_places: dict[str, Place] = field(default_factory=dict)

    def plain(self, resolve: Callable[[SecretText], Any] | None = None) -> Any:
        """The same as ordinary JSON-like data.

        Args:
            resolve: gives what a text with secrets in it stands for; None leaves the SecretText in its place.
        """
        if isinstance(self.value, dict):
            return {name: child.plain(resolve) for name, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain(resolve) for child in self.value]
        if resolve is not None and isinstance(self.value, SecretText):
            return resolve(self.value)
        return self.value

    def scalars(self) -> Iterator[Located]:
        """Every scalar in it, in the order of the file."""
        if isinstance(self.value, dict | list):
            for child in self.value.values() if isinstance(self.value, dict) else self.value:
                yield from child.scalars()
        else:
            yield self

    def place_of(self, path: Sequence[str | int]) -> Place:
        """Place of the value at `path`, or of its nearest ancestor that stands in the file."""
        here = self
        for step in path:
            inside = here.value
            if isinstance(inside, list):
                inside = dict(enumerate(inside))
            if not isinstance(inside, dict) or step not in inside:
                break
            here = inside[step]
        return here.place


class _Loader(yaml.SafeLoader):
    """SafeLoader that resolves plain scalars as YAML 1.2 does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same in C, where PyYAML was built with it."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


for _name, _pattern, _first in [
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("merge", r"^<<$", "<"),
]:
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), list(_first))


def load_yaml(
    path: Path, problems: list[Problem], variables: Variables | None = None, *, trusted: bool = False
) -> Located:
    """Reads one YAML document.

    Args:
        path: the file.
        problems: repeated keys, unset variables and the like are added here, and reading goes on; the value
            concerned becomes BROKEN.
        variables: where `${VAR}` in values (never in keys) come from; None leaves texts as they are.
        trusted: the file is our own, so the fast reader will do: its messages are others, and values within
            values without end would end the process.

    Raises:
        ProblemsError: the file is unreadable or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProblemsError([Problem(Place(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ProblemsError([Problem(Place(path), f"is not UTF-8 text (byte {error.start})")]) from error
    return _TreeReader(path, variables, problems, _FastLoader if trusted else _Loader).read(text)


class _TreeReader:
    """Turns the nodes of one document into located values, collecting problems on the way."""

    def __init__(
        self, file: Path, variables: Variables | None, problems: list[Problem], loader: Callable[[str], Any]
    ) -> None:
        self._new_loader = loader
        self._file = file
        self._variables = variables
        self._problems = problems
        self._open: set[int] = set()
        self._count = 0

    def read(self, text: str) -> Located:
        try:
            self._loader = self._new_loader(text)
            node = self._loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            what = " ".join(part for part in (error.context, error.problem) if part)
            mark = error.problem_mark or error.context_mark
            place = self._place(mark) if mark else Place(self._file)
            raise ProblemsError([Problem(place, f"is not valid YAML: {what}")]) from error
        except yaml.YAMLError as error:
            what = " ".join(str(error).split())
            raise ProblemsError([Problem(Place(self._file), f"is not valid YAML: {what}")]) from error
        if node is None:
            raise ProblemsError([Problem(Place(self._file), "is empty")])
        return self._located(node)

    def _place(self, mark: yaml.Mark) -> Place:
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _located(self, node: yaml.Node) -> Located:
        place = self._place(node.start_mark)
        self._count += 1
        if self._count > MAX_VALUES:
            raise ProblemsError(
                [Problem(place, f"more than {MAX_VALUES:,} values: the file or its aliases are too large")]
            )
        if isinstance(node, yaml.ScalarNode):
            return Located(self._scalar(node, place), place)
        if id(node) in self._open:
            raise ProblemsError([Problem(place, "an alias refers to the value that it stands in")])
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, place)
            return Located([self._located(child) for child in node.value], place)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, place: Place) -> Located:
        written = len(node.value)
        self._report_repeated(node)
        self._loader.flatten_mapping(node)
        merged = len(node.value) > written
        located = Located({}, place)
        for key_node, value_node in node.value:
            key_place = self._place(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self._problems.append(Problem(key_place, "a key must be a plain text"))
                continue
            if merged and key_node.value in located.value:
                located.value.pop(key_node.value)
            located.value[key_node.value] = self._located(value_node)
            located.key_places[key_node.value] = key_place
        return located

    def _report_repeated(self, node: yaml.MappingNode) -> None:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == _TAG + "merge":
                continue
            if key_node.value in seen:
                first = seen[key_node.value]
                message = f"{key_node.value!r} is already given on line {first}"
                self._problems.append(Problem(self._place(key_node.start_mark), message))
            seen[key_node.value] = key_node.start_mark.line + 1

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        try:
            text = self._variables.expand(node.value) if self._variables else node.value
        except ExpansionError as error:
            return self._broken(place, str(error))
        kind = node.tag.removeprefix(_TAG)
        convert = _SCALARS.get(kind)
        if convert is None:
            return self._broken(place, f"the tag {node.tag!r} is not known here")
        if isinstance(text, SecretText):
            return text if kind == "str" else self._broken(place, f"{node.value!r} cannot be {_KINDS[kind]}")
        try:
            return convert(text)
        except ValueError:
            # The text may be an expanded secret, so the message shows what was written, not what came of it.
            return self._broken(place, f"{node.value!r} does not give {_KINDS[kind]}")

    def _broken(self, place: Place, message: str) -> Any:
        self._problems.append(Problem(place, message))
        return BROKEN


def _boolean(text: str) -> bool:
    words = {"true": True, "false": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_KINDS = {
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "value": "that",
}
_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": _finite,
    "bool": _boolean,
    "null": lambda _: None,
    "value": str,
}
