"""A table that a foreign tool could get wrong: types, nulls, quotes, line ends, letters beyond ASCII."""

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

Row = tuple[int, str | None, float | None, bool | None, date | None, datetime | None]

COLUMNS = ("id", "note", "total", "paid", "day", "changed_at")
ORDERS: list[Row] = [
    (1, "plain", 9.5, True, date(2024, 2, 29), datetime(2024, 2, 29, 23, 59, 59, 120_000, tzinfo=UTC)),
    (2, 'a "quoted", note', -0.25, False, date(1999, 12, 31), datetime(1999, 12, 31, tzinfo=UTC)),
    (3, "two\nlines", None, None, None, None),
    (
        4,
        "naïve Köln 東京 🚀 \\ back",
        1e15,
        True,
        date(2012, 1, 19),
        datetime(2012, 1, 19, 3, 14, 8, tzinfo=UTC),
    ),
    (9_007_199_254_740_993, None, 0.1, False, date(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)),
]


def write_orders(path: Path, rows: Sequence[Row] = ORDERS) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([field(value) for value in row] for row in rows)


def field(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
