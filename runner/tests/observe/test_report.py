"""What a good run moved."""

from __future__ import annotations

from dativo.observe.counters import Counters, StreamCount
from dativo.observe.report import Result, result_lines


def test_the_table():
    streams = {
        "flights": StreamCount(336776, 336776, 61_234_567, 2, 5_340_000, 2.0),
        "airlines": StreamCount(16, 16, 0, 1, 300, 0.001),
    }
    result = Result(Counters(streams), 3.0, ".dativo/state/flights.json")
    assert result_lines("flights", result) == [
        "flights: done in 3.0 s",
        "  stream    records    MB  records/s   loaded  files  MB stored",
        "  flights   336,776  61.2    168,388  336,776      2        5.3",
        "  airlines       16     -          -       16      1        0.0",
        "  total     336,792  61.2    112,264  336,792      3        5.3",
        "  state: .dativo/state/flights.json",
    ]


def test_columns_that_nobody_filled_are_left_out():
    lines = result_lines("j", Result(Counters({"users": StreamCount(loaded=5)}), 2.0, None))
    assert lines == [
        "j: done in 2.0 s",
        "  stream  records/s  loaded",
        "  users           -       5",
        "  total           2       5",
        "  state: none was given",
    ]


def test_a_stream_without_records_is_listed():
    lines = result_lines("j", Result(Counters({"users": StreamCount()}), 2.0, None))
    assert "  users" in "\n".join(lines)


def test_no_counts_at_all():
    assert "  the connectors logged no counts" in result_lines("j", Result(Counters(), 2.0, None))
