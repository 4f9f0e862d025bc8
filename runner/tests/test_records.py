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


@dataclass(frozen=True, slots=True)
class Prepared:
    """Has methods of its own, which are kept, and looks at its values when it is made."""

    low: int
    high: int = 9

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"{self.low} is more than {self.high}")

    def __repr__(self) -> str:
        return f"{self.low}..{self.high}"

    def __hash__(self) -> int:
        return 7


@dataclass(frozen=True, slots=True)
class Longer(Prepared):
    """Adds a field to those of its base."""

    step: int = 1


@pytest.mark.parametrize(
    ("given", "named", "said"),
    [
        ((), {}, "Quick() misses a value for 'name'"),
        (("a", [], None, "h", 5), {}, "Quick() takes 4 values, 5 were given"),
        (("a",), {"name": "b"}, "Quick() got two values for 'name'"),
        (("a",), {"x": 1, "y": 2}, "Quick() has no 'x', 'y'"),
        ((), {"note": "n"}, "Quick() misses a value for 'name'"),
    ],
)
def test_it_says_what_was_wrong_with_the_values(given: Any, named: Any, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        Quick(*given, **named)
    assert str(caught.value) == said


def test_it_says_what_cannot_be_assigned_to() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match=r"^cannot assign to field 'name'$"):
        Quick("a").name = "b"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match=r"^cannot delete field 'name'$"):
        del Quick("a").name  # type: ignore[misc]


def test_methods_of_its_own_are_kept() -> None:
    assert repr(Prepared(1)) == "1..9"
    assert hash(Prepared(1)) == hash(Prepared(2)) == 7
    assert Prepared(1) != Prepared(2)


def test_it_is_looked_at_when_it_is_made_and_when_it_is_replaced() -> None:
    with pytest.raises(ValueError, match=r"^5 is more than 4$"):
        Prepared(5, 4)
    with pytest.raises(ValueError, match=r"^10 is more than 9$"):
        dataclasses.replace(Prepared(1), low=10)


def test_a_class_that_comes_from_another_has_the_fields_of_both() -> None:
    assert [field.name for field in dataclasses.fields(Longer)] == ["low", "high", "step"]
    assert (Longer(1, step=2).step, Longer(1, 5).high) == (2, 5)
    assert Longer(1) != Prepared(1)
    assert copy.copy(Longer(1, 2, 3)) == Longer(1, 2, 3)
    with pytest.raises(ValueError, match=r"^3 is more than 2$"):
        Longer(3, 2)


def test_what_cannot_be_hashed_says_so() -> None:
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        hash(Quick("a", [1]))


def test_what_is_hidden_is_kept_by_copies_and_replacements() -> None:
    quick = Quick("a", hidden="secret")
    assert "secret" not in repr(quick)
    assert copy.copy(quick).hidden == dataclasses.replace(quick, name="b").hidden == "secret"


def test_a_default_that_changes_is_refused_as_in_the_standard_library() -> None:
    for declare in (dataclass, dataclasses.dataclass):
        with pytest.raises(ValueError, match="mutable default <class 'list'> for field items"):
            declare(frozen=True, slots=True)(
                type("Bad", (), {"__annotations__": {"items": list}, "items": []})
            )
