"""Registry files: what they hold, how a later one replaces entries, and what is refused."""

from __future__ import annotations

import sys

import pytest
import yaml
from dativo.connectors.programs import find_program
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.errors import ProblemsError

ENTRY = {
    "name": "tap-x",
    "kind": "tap",
    "distribution": "tap-x",
    "version": "1.0",
    "executable": "tap-x",
    "description": "X",
    "maturity": "beta",
}


@pytest.fixture
def write(tmp_path):
    def write(*entries, name="registry.yaml"):
        path = tmp_path / name
        path.write_text(yaml.safe_dump({"version": 1, "connectors": list(entries)}, sort_keys=False))
        return path

    return write


def executable(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_registry_of_the_repository_is_found_and_whole():
    registry = load_registry([built_in_registry()])
    assert [entry.connector.name for entry in registry] == [
        "tap-csv",
        "tap-postgres",
        "target-iceberg",
        "target-parquet",
    ]


def test_entries_are_found_by_name_and_kind(write):
    registry = load_registry([write(ENTRY)])
    assert registry.look_up("tap-x", "tap").connector.version == "1.0"
    with pytest.raises(LookupError, match="'tap-x' is a tap, and a target is needed here"):
        registry.look_up("tap-x", "target")
    with pytest.raises(LookupError, match="no tap 'tap-y' in the registry; did you mean 'tap-x'"):
        registry.look_up("tap-y", "tap")
    with pytest.raises(LookupError, match="no target 'zz' in the registry; known targets: none"):
        registry.look_up("zz", "target")


def test_a_later_file_replaces_entries_and_keeps_the_others(write):
    first = write(ENTRY, {**ENTRY, "name": "tap-z"})
    second = write({**ENTRY, "version": "2.0"}, name="second.yaml")
    registry = load_registry([first, second])
    assert registry.look_up("tap-x", "tap").connector.version == "2.0"
    assert registry.look_up("tap-x", "tap").file == second
    assert registry.look_up("tap-z", "tap").file == first


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**ENTRY, "kind": "engine"}, "'connectors[0].kind' must be tap or target or mapper"),
        ({**ENTRY, "maturity": "old"}, "must be alpha or beta or stable"),
        ({**ENTRY, "capabilities": "state"}, "'connectors[0].capabilities' must be a list"),
        ({**ENTRY, "colour": "red"}, "'connectors[0].colour' is not known"),
        ({key: ENTRY[key] for key in ENTRY if key != "executable"}, "'connectors[0].executable' is missing"),
        ("tap-x", "'connectors[0]' must be a mapping, not a text"),
    ],
)
def test_a_wrong_entry_is_named_with_its_place(write, entry, message):
    with pytest.raises(ProblemsError) as caught:
        load_registry([write(entry)])
    assert "registry.yaml:" in str(caught.value)
    assert message in str(caught.value)


def test_a_name_may_be_listed_once_a_file(write):
    with pytest.raises(ProblemsError, match="'tap-x' is listed twice"):
        load_registry([write(ENTRY, ENTRY)])


def test_the_version_of_the_format_is_held(tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_text("version: 2\nconnectors: []\n")
    with pytest.raises(ProblemsError, match="1:10: 'version' must be 1"):
        load_registry([path])


def test_problems_of_all_files_are_told(write, tmp_path):
    with pytest.raises(ProblemsError) as caught:
        load_registry([write({**ENTRY, "kind": "x"}), tmp_path / "gone.yaml"])
    assert len(caught.value.problems) == 2


def test_a_path_is_relative_to_the_registry_that_gives_it(write, tmp_path):
    program = executable(tmp_path / "bin" / "tap-x")
    registry = load_registry([write({**ENTRY, "executable": "bin/tap-x"})])
    assert find_program(registry.look_up("tap-x", "tap")).executable == program


def test_a_name_is_looked_up_beside_python_before_path(write, tmp_path, monkeypatch):
    on_path = executable(tmp_path / "path" / "tap-x")
    monkeypatch.setenv("PATH", str(on_path.parent))
    registry = load_registry([write(ENTRY)])
    assert find_program(registry.look_up("tap-x", "tap")).executable == on_path
    beside = executable(tmp_path / "venv" / "bin" / "tap-x")
    monkeypatch.setattr(sys, "executable", str(beside.with_name("python")))
    assert find_program(registry.look_up("tap-x", "tap")).executable == beside


def test_a_file_that_cannot_be_executed_is_not_installed(write, tmp_path):
    executable(tmp_path / "tap-x").chmod(0o644)
    registry = load_registry([write({**ENTRY, "executable": "./tap-x"})])
    with pytest.raises(LookupError, match="is not installed"):
        find_program(registry.look_up("tap-x", "tap"))
