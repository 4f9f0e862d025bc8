"""The rooms of the runner: which of them may call which, while it runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNER = ROOT / "runner/src/dativo"
EVERYONE = {"errors", "home", "deprecated", "records"}
ARROWS: dict[str, set[str]] = {
    "cli": {"audit", "connectors", "jobs", "migrate", "observe", "run", "secrets", "state"},
    "migrate": {"connectors", "jobs", "secrets", "state"},
    "run": {"audit", "connectors", "isolation", "jobs", "observe", "secrets", "state"},
    "jobs": {"connectors", "isolation", "secrets", "state"},
    "connectors": {"jobs", "observe"},
    "state": {"audit", "jobs", "observe"},
    "audit": {"jobs", "secrets", "state"},
    "secrets": {"jobs"},
    "observe": set(),
    "isolation": set(),
}
"""Room → rooms that it may import, besides what everyone may."""

EXCEPTIONS = {("jobs/check.py", "run")}
"""`dativo check` starts connectors as a run does."""


def test_the_rooms_are_these() -> None:
    assert {path.parent.name for path in RUNNER.glob("*/__init__.py")} == set(ARROWS)


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_calls_those_below_it(room: str) -> None:
    allowed = ARROWS[room] | EVERYONE | {room}
    crossing = [
        f"{path}:{line} imports {called}"
        for path, line, called in calls(room)
        if called not in allowed and (path, called) not in EXCEPTIONS
    ]
    assert crossing == []


def calls(room: str) -> Iterator[tuple[str, int, str]]:
    """File, line and room of every import within the runner; what is for types alone runs nothing."""
    for path in sorted((RUNNER / room).glob("*.py")):
        tree = ast.parse(path.read_text())
        typing = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and id(node) not in typing:
                parts = (node.module or "").split(".")
                if parts[0] == "dativo" and len(parts) > 1:
                    yield f"{room}/{path.name}", node.lineno, parts[1]
