"""Schemas as real taps write them, one data file each: a schema and the column of each of its properties."""

import json
from pathlib import Path

import pytest
from dativo_protocol.arrow import JSON_KEY, arrow_schema
from dativo_protocol.schema import columns_of

CASES = Path(__file__).parent / "cases" / "schema"
NAMES = sorted(path.stem for path in CASES.glob("*.json"))


def described(field):
    if (field.metadata or {}).get(JSON_KEY):
        return "json"
    type_ = field.type
    if hasattr(type_, "fields"):
        members = [type_.field(index) for index in range(type_.num_fields)]
        return f"struct<{', '.join(f'{member.name}: {described(member)}' for member in members)}>"
    return str(type_)


@pytest.mark.parametrize("name", NAMES)
def test_columns(name):
    case = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    columns = arrow_schema(columns_of(case["schema"], stream=name))
    assert {field.name: described(field) for field in columns} == case["columns"]


def test_the_cases_are_there():
    assert len(NAMES) >= 10
