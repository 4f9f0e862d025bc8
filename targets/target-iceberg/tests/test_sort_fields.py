"""Sort fields as they are written."""

import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import ListType, LongType, NestedField, StringType
from target_iceberg.sort_fields import SortField, order_fields, order_of, parse_sort_fields
from target_iceberg.terms import Term
from target_parquet.errors import LayoutError

SCHEMA = Schema(
    NestedField(1, "id", LongType()),
    NestedField(2, "name", StringType()),
    NestedField(3, "tags", ListType(4, StringType())),
)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("id", SortField(Term("id", "identity"), descending=False, nulls_first=True)),
        (" id ASC ", SortField(Term("id", "identity"), descending=False, nulls_first=True)),
        ("id desc", SortField(Term("id", "identity"), descending=True, nulls_first=False)),
        ("id nulls last", SortField(Term("id", "identity"), descending=False, nulls_first=False)),
        ("id Desc  Nulls First", SortField(Term("id", "identity"), descending=True, nulls_first=True)),
        ("bucket[16](id) desc", SortField(Term("id", "bucket[16]"), descending=True, nulls_first=False)),
        ("day(placed at)", SortField(Term("placed at", "day"), descending=False, nulls_first=True)),
        ("desc desc", SortField(Term("desc", "identity"), descending=True, nulls_first=False)),
    ],
)
def test_what_is_written_is_understood(text, field):
    assert parse_sort_fields([text], "users") == (field,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "week(id)",
        "id up",
        "id nulls",
        "id nulls first desc",
        "missing",
        "bucket[0](id)",
        "tags",
        "hour(name)",
    ],
)
def test_what_cannot_be_sorted_by_is_said(text):
    with pytest.raises(LayoutError, match=r"sort_by: .*users"):
        order_fields(parse_sort_fields([text], "users"), SCHEMA, "users")


def test_no_fields_are_no_order():
    assert order_of((), SCHEMA, "users").is_unsorted
