"""Text to values: what each type takes, strictly and leniently, and what it refuses."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_csv.conversion import convert
from tap_csv.typenames import parse_type

BAD = object()
ZONED = datetime(2024, 5, 1, 8, 30, tzinfo=UTC)
NAIVE = datetime(2024, 5, 1, 8, 30)  # noqa: DTZ001 -- the point of the type


def converted(type_name: str, *texts: str | None, lenient: bool = False) -> list[Any]:
    """Convert texts in one column; BAD stands where a text does not fit."""
    encoded = [None if text is None else text.encode() for text in texts]
    result = convert(pa.array(encoded, pa.binary()), parse_type(type_name), lenient=lenient)
    bad = [False] * len(texts) if result.bad is None else result.bad.to_pylist()
    return [BAD if is_bad else value for value, is_bad in zip(result.values.to_pylist(), bad, strict=True)]


STRICT = [
    ("integer", "0", 0),
    ("integer", "-9223372036854775808", -(2**63)),
    ("integer", "9223372036854775807", 2**63 - 1),
    ("integer", "9223372036854775808", BAD),
    ("integer", " 7 ", 7),
    ("integer", "007", BAD),
    ("integer", "-07", BAD),
    ("integer", "00", BAD),
    ("integer", "0x1F", BAD),
    ("integer", "+7", BAD),
    ("integer", "1.0", BAD),
    ("integer", "1e3", BAD),
    ("integer", "", BAD),
    ("integer", "½", BAD),
    ("number", "1", 1.0),
    ("number", "-1.5e-3", -0.0015),
    ("number", "0.1", 0.1),
    ("number", ".5", 0.5),
    ("number", "5.", 5.0),
    ("number", "0", 0.0),
    ("number", "0e5", 0.0),
    ("number", "007.5", BAD),
    ("number", "-00.5", BAD),
    ("number", "nan", BAD),
    ("number", "-inf", BAD),
    ("number", "1e400", BAD),
    ("number", "1,5", BAD),
    ("number", "0x1F", BAD),
    ("decimal(10,2)", "1.5", Decimal("1.50")),
    ("decimal(10,2)", "-1.50000", Decimal("-1.50")),
    ("decimal(10,2)", "1e2", Decimal("100.00")),
    ("decimal(10,2)", "1.505", BAD),
    ("decimal(10,2)", "123456789.00", BAD),
    ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
    ("decimal(38,0)", "9" * 39, BAD),
    ("decimal(38,0)", "9" * 60, BAD),
    ("decimal(38,0)", "1e40", BAD),
    ("decimal(38,0)", "123e35", Decimal("123e35")),
    ("decimal(10,2)", "1.5" + "0" * 60, Decimal("1.50")),
    ("decimal(10,2)", "0." + "0" * 60, Decimal("0.00")),
    ("decimal(10,2)", "0." + "0" * 60 + "1", BAD),
    ("boolean", "true", True),
    ("boolean", "FALSE", False),
    ("boolean", "1", True),
    ("boolean", "0", False),
    ("boolean", "yes", BAD),
    ("boolean", "2", BAD),
    ("date", "2024-02-29", date(2024, 2, 29)),
    ("date", "2023-02-29", BAD),
    ("date", "2024-2-9", BAD),
    ("date", "29.02.2024", BAD),
    ("date", "20240229", BAD),
    ("date", "2024-02-29T00:00:00", BAD),
    ("time", "08:30", time(8, 30)),
    ("time", "08:30:15.25", time(8, 30, 15, 250000)),
    ("time", "24:00:00", BAD),
    ("time", "8:30", BAD),
    ("timestamp", "2024-05-01 08:30", NAIVE),
    ("timestamp", "2024-05-01T08:30:00.0000009", NAIVE),
    ("timestamp", "2024-05-01t08:30:00", NAIVE),
    ("timestamp", "2024-05-01", datetime(2024, 5, 1)),  # noqa: DTZ001
    ("timestamp", "2024-05-01T08:30:00Z", BAD),
    ("timestamp", "2024-05-01T08:30:00+00:00", BAD),
    ("timestamp", "2024-04-31 08:30", BAD),
    ("date-time", "2024-05-01T08:30:00Z", ZONED),
    ("date-time", "2024-05-01 10:30:00+02:00", ZONED),
    ("date-time", "2024-05-01 10:30:00.000000999 +0200", ZONED),
    ("date-time", "2024-05-01t08:30:00z", ZONED),
    ("date-time", "2024-05-01 08:30 UTC", ZONED),
    ("date-time", "2024-05-01 06:30-02", ZONED),
    ("date-time", "2024-05-01T08:30:00", BAD),
    ("date-time", "2024-05-01", BAD),
    ("date-time", "2024-05-01T08:30:00 CEST", BAD),
    ("string", "  as it is ", "  as it is "),
    ("string", "", ""),
]

LENIENT = [
    ("integer", "007", 7),
    ("integer", "+7", 7),
    ("integer", "-07", -7),
    ("integer", "0x1F", BAD),
    ("number", "007.5", 7.5),
    ("number", "inf", BAD),
    ("decimal(10,2)", "007.5", Decimal("7.50")),
    ("decimal(10,2)", "0" * 50 + "7.5", Decimal("7.50")),
    ("boolean", "Yes", True),
    ("boolean", "n", False),
    ("boolean", "off", False),
    ("boolean", "2", BAD),
    ("date-time", "2024-05-01T08:30:00", ZONED),
    ("date-time", "2024-05-01 08:30", ZONED),
    ("date-time", "2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
    ("date-time", "2024-05-01 10:30:00 +02:00", ZONED),
    ("timestamp", "2024-05-01T08:30:00Z", BAD),
]

GOOD_OF = {
    "integer": "12",
    "number": "1.25",
    "decimal(10,2)": "1.25",
    "decimal(38,0)": "12",
    "boolean": "true",
    "date": "2024-05-01",
    "time": "08:30:00",
    "timestamp": "2024-05-01T08:30:00",
    "date-time": "2024-05-01T08:30:00Z",
    "string": "x",
}


@pytest.mark.parametrize(("type_name", "text", "expected"), STRICT)
def test_a_value_read_strictly(type_name: str, text: str, expected: Any) -> None:
    assert converted(type_name, text) == [expected]


@pytest.mark.parametrize(("type_name", "text", "expected"), LENIENT)
def test_a_value_read_leniently(type_name: str, text: str, expected: Any) -> None:
    assert converted(type_name, text, lenient=True) == [expected]


@pytest.mark.parametrize(("type_name", "text", "expected"), STRICT)
def test_neighbours_make_no_difference(type_name: str, text: str, expected: Any) -> None:
    """A column is cast as a whole if it can be: one odd value must not change what the others become."""
    (good,) = converted(type_name, GOOD_OF[type_name])
    around = [GOOD_OF[type_name], None, text, GOOD_OF[type_name]]
    assert converted(type_name, *around) == [good, None, expected, good]


def test_an_empty_column_stays_empty() -> None:
    for type_name in GOOD_OF:
        assert converted(type_name) == []
        assert converted(type_name, None, None) == [None, None]


def test_every_bad_value_is_found_among_many() -> None:
    texts = [str(n) if n % 7 else f"{n}x" for n in range(1000)]
    assert converted("integer", *texts) == [n if n % 7 else BAD for n in range(1000)]
    days = [f"2023-02-{day:02}" for day in range(1, 32)]
    assert [value is BAD for value in converted("date", *days)] == [day > 28 for day in range(1, 32)]


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none()))
def test_integers_are_those_of_python(values: list[int | None]) -> None:
    assert converted("integer", *(None if value is None else str(value) for value in values)) == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_are_those_of_python(values: list[float]) -> None:
    assert converted("number", *map(repr, values)) == values


@given(
    st.lists(st.text(max_size=12), max_size=8), st.sampled_from(["integer", "number", "date", "date-time"])
)
def test_no_text_makes_a_conversion_fail_or_lie(texts: list[str], type_name: str) -> None:
    for text, value in zip(texts, converted(type_name, *texts), strict=True):
        if type_name == "integer" and value is not BAD:
            assert int(text) == value
        if type_name == "number" and value is not BAD:
            assert math.isfinite(value)
            assert float(text) == value


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**7), max_value=10**7)
    )
)
def test_decimals_keep_their_digits(values: list[Decimal]) -> None:
    assert converted("decimal(10,2)", *map(str, values)) == values


@given(st.lists(st.datetimes(timezones=st.just(UTC))))
def test_date_times_are_those_of_python(values: list[datetime]) -> None:
    assert converted("date-time", *(value.isoformat() for value in values)) == values
