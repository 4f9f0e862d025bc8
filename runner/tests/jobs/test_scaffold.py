"""The text of a new job: required settings to fill in, secrets as references, the rest as comments."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from dativo.connectors.programs import Program
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.jobs.scaffold import Part, scaffold

SETTINGS = {
    "type": "object",
    "properties": {
        "host": {"type": "string", "description": "Where the server is."},
        "port": {"type": "integer", "default": 5432, "description": "Its port."},
        "password": {"type": "string", "secret": True},
        "token": {"type": ["string", "null"], "writeOnly": True, "description": "In place of a password."},
        "tables": {"type": "array", "items": {"type": "string"}},
        "mode": {"enum": ["a", "b"]},
        "options": {"type": "object"},
        "sample": {"type": "string", "examples": ["${NOT_A_VARIABLE} #: x"]},
        "long": {"type": "boolean", "description": "word " * 60},
        "bare": {},
    },
    "required": ["host", "port", "password", "tables"],
}


@pytest.fixture
def made():
    registry = load_registry([built_in_registry()])

    def part(name, kind, settings):
        return Part(name, Program(registry.look_up(name, kind).connector, Path("/x")), settings)

    def made(settings, tenant=None, name="users"):
        source, target = part("tap-csv", "tap", settings), part("target-parquet", "target", None)
        return scaffold(name, tenant, source, target, "../job.schema.json")

    return made


def test_what_is_required_stands_in_it(made):
    found = made(SETTINGS, "acme")
    document = yaml.safe_load(found.text)
    assert found.text.startswith('# yaml-language-server: $schema=../job.schema.json\nname: "users"\n')
    assert document["tenant"] == "acme"
    assert document["source"] == {
        "connector": "tap-csv",
        "config": {"host": "FILL-IN", "port": 5432, "password": "${secret:csv#password}", "tables": []},
    }
    assert document["target"] == {"connector": "target-parquet", "config": {}}


def test_what_is_left_to_do_is_told(made):
    found = made(SETTINGS)
    assert found.open == ("source.config.host", "source.config.tables")
    assert found.secrets == ("${secret:csv#password}",)


def test_every_other_setting_is_a_comment_that_can_be_taken_in(made):
    lines = [line for line in made(SETTINGS).text.splitlines() if line.startswith("    # ") and ": " in line]
    found = {}
    for line in lines:
        found.update(yaml.safe_load(line.replace("# ", "", 1)))
    assert found == {
        "token": "${secret:csv#token}",
        "mode": "a",
        "options": {},
        "sample": "$${NOT_A_VARIABLE} #: x",
        "long": False,
        "bare": "FILL-IN",
    }


def test_descriptions_are_cut_to_a_line(made):
    text = made(SETTINGS).text
    assert "    # Where the server is.\n    host: " in text
    assert max(map(len, text.splitlines())) < 140


@pytest.mark.parametrize("settings", [None, {}, {"type": "object", "properties": {}}])
def test_a_connector_that_tells_nothing(made, settings):
    assert yaml.safe_load(made(settings).text)["source"]["config"] == {}


def test_only_optional_settings(made):
    text = made({"properties": {"a": {"type": "number"}}}).text
    assert "  config: {}\n    # a: 0\n" in text
    assert yaml.safe_load(text)["source"]["config"] == {}
