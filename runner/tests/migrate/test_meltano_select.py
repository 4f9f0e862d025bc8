"""What an extractor of Meltano selects, with and without a filter."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from dativo.migrate.meltano_select import narrow
from hypothesis import given
from hypothesis import strategies as st

STREAMS = ("orders", "order_items", "customers", "a", "ab")
PATTERNS = ("*", "orders", "order*", "*s", "a", "a?", "[ao]*", "customers", "none")


@pytest.mark.parametrize(
    ("select", "wanted", "narrowed"),
    [
        (["*.*"], [], ["*.*"]),
        (["*.*"], ["orders"], ["orders.*"]),
        (["*.*"], ["orders", "customers"], ["orders.*", "customers.*"]),
        (["*.*", "!orders.secret"], ["orders"], ["orders.*", "!orders.secret"]),
        (["orders.*", "customers.*"], ["orders"], ["orders.*"]),
        (["orders.id", "orders.at"], ["order*"], ["orders.id", "orders.at"]),
        (["order*.id"], ["orders"], ["orders.id"]),
        (["order*.id"], ["order*"], ["order*.id"]),
        (["order*.id"], ["*"], ["order*.id"]),
        (["*.id", "orders.*"], ["orders"], ["orders.id", "orders.*"]),
        (["orders.address.zip"], ["orders"], ["orders.address.zip"]),
        (["orders"], ["orders"], ["orders"]),
        (["orders.*"], ["customers"], []),
        (["orders.*", "orders.*"], ["orders", "order*"], ["orders.*"]),
    ],
)
def test_a_filter_narrows_what_is_selected(select: list[str], wanted: list[str], narrowed: list[str]) -> None:
    assert narrow(select, wanted) == narrowed


@pytest.mark.parametrize(("select", "wanted"), [(["order*.*"], ["*s"]), (["a?.*"], ["[ao]*"])])
def test_two_patterns_that_only_overlap_are_for_people(select: list[str], wanted: list[str]) -> None:
    assert narrow(select, wanted) is None


@given(
    st.lists(st.sampled_from(PATTERNS), max_size=4),
    st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3),
)
def test_it_reaches_what_both_reach_and_nothing_else(select: list[str], wanted: list[str]) -> None:
    narrowed = narrow([f"{each}.*" for each in select], wanted)
    if narrowed is None:
        return
    for stream in STREAMS:
        both = any(fnmatchcase(stream, each) for each in select) and any(
            fnmatchcase(stream, each) for each in wanted
        )
        assert any(fnmatchcase(stream, each.removesuffix(".*")) for each in narrowed) == both
