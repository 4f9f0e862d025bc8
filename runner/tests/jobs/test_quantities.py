"""Times and amounts as people write them."""

from __future__ import annotations

import pytest
from dativo.jobs.quantities import Bytes, Duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("1.5m", 90), ("2h", 7200), ("1d", 86_400), ("0s", 0)]
)
def test_times(text, seconds):
    assert Duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "5 s", "s", "-1s", "1w", "1h30m", "1.s", "٣s"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match="30s"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0B", 0),
        ("64KiB", 65_536),
        ("512MiB", 512 << 20),
        ("2GB", 2_000_000_000),
        ("1.5GiB", 3 << 29),
        ("1TiB", 1 << 40),
    ],
)
def test_amounts(text, amount):
    assert Bytes.parse(text) == amount


@pytest.mark.parametrize("text", ["", "5", "5 MB", "MB", "-1MB", "1mb", "1PiB", "1Ki", "٣MB"])
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match="512MiB"):
        Bytes.parse(text)


def test_bare_numbers():
    assert (Duration.of(0.25), Bytes.of(5.0)) == (0.25, 5)
    for kind, number in ((Duration, -1), (Bytes, -1), (Bytes, 0.5)):
        with pytest.raises(ValueError, match="such as"):
            kind.of(number)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Duration(86_400), "1d"),
        (Duration(5400), "90m"),
        (Duration(90), "90s"),
        (Duration(0.5), "0.5s"),
        (Duration(0), "0s"),
        (Bytes(2 << 30), "2 GiB"),
        (Bytes(1536), "1.5 KiB"),
        (Bytes(10), "10 B"),
    ],
)
def test_they_say_themselves_as_people_do(value, text):
    assert str(value) == text
