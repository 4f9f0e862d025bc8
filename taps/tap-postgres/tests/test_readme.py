"""The README says what the settings and the types say, and its configuration works."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dativo_protocol.about import settings_markdown
from dativo_protocol.columns import JsonText
from dativo_protocol.config import load_settings
from tap_postgres.__main__ import CONNECTOR
from tap_postgres.forms import NATIVE, arrow_field
from tap_postgres.settings import TapPostgresSettings

README = (Path(__file__).parents[1] / "README.md").read_text()


def types() -> dict[str, str]:
    """Arrow type by PostgreSQL's, of the table in the README."""
    section = README.split("## Types")[1].split("##")[0]
    rows = re.findall(r"^\| (.*?) \| .*? \| (.*?) \|$", section, re.MULTILINE)
    return {name: arrow for names, arrow in rows for name in re.findall(r'`"?(\w+)"?`', names)}


def test_the_table_of_settings_is_that_of_the_settings() -> None:
    assert settings_markdown(CONNECTOR) in README


def test_the_example_is_a_configuration() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    assert load_settings(TapPostgresSettings, json.loads(example)).schemas == ("public",)


def test_the_table_of_types_has_all_that_are_decoded() -> None:
    shown = types()
    for name, form in NATIVE.items():
        if name == "bpchar":  # char(n) to everybody else
            continue
        text = f"`{arrow_field('c', form).type}`" + (", JSON text" if isinstance(form.type, JsonText) else "")
        assert shown[name] == text, name
