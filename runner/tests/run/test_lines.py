"""Bytes into lines."""

from __future__ import annotations

import pytest
from dativo.run.lines import LineSplitter, LineTooLong
from dativo.secrets.redact import Redactor
from hypothesis import given
from hypothesis import strategies as st


def test_lines_come_whole_whatever_the_pieces():
    splitter = LineSplitter(100, cut=False)
    assert splitter.feed(b"a") == []
    assert splitter.feed(b"b\nc\r\n\nd") == [b"ab", b"c", b""]
    assert splitter.rest() == b"d"
    assert splitter.rest() == b""


@given(st.lists(st.binary(max_size=20)))
def test_pieces_make_no_difference(pieces):
    splitter = LineSplitter(1000, cut=False)
    lines = [line for piece in pieces for line in splitter.feed(piece)] + [splitter.rest()]
    whole = b"".join(pieces).split(b"\n")
    assert lines == [line.removesuffix(b"\r") for line in whole[:-1]] + whole[-1:]


def test_a_line_without_end_is_cut():
    splitter = LineSplitter(10, cut=True)
    assert splitter.feed(b"x" * 8) == []
    assert splitter.feed(b"x" * 8) == [b"x" * 16]
    assert splitter.feed(b"y\n") == [b"y"]


def test_or_refused():
    splitter = LineSplitter(10, cut=False)
    with pytest.raises(LineTooLong, match="a line of more than 10 bytes"):
        splitter.feed(b"x" * 11)


def test_whole_lines_may_be_fed_in_pieces_longer_than_the_limit():
    assert LineSplitter(4, cut=False).feed(b"abc\ndef\nghi\n") == [b"abc", b"def", b"ghi"]


def test_a_long_line_is_not_cut_inside_of_what_is_to_be_hidden():
    redactor = Redactor(["s3cret-value"])
    splitter = LineSplitter(20, cut=True, safe_cut=redactor.safe_cut)
    lines = [*splitter.feed(b"x" * 14 + b"s3cret-value and more than that\n"), splitter.rest()]
    assert "s3cret" not in redactor("\n".join(line.decode() for line in lines))
    assert sum(map(len, lines)) == 14 + len("s3cret-value and more than that")


def test_a_line_without_end_is_cut_again_and_again():
    splitter = LineSplitter(10, cut=True, safe_cut=Redactor(["s3cret"]).safe_cut)
    cut = [line for _ in range(10) for line in splitter.feed(b"y" * 7)]
    assert all(len(line) <= 17 for line in cut)
    assert sum(map(len, cut)) + len(splitter.rest()) == 70
