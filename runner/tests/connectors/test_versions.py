"""`NAME@VERSION`, and which version is the newest."""

from itertools import pairwise

import pytest
from dativo.connectors.versions import Spec, newest, parse_spec


def test_a_name_with_and_without_a_version():
    assert parse_spec("tap-x") == Spec("tap-x")
    assert parse_spec("tap-x@1.2") == Spec("tap-x", "1.2")
    assert str(parse_spec("tap-x@1.2")) == "tap-x@1.2"


@pytest.mark.parametrize("text", ["tap-x@", "tap-x@1 2", "tap-x@../x", "tap-x@@1"])
def test_what_cannot_be_a_version_is_refused(text):
    with pytest.raises(LookupError, match="no version after the @"):
        parse_spec(text)


@pytest.mark.parametrize(
    ("version", "allowed"),
    [("1.2", True), ("1.2.7", True), ("1.20", False), ("1.1", False), ("11.2", False)],
)
def test_the_beginning_of_a_version_allows_what_it_begins(version, allowed):
    assert Spec("tap-x", "1.2").allows(version) is allowed
    assert Spec("tap-x").allows(version)


@pytest.mark.parametrize(
    "ascending",
    [
        ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.2", "1.10", "2.0"],
        ["0.9", "0.10", "0.10.1", "1"],
    ],
)
def test_versions_are_ordered_as_releases_are(ascending):
    for lower, higher in pairwise(ascending):
        assert newest([lower, higher]) == higher == newest([higher, lower])
    assert newest([]) is None
