"""Rows of texts as columns of equal width."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def text_table(rows: Sequence[Sequence[str]], *, numbers: bool = False) -> Iterator[str]:
    """One line a row.

    Args:
        rows: all of the same length; the first is the head.
        numbers: align every column but the first to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{cell:>{width}}" if numbers and index else f"{cell:<{width}}"
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
