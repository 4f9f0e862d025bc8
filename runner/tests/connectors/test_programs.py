"""From what a job writes to the program that is started."""

from __future__ import annotations

import json

import pytest
import yaml
from dativo.connectors.listing import details, details_lines, listing, listing_lines
from dativo.connectors.probe import About
from dativo.connectors.programs import resolve
from dativo.connectors.registry import load_registry
from dativo.connectors.settings import settings_of
from dativo.connectors.user_registry import add_entry
from dativo.connectors.venvs import Installed, Venvs
from dativo.errors import ConnectorError, InstallError
from dativo.home import Home

ENTRY = {
    "name": "tap-x",
    "kind": "tap",
    "distribution": "tap-x",
    "version": "1.4.2",
    "executable": "bin/tap-x",
    "description": "X",
    "maturity": "beta",
}
LOCK = "ab" * 32


class Here:
    def __init__(self, directory):
        self.directory = directory
        self.home = Home(directory / ".dativo")
        self.venvs = Venvs(self.home.venvs)
        self.executable(directory / "bin" / "tap-x")

    @staticmethod
    def executable(path, text="#!/bin/sh\n"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def registry(self, **changes):
        path = self.directory / "registry.yaml"
        path.write_text(yaml.safe_dump({"version": 1, "connectors": [{**ENTRY, **changes}]}))
        return load_registry([path])

    def install(self, version, lock=LOCK, at="2026-01-01"):
        prefix = self.venvs.begin("tap-x", version, lock)
        program = self.executable(prefix / "bin" / "tap-x")
        self.executable(prefix / "bin" / "python")
        installed = Installed("tap-x", version, "tap-x", str(program), lock, "tap-x", at)
        self.venvs.complete(installed)
        return installed

    def resolve(self, text, **changes):
        return resolve(text, "tap", self.registry(**changes), self.home)


@pytest.fixture
def here(tmp_path):
    return Here(tmp_path)


def test_without_an_installation_the_executable_of_the_registry_is_taken(here):
    program = here.resolve("tap-x")
    assert (program.origin, program.version, program.prefix) == ("custom", "1.4.2", None)
    assert program.executable == here.directory / "bin" / "tap-x"


@pytest.mark.parametrize("text", ["tap-x@1", "tap-x@1.4", "tap-x@1.4.2"])
def test_the_version_that_the_registry_has_will_do(here, text):
    assert here.resolve(text).origin == "custom"


def test_another_version_is_not_used_in_its_place(here):
    here.install("2.0")
    with pytest.raises(LookupError, match=r"tap-x@1\.5 is not installed, tap-x is here in version 1\.4\.2"):
        here.resolve("tap-x@1.5")


def test_an_installed_version_comes_before_that_of_the_registry(here):
    installed = here.install("1.4.9")
    program = here.resolve("tap-x@1.4")
    assert (program.version, program.origin, program.fingerprint) == ("1.4.9", "lock", f"lock:{LOCK}")
    assert program.prefix == installed.prefix


def test_of_one_version_the_last_installation_counts(here):
    here.install("1.4.9", "aa" * 32, "2026-01-02")
    here.install("1.4.9", "bb" * 32, "2026-01-03")
    here.install("1.4.9", "cc" * 32, "2026-01-01")
    assert here.resolve("tap-x@1.4.9").fingerprint == f"lock:{'bb' * 32}"


def test_without_a_lock_and_a_version_an_installation_is_not_what_is_meant(here):
    here.install("1.4.9")
    assert here.resolve("tap-x").origin == "custom"


def test_a_half_made_environment_does_not_count(here):
    prefix = here.venvs.begin("tap-x", "1.4.9", LOCK)
    here.executable(prefix / "bin" / "tap-x")
    assert list(here.venvs) == []
    assert here.resolve("tap-x@1.4").origin == "custom"
    assert not here.venvs.begin("tap-x", "1.4.9", LOCK).exists()


def test_environments_are_private(here):
    installed = here.install("1.0")
    assert installed.prefix.parent.stat().st_mode & 0o777 == 0o700
    assert here.home.venvs.stat().st_mode & 0o777 == 0o700


def test_the_list_says_what_is_installed(here):
    here.install("1.4.9")
    here.install("2.0")
    [row] = listing(here.registry(), here.home)
    assert row["installed"] == ["1.4.9", "2.0"]
    assert list(listing_lines([row]))[1].split() == ["tap-x", "tap", "1.4.2", "beta", "1.4.9,", "2.0", "X"]
    [row] = listing(here.registry(executable="nowhere-to-be-found"), Home(here.directory / "other"))
    assert row["installed"] is False


def test_details_name_versions_policy_and_what_is_broken(here):
    installed = here.install("1.4.9")
    entry = here.registry(policy={"tenants": ["acme"]}, objects=["tables"]).look_up("tap-x")
    found = details(entry, None, here.home, here.directory / "connectors.lock")
    assert found["installed"] == [
        {"version": "1.4.9", "lock": LOCK, "executable": installed.executable, "whole": True}
    ]
    assert found["policy"] == {"tenants": ["acme"], "modes": ["self_hosted", "cloud"]}
    (installed.prefix / "bin" / "python").unlink()
    lines = list(details_lines(details(entry, None, here.home, here.directory / "connectors.lock"), None))
    assert any(line.startswith("installed     1.4.9 (broken: install it again)") for line in lines)
    assert "objects       tables" in lines
    assert "policy        tenants: acme; modes: self_hosted, cloud" in lines
    json.dumps(found)


def test_settings_are_shown_as_a_table():
    schema = {
        "required": ["url"],
        "properties": {
            "url": {"type": "string", "description": "Where\n it is."},
            "key": {"type": ["string", "null"], "secret": True},
            "size": {"type": ["integer", "number"], "default": 5},
        },
    }
    head, url, key, size = list(details_lines({}, schema))[1:]
    assert head.split() == ["setting", "type", "required", "default", "what", "it", "says"]
    assert url.split() == ["url", "string", "yes", "Where", "it", "is."]
    assert key.split() == ["key", "string", "(secret)"]
    assert size.split() == ["size", "integer", "or", "number", "5"]
    assert list(details_lines({}, {}))[1:] == ["It declares no settings."]


def test_settings_come_from_the_file_of_the_registry(here):
    (here.directory / "x.json").write_text('{"properties": {"a": {}}}')
    assert settings_of(here.resolve("tap-x", settings="x.json"), here.home) == {"properties": {"a": {}}}


@pytest.mark.parametrize(("text", "message"), [("{", "cannot be read"), ("[]", "holds no JSON Schema")])
def test_settings_that_are_none_are_named(here, text, message):
    (here.directory / "x.json").write_text(text)
    with pytest.raises(ConnectorError, match=message):
        settings_of(here.resolve("tap-x", settings="x.json"), here.home)


def test_else_the_connector_is_asked(here):
    about = {"name": "tap-x", "settings": {"properties": {"b": {}}}, "capabilities": []}
    here.executable(here.directory / "bin" / "tap-x", f"#!/bin/sh\necho '{json.dumps(about)}'\n")
    assert settings_of(here.resolve("tap-x"), here.home) == {"properties": {"b": {}}}


def test_a_registry_that_cannot_be_added_to_stays_as_it_is(here):
    installed = here.install("1.0")
    about = About("tap-x", "1.0", "X", ("about",), None, answered=True)
    own = here.directory / "connectors.yaml"
    own.write_text("version: 1\nconnectors: []\n")
    with pytest.raises(InstallError, match="add it by hand:\n  - name: tap-x"):
        add_entry(own, installed, about, None, "registry.schema.json")
    assert own.read_text() == "version: 1\nconnectors: []\n"
    own.unlink()
    assert add_entry(own, installed, about, None, "registry.schema.json") == own
    assert load_registry([own]).look_up("tap-x", "tap").connector.version == "1.0"
