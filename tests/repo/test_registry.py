"""registry.yaml, meltano.yml, the packages and the executables say the same about each connector."""

import json
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml

from tests.paths import BIN, ROOT
from tests.repo.rooms import Room, rooms

CONNECTORS = [room for room in rooms() if room.member.startswith(("taps/", "targets/"))]
MELTANO_KINDS = {"string", "integer", "decimal", "boolean", "array", "object", "options"}

every_connector = pytest.mark.parametrize("room", CONNECTORS, ids=lambda room: room.member)


def entry(room: Room) -> dict[str, Any]:
    """The connector in registry.yaml."""
    [found] = [each for each in registry() if each["path"] == room.member]
    return found


def plugin(room: Room) -> dict[str, Any]:
    """The connector in meltano.yml."""
    [found] = [each for each in meltano()[plugin_kind(room)] if each["pip_url"].endswith(f"./{room.member}")]
    return found


@cache
def about(room_name: str) -> dict[str, Any]:
    command = (str(BIN / room_name), "--about", "--format=json")
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def registry() -> list[dict[str, Any]]:
    return yaml.safe_load((ROOT / "registry.yaml").read_text())["connectors"]


def meltano() -> dict[str, list[dict[str, Any]]]:
    return yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]


def plugin_kind(room: Room) -> str:
    return "extractors" if room.member.startswith("taps/") else "loaders"


def test_every_connector_is_listed_once() -> None:
    members = sorted(room.member for room in CONNECTORS)
    assert sorted(each["path"] for each in registry()) == members
    plugins = [each for kind in ("extractors", "loaders") for each in meltano()[kind]]
    assert sorted(each["pip_url"] for each in plugins) == [f"-e ./{member}" for member in members]


@every_connector
def test_the_registry_agrees_with_the_package(room: Room) -> None:
    listed = entry(room)
    assert [listed["executable"]] == room.scripts
    assert listed["name"] == room.member.rpartition("/")[2]
    assert listed["kind"] == listed["name"].partition("-")[0]
    assert (listed["distribution"], listed["version"]) == (room.distribution, room.project["version"])
    assert listed["description"] == room.project["description"]


@every_connector
def test_the_registry_agrees_with_the_executable(room: Room) -> None:
    listed, said = entry(room), about(entry(room)["executable"])
    assert (said["name"], said["version"]) == (listed["name"], listed["version"])
    assert said["capabilities"] == listed["capabilities"]
    assert secrets_of(said["settings"]) == listed.get("secret_settings", [])
    assert json.loads((ROOT / listed["settings"]).read_text()) == said["settings"]


@every_connector
def test_meltano_agrees_with_the_executable(room: Room) -> None:
    listed, said = plugin(room), about(entry(room)["executable"])
    assert (listed["name"], listed["executable"]) == (said["name"], entry(room)["executable"])
    assert listed["namespace"] == said["name"].replace("-", "_")
    assert listed["capabilities"] == said["capabilities"]
    assert [each["name"] for each in listed["settings"]] == list(said["settings"]["properties"])


@every_connector
def test_meltano_offers_each_setting_as_it_is(room: Room) -> None:
    said = about(entry(room)["executable"])["settings"]["properties"]
    for setting in plugin(room)["settings"]:
        schema = said[setting["name"]]
        assert setting["kind"] in MELTANO_KINDS
        assert setting["description"] == schema["description"]
        assert setting.get("sensitive", False) == schema.get("secret", False)
        assert setting.get("value") == schema.get("default")
        choices = [choice for choice in schema.get("enum", []) if choice is not None]
        assert [option["value"] for option in setting.get("options", [])] == choices


def secrets_of(schema: dict[str, Any], path: str = "") -> list[str]:
    """Dotted paths of the secret settings."""
    found = []
    for name, each in schema.get("properties", {}).items():
        if each.get("secret"):
            found.append(f"{path}{name}")
        found += secrets_of(each, f"{path}{name}.") + secrets_of(each.get("items", {}), f"{path}{name}.")
    return found
