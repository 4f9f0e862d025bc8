"""What a connector says of itself, on the command line and for documents (C1, C4)."""

from __future__ import annotations

import json
import re
from importlib.metadata import version

import pytest
from dativo_protocol.about import meltano_required, meltano_settings, settings_markdown
from dativo_protocol.testing import run

VERSION = version("dativo-protocol")


@pytest.mark.parametrize(("name", "fixture"), [("tap-numbers", "tap"), ("target-lines", "target")])
def test_version_has_the_shape_of_the_sdk_and_nothing_else(name, fixture, request):
    outcome = run([*request.getfixturevalue(fixture), "--version"])
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.decode() == f"{name} v{VERSION}, dativo v{VERSION}\n"


def test_about_as_json_has_the_keys_meltano_hub_reads(tap):
    outcome = run([*tap, "--about", "--format", "json"])
    assert (outcome.code, outcome.stderr) == (0, "")
    about = json.loads(outcome.stdout)
    assert list(about) == [
        "name",
        "description",
        "version",
        "sdk_version",
        "supported_python_versions",
        "capabilities",
        "settings",
    ]
    assert about["name"] == "tap-numbers"
    assert about["capabilities"] == ["about", "catalog", "discover", "state", "structured-logging"]
    assert about["supported_python_versions"][0] == "3.11"
    assert about["settings"]["properties"]["token"]["secret"] is True
    assert about["settings"]["properties"]["nested"]["properties"]["password"]["writeOnly"] is True
    assert about["settings"]["properties"]["nested"]["default"] == {"depth": 1}


def test_about_as_text_names_every_setting_and_its_variable(tap):
    text = run([*tap, "--about"]).stdout.decode()
    assert text.startswith("Name: tap-numbers\nDescription: Rows of numbers.\nVersion: ")
    for name in ("rows", "token", "nested"):
        assert f"  - Name: {name}\n" in text
        assert f"Environment Variable: TAP_NUMBERS_{name.upper()}\n" in text


def test_about_as_markdown_starts_with_the_name_and_holds_the_readme_table(tap, tap_numbers):
    text = run([*tap, "--about", "--format=markdown"]).stdout.decode()
    assert text.startswith("# `tap-numbers`\n")
    assert settings_markdown(tap_numbers) in text


def test_the_table_has_a_row_for_each_setting_nested_ones_too(tap_numbers, target_lines):
    table = settings_markdown(target_lines)
    assert "| `directory` | yes |  | Where the files go. |\n" in table
    assert '| `on_invalid` |  | `"fail"` | Invalid records. One of `fail`, `skip`. |\n' in table
    nested = settings_markdown(tap_numbers)
    assert "| `nested.password` |  |  | Of the nested thing. Secret. |\n" in nested
    columns = {len(re.findall(r"(?<!\\)\|", line)) for line in nested.splitlines()}
    assert columns == {5}


def test_settings_for_meltano(tap_numbers, target_lines):
    by_name = {each["name"]: each for each in meltano_settings(tap_numbers)}
    assert by_name["rows"] == {
        "name": "rows",
        "label": "Rows",
        "description": "Rows of each stream.",
        "kind": "integer",
        "value": 10,
    }
    assert by_name["token"]["sensitive"] is True
    assert "value" not in by_name["token"]
    kinds = {name: each["kind"] for name, each in by_name.items()}
    assert kinds == {
        "rows": "integer",
        "streams": "array",
        "batch_rows": "integer",
        "token": "string",
        "pause": "decimal",
        "chatty": "boolean",
        "fail_after": "integer",
        "leak": "boolean",
        "nested": "object",
    }
    policy = next(each for each in meltano_settings(target_lines) if each["name"] == "on_invalid")
    assert policy["kind"] == "options"
    assert policy["options"] == [{"label": "fail", "value": "fail"}, {"label": "skip", "value": "skip"}]


def test_required_settings_for_meltano(tap_numbers, target_lines):
    assert meltano_required(target_lines) == [["directory"]]
    assert meltano_required(tap_numbers) == [[]]


def test_describing_needs_no_valid_configuration(target):
    assert run([*target, "--config", "none.json", "--about"]).code == 0
    assert run([*target, "--version", "--config", "none.json"]).code == 0


def test_an_unknown_option_is_a_usage_fault(tap):
    outcome = run([*tap, "--nope"])
    assert (outcome.code, outcome.stdout) == (2, b"")
    assert "--nope" in outcome.stderr
