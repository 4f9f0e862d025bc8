"""Names become parts of file names, of secrets' names and of keys: what they may look like."""

from __future__ import annotations

import re

import pytest
from dativo.jobs.names import CONNECTOR, NAME, TENANT, VARIABLE, must
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("name", ["a", "users", "A1", "0", "users-to-lake", "a.b_c", "x" * 128])
def test_names(name):
    assert re.fullmatch(NAME, name)
    assert re.fullmatch(TENANT, name)
    assert re.fullmatch(CONNECTOR, f"{name}@1.2")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-option", "_", "a/b", "a b", "a+b", "a#b", "a@b", "a\n", "ä", "x" * 129],
)
def test_what_is_no_name(name):
    assert not re.fullmatch(NAME, name)
    assert not re.fullmatch(TENANT, name)


@pytest.mark.parametrize("name", ["global", "GLOBAL", "Global", "a__b", "a__"])
def test_names_that_no_tenant_may_have(name):
    assert re.fullmatch(NAME, name)
    assert not re.fullmatch(TENANT, name)


@pytest.mark.parametrize("name", ["globals", "a_b", "global-eu"])
def test_names_that_are_only_like_those(name):
    assert re.fullmatch(TENANT, name)


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("PATH", True),
        ("_x1", True),
        ("1X", False),
        ("A-B", False),
        ("DATIVO_SECRET__ACME__PG", False),
        ("DATIVO_SECRETS", True),
    ],
)
def test_variables_that_are_handed_on(name, taken):
    assert bool(re.fullmatch(VARIABLE, name)) == taken


@given(st.text(max_size=20))
def test_a_name_is_one_part_of_a_path(text):
    if re.fullmatch(NAME, text):
        assert text not in (".", "..")
        assert not set(text) & set("/\\+#@ \0\n")


@pytest.mark.parametrize("pattern", [NAME, TENANT, CONNECTOR, VARIABLE])
def test_people_are_told_in_words(pattern):
    assert pattern not in must(pattern)
    assert must(pattern).startswith("be ")
    assert must("[a-c]+") == "match [a-c]+"
