"""What every distribution ships: types, a licence, a version in step, a sorted public surface."""

import ast
import tomllib
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.repo.files import files_named
from tests.repo.rooms import Room, rooms

ROOMS = rooms()
every_room = pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.member)


@every_room
def test_types_are_shipped(room: Room) -> None:
    assert (room.package / "py.typed").read_text() == ""


@every_room
def test_the_public_surface_is_sorted(room: Room) -> None:
    for path in written_by_hand(room):
        names = public_names(path)
        assert names == sorted(names, key=constants_and_classes_first), path
        assert len(names) == len(set(names)), path


@every_room
def test_the_public_surface_exists(room: Room) -> None:
    tree = ast.parse((room.package / "__init__.py").read_text())
    bound = {name for node in ast.walk(tree) for name in names_bound(node)}
    assert set(public_names(room.package / "__init__.py")) <= bound


@every_room
def test_metadata_is_complete(room: Room) -> None:
    assert room.project["license"] == "Apache-2.0"
    assert room.project["requires-python"] == ">=3.11"
    assert len(room.project["description"]) > 10


def test_versions_are_in_step() -> None:
    assert len({room.project["version"] for room in ROOMS}) == 1
    cargo = tomllib.loads((ROOT / "native/Cargo.toml").read_text())
    assert cargo["workspace"]["package"]["version"] == ROOMS[0].project["version"]


def test_the_lock_file_knows_every_distribution() -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    members = {package["name"] for package in locked if "editable" in package["source"]}
    assert members == {room.distribution for room in ROOMS}


def test_the_licence_is_the_whole_text() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def written_by_hand(room: Room) -> list[Path]:
    return [path for path in files_named(".py") if (ROOT / path).is_relative_to(room.package)]


def public_names(path: Path) -> list[str]:
    """The names of `__all__`; none when the module has no such list."""
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def constants_and_classes_first(name: str) -> tuple[bool, bool, str]:
    """The order that the linter keeps in `__all__`."""
    return not name.isupper(), not name[0].isupper(), name


def names_bound(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    return []
