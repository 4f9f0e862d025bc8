"""`NAME@VERSION` as jobs write it, and which of several versions it means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART = re.compile(r"\d+|[a-z]+")
_BEFORE_FINAL = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "c": -1}
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Spec:
    """A connector by name, and the beginning of the version that is wanted, if it matters."""

    name: str
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.version}" if self.version else self.name

    def allows(self, version: str) -> bool:
        """`1.2` allows `1.2` and `1.2.7`, not `1.20`."""
        return self.version is None or version == self.version or version.startswith(f"{self.version}.")


def parse_spec(text: str) -> Spec:
    """Reads `NAME` or `NAME@VERSION`; raises LookupError if the version cannot be one."""
    name, at, version = text.partition("@")
    if at and not _VERSION.fullmatch(version):
        raise LookupError(f"{text!r} has no version after the @: write {name}@1.2, or {name} for any")
    return Spec(name, version or None)


def newest(versions: Iterable[str]) -> str | None:
    """The highest of them, a release before its pre-releases; None of none."""
    return max(versions, key=_order, default=None)


def _order(version: str) -> list[tuple[int, int]]:
    public, _, _ = version.lower().partition("+")
    parts = [
        (1, int(part)) if part.isdigit() else (0, _BEFORE_FINAL.get(part, 1))
        for part in _PART.findall(public)
    ]
    # `1.0` stands between `1.0rc1` and `1.0.post1`, and before `1.0.1`.
    return [*parts, (0, 0)]
