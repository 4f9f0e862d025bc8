"""Who may import whom: arrows only point down, and what a room imports it declares."""

import re
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.repo.rooms import UNDECLARED, Import, Room, arrows, imports_of, rooms

ROOMS = rooms()
OURS = {room.package.name for room in ROOMS}

every_room = pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.member)


def test_the_workspace_has_the_rooms_of_the_architecture() -> None:
    members = {room.member for room in ROOMS}
    targets = {"targets/target-iceberg", "targets/target-parquet"}
    assert members >= {"native", "protocol", "runner", "taps/tap-csv", "taps/tap-postgres", *targets}


@every_room
def test_arrows_point_down(room: Room) -> None:
    allowed = arrows(room) | {room.package.name}
    crossing = [found for found in imports_of(room) if found.module in OURS - allowed]
    assert [f"{found.path}:{found.line} imports {found.module}" for found in crossing] == []


@every_room
def test_third_party_imports_are_declared(room: Room) -> None:
    declared = declared_modules(room)
    foreign = [
        found for found in imports_of(room) if found.module not in sys.stdlib_module_names | OURS | declared
    ]
    optional = UNDECLARED.get(room.member, set())
    wrong = [found for found in foreign if found.module not in optional or early(found)]
    assert [f"{found.path}:{found.line} imports {found.module}" for found in wrong] == []


def test_only_the_native_room_meets_cffi() -> None:
    others = [found for room in ROOMS if room.member != "native" for found in imports_of(room)]
    assert [found for found in others if found.module in {"cffi", "_cffi_backend"}] == []


def test_the_runner_meets_no_data() -> None:
    [runner] = [room for room in ROOMS if room.member == "runner"]
    assert {found.module for found in imports_of(runner)} & (OURS | {"pyarrow"}) == {"dativo"}


def early(found: Import) -> bool:
    """Whether it runs when the package is imported; `_cffi_backend` comes with the declared cffi."""
    return not (found.late or found.for_types or found.module == "_cffi_backend")


def declared_modules(room: Room) -> set[str]:
    """Modules of the distributions that the room requires, and of the extras that it asks of our rooms."""
    names = {normalised(requirement) for requirement in requirements_with_extras(room)}
    return {
        module
        for module, distributions in packages_distributions().items()
        if {normalised(distribution) for distribution in distributions} & names
    }


def requirements_with_extras(room: Room) -> set[str]:
    by_name = {other.distribution: other for other in ROOMS}
    asked = set(room.requirements())
    for requirement in room.requirements():
        match = re.match(r"([\w.-]+)\[([\w, -]+)\]", requirement)
        if match and match.group(1) in by_name:
            extras = by_name[match.group(1)].project["optional-dependencies"]
            asked |= {one for extra in match.group(2).split(",") for one in extras[extra.strip()]}
    return asked


def normalised(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name.group()).lower()
