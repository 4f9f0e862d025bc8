"""Quickly declared dataclasses behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest
from dativo.records import dataclass


@dataclass(frozen=True, slots=True)
class Quick:
    """A record."""

    name: str
    items: list[int] = dataclasses.field(default_factory=list)
    note: str | None = None
    hidden: str = dataclasses.field(default="h", repr=False, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    """The same of the standard library."""

    name: str
    items: list[int] = dataclasses.field(default_factory=list)
    note: str | None = None
    hidden: str = dataclasses.field(default="h", repr=False, compare=False)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("a",), {}),
        (("a", [1]), {"note": "n"}),
        ((), {"name": "a", "hidden": "x"}),
        (("a", [1], "n", "x"), {}),
    ],
)
def test_it_is_made_as_the_standard_one(given: Any, named: Any) -> None:
    quick, plain = Quick(*given, **named), Plain(*given, **named)
    assert dataclasses.astuple(quick) == dataclasses.astuple(plain)
    assert dataclasses.asdict(quick) == dataclasses.asdict(plain)
    assert repr(quick) == repr(plain).replace("Plain", "Quick")


@pytest.mark.parametrize(
    ("given", "named"), [((), {}), (("a", [], None, "h", 5), {}), (("a",), {"name": "b"}), (("a",), {"x": 1})]
)
def test_it_refuses_what_the_standard_one_refuses(given: Any, named: Any) -> None:
    for made in (Quick, Plain):
        with pytest.raises(TypeError):
            made(*given, **named)


def test_it_never_changes() -> None:
    quick = Quick("a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        quick.name = "b"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del quick.name  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        quick.other = 1  # type: ignore[attr-defined]
    assert not hasattr(quick, "__dict__")
    assert dataclasses.replace(quick, name="b") == Quick("b")


def test_equal_are_those_of_one_class_with_equal_fields_that_are_compared() -> None:
    assert Quick("a", hidden="x") == Quick("a", hidden="y")
    assert Quick("a") != Quick("b")
    assert Quick("a") != Plain("a")
    keys = [Key(1, "x"), Key(1, "x"), Key(2, "x")]
    assert len(set(keys)) == 2


def test_every_one_has_defaults_of_its_own() -> None:
    assert Quick("a").items is not Quick("a").items


def test_it_is_matched_copied_and_pickled() -> None:
    match Quick("a", [1]):
        case Quick(name, [first]):
            assert (name, first) == ("a", 1)
        case _:
            pytest.fail("does not match")
    assert copy.deepcopy(Quick("a", [1])) == Quick("a", [1])
    assert pickle.loads(pickle.dumps(Key(1, "x"))) == Key(1, "x")


def test_other_dataclasses_are_those_of_the_standard_library() -> None:
    changing = Changing(1)
    changing.value = 2
    assert changing == Changing(2)


@dataclass(frozen=True, slots=True)
class Key:
    """Can stand in a set."""

    number: int
    text: str


@dataclass(slots=True)
class Changing:
    """May change."""

    value: int
