"""The published type table says what the code does."""

from pathlib import Path

import pytest
from dativo_protocol.arrow import arrow_type
from dativo_protocol.columns import ColumnType
from dativo_protocol.describe import json_schema_of_type
from dativo_protocol.schema import columns_of
from dativo_protocol.typetable import TYPE_TABLE, render_types_page

PAGE = Path(__file__).parents[2] / "docs" / "types.md"


def type_of(node, **options):
    return columns_of({"properties": {"p": node}}, stream="s", **options)[0].type


EXAMPLES = [(row, index) for row in TYPE_TABLE for index in range(len(row.examples))]


@pytest.mark.parametrize(
    ("row", "index"),
    EXAMPLES,
    ids=[f"{place}-{row.examples[index]}"[:80] for place, (row, index) in enumerate(EXAMPLES)],
)
def test_every_example_has_the_column_beside_it(row, index):
    assert type_of(row.examples[index], native_uuid=row.native_uuid) == row.type


@pytest.mark.parametrize("type_", dict.fromkeys(row.type for row in TYPE_TABLE), ids=str)
def test_what_is_announced_is_read_back_as_the_same_column(type_):
    assert type_of(json_schema_of_type(type_), native_uuid=True) == type_
    assert type_of(json_schema_of_type(type_, nullable=False), native_uuid=True) == type_


def test_the_table_shows_every_column_type():
    assert {type(row.type) for row in TYPE_TABLE} == set(ColumnType.__args__)


def test_every_column_type_has_an_arrow_type():
    assert all(arrow_type(row.type) is not None for row in TYPE_TABLE)


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == render_types_page(), "run `make docs`"
