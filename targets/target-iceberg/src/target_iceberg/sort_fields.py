"""Sort fields: as the user writes them, and as a sort order of the table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_parquet.errors import LayoutError

from target_iceberg.terms import Term, checked_transform, parse_term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.schema import Schema
    from pyiceberg.table.sorting import SortField as OrderField
    from pyiceberg.table.sorting import SortOrder

_FIELD = re.compile(
    r"(?P<term>.+?)(?:\s+(?P<direction>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SortField:
    """One of them: `created_at desc nulls last`.

    Attributes:
        term: what rows are compared by.
        descending: whether greater values come first.
        nulls_first: whether rows without a value come before all others.
    """

    term: Term
    descending: bool
    nulls_first: bool


def parse_sort_fields(texts: Sequence[str], stream: str) -> tuple[SortField, ...]:
    """Read what the user wrote.

    Raises:
        LayoutError: one of them is no sort field.
    """
    return tuple(_parse(text, stream) for text in texts)


def _parse(text: str, stream: str) -> SortField:
    """Nulls stand where they do in Spark unless told otherwise: first ascending, last descending."""
    match = _FIELD.fullmatch(text.strip())
    term = match and parse_term(match["term"])
    if match is None or term is None:
        raise LayoutError(
            f"sort_by: {text!r} of stream {stream!r} is no sort field",
            instruction="Write a column, or one of bucket[N], truncate[N], year, month, day and hour with "
            "the column in parentheses; then, as needed, asc or desc, and nulls first or nulls last.",
        )
    descending = (match["direction"] or "asc").lower() == "desc"
    nulls = (match["nulls"] or ("last" if descending else "first")).lower()
    return SortField(term, descending, nulls == "first")


def order_fields(fields: Sequence[SortField], schema: Schema, stream: str) -> list[OrderField]:
    """The fields as a sort order of a table has them.

    Raises:
        LayoutError: there is no such column, or its type cannot be transformed so.
    """
    return [_order_field(each, schema, stream) for each in fields]


def order_of(fields: Sequence[SortField], schema: Schema, stream: str) -> SortOrder:
    """Make the sort order of a table that has none yet.

    Raises:
        LayoutError: see `order_fields`.
    """
    from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortOrder

    return SortOrder(*order_fields(fields, schema, stream)) if fields else UNSORTED_SORT_ORDER


def _order_field(field: SortField, schema: Schema, stream: str) -> OrderField:
    from pyiceberg.table.sorting import NullOrder, SortDirection
    from pyiceberg.table.sorting import SortField as OrderField

    transform = checked_transform(field.term, schema, stream, setting="sort_by", verb="sorted")
    return OrderField(
        source_id=schema.find_field(field.term.source).field_id,
        transform=transform,
        direction=SortDirection.DESC if field.descending else SortDirection.ASC,
        null_order=NullOrder.NULLS_FIRST if field.nulls_first else NullOrder.NULLS_LAST,
    )
