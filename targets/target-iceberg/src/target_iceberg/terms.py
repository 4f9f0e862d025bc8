"""A column or a transform of one, as partition fields and sort fields are written: `bucket[16](id)`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_parquet.errors import LayoutError

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import Transform

_TERM = re.compile(r"(?:(?P<transform>[a-z]+(?:\[\d+\])?)\((?P<source>.+)\)|(?P<column>.+))")
_TRANSFORM = re.compile(r"(?:bucket|truncate)\[[1-9]\d*\]|identity|year|month|day|hour")


@dataclass(frozen=True, slots=True)
class Term:
    """One of them: `bucket[16]` of `id`."""

    source: str
    transform: str


def parse_term(text: str) -> Term | None:
    """Read a term; None if the text is none."""
    match = _TERM.fullmatch(text.strip())
    transform = match and (match["transform"] or "identity")
    if match is None or transform is None or not _TRANSFORM.fullmatch(transform):
        return None
    return Term(match["source"] or match["column"], transform)


def checked_transform(
    term: Term, schema: Schema, stream: str, *, setting: str, verb: str
) -> Transform[Any, Any]:
    """The transform, if the column is there and can take it.

    Args:
        term: to check.
        schema: of the table.
        stream: for messages, as are the others:
        setting: that has the term.
        verb: what is done by it.

    Raises:
        LayoutError: it cannot.
    """
    from pyiceberg.transforms import parse_transform

    transform = parse_transform(term.transform)
    kinds = {column.name: column.field_type for column in schema.fields}
    if term.source not in kinds:
        raise LayoutError(
            f"{setting}: stream {stream!r} has no column {term.source!r}",
            instruction='Name the columns of each stream: {"<stream>": ["<column>"]}.',
        )
    if not transform.can_transform(kinds[term.source]):
        raise LayoutError(
            f"{setting}: column {term.source!r} of stream {stream!r} is "
            f"{kinds[term.source]} and cannot be {verb} by {term.transform}"
        )
    return transform
