"""Ranges of pages: nothing is read twice, nothing is left out."""

from __future__ import annotations

import random

import pytest
from tap_postgres.chunks import Pages, divided, merged, remaining


def pages_in(ranges: tuple[Pages, ...]) -> list[int]:
    return [page for pages in ranges for page in range(pages.start, pages.end)]


def test_merged() -> None:
    assert merged([Pages(5, 9), Pages(0, 2), Pages(2, 3), Pages(8, 10), Pages(12, 12)]) == (
        Pages(0, 3),
        Pages(5, 10),
    )


@pytest.mark.parametrize(
    ("done", "left"),
    [
        ([], [Pages(0, 10)]),
        ([Pages(0, 10)], []),
        ([Pages(0, 4)], [Pages(4, 10)]),
        ([Pages(4, 6)], [Pages(0, 4), Pages(6, 10)]),
        ([Pages(8, 20)], [Pages(0, 8)]),
        ([Pages(15, 20)], [Pages(0, 10)]),
    ],
)
def test_remaining(done: list[Pages], left: list[Pages]) -> None:
    assert list(remaining(10, done)) == left


def test_done_and_remaining_are_the_whole_table() -> None:
    chance = random.Random(7)
    for _ in range(200):
        total = chance.randrange(60)
        starts = [chance.randrange(60) for _ in range(5)]
        done = [Pages(start, start + chance.randrange(9)) for start in starts]
        left = pages_in(remaining(total, done))
        assert sorted({*left, *(page for page in pages_in(merged(done)) if page < total)}) == list(
            range(total)
        )
        assert not set(left) & set(pages_in(merged(done)))
        for most in (1, 3, 100):
            assert pages_in(divided(remaining(total, done), most=most, readers=2)) == left


def test_chunks_are_even() -> None:
    assert divided((Pages(0, 10),), most=4, readers=1) == (Pages(0, 3), Pages(3, 6), Pages(6, 10))


def test_each_reader_has_something_of_a_large_table_and_a_small_one_stays_whole() -> None:
    assert [pages.count for pages in divided((Pages(0, 6000),), most=16_384, readers=3)] == [2000] * 3
    assert divided((Pages(0, 3000),), most=16_384, readers=3) == (Pages(0, 3000),)


@pytest.mark.parametrize(("start", "end"), [(-1, 4), (4, 3)])
def test_what_is_no_range(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no pages"):
        Pages(start, end)
