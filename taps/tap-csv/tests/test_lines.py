"""A source as lines, then as bytes."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_csv.lines import LineSource


class Pieces(io.RawIOBase):
    """A source that gives its pieces one by one, whatever is asked for."""

    def __init__(self, *pieces: bytes) -> None:
        super().__init__()
        self._pieces = iter(pieces)

    def read(self, size: int = -1) -> bytes:
        return next((piece for piece in self._pieces if piece), b"")


def source(*pieces: bytes, limit: int = 1000) -> LineSource:
    return LineSource(Pieces(*pieces), max_line_bytes=limit)  # type: ignore[arg-type]


@given(
    st.lists(st.binary(max_size=5) | st.sampled_from([b"\r", b"\n", b"\r\n", b"a\r"]), max_size=8), st.data()
)
def test_lines_then_rest_are_the_source_again(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    expected = re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", whole)
    taken = data.draw(st.integers(0, len(expected)))
    lines = source(*pieces)
    found = [lines.next_line() for _ in range(taken)]
    assert found == expected[:taken]
    assert (lines.lines_read, lines.bytes_read) == (taken, len(b"".join(found)))
    rest = b"".join(iter(lambda: lines.read(10), b""))
    assert rest == b"".join(expected[taken:])
    assert (lines.next_line(), lines.read(1)) == (b"", b"")


def test_a_carriage_return_waits_for_what_follows() -> None:
    lines = source(b"a\r", b"\nb\r", b"c")
    assert [lines.next_line() for _ in range(4)] == [b"a\r\n", b"b\r", b"c", b""]


def test_a_line_without_an_end_is_not_searched_for_ever() -> None:
    lines = source(*[b"x" * 100] * 50, limit=1000)
    with pytest.raises(ValueError, match="no end of line within 1000 bytes"):
        lines.next_line()


def test_lines_are_text() -> None:
    assert list(source("é\nü".encode()).lines()) == ["é\n", "ü"]
