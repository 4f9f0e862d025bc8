"""How a run is going: lines every few seconds, or a table on a terminal."""

from __future__ import annotations

import io
import re

import pytest
from dativo.observe.console import Console
from dativo.observe.lag import duration, newest_bookmarks
from dativo.observe.live import LiveBoard
from dativo.observe.progress import PLAIN_SECONDS, PlainProgress

from .conftest import BEGAN

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def board(told, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "24")
    board = LiveBoard("acme/users", told.tally, Console(io.StringIO()), wall=lambda: BEGAN + 3)
    told.observer.add(board)

    def lines():
        return [ESCAPES.sub("", line).rstrip() for line in board.lines(told.observer.now)]

    return lines


def test_without_a_terminal_lines_come_every_few_seconds_for_what_moved(told):
    out = io.StringIO()
    told.observer.add(PlainProgress("job", told.tally, Console(out)))
    told.start()
    told.later(1)
    told.count("tap-x", "users", 1000)
    told.later(PLAIN_SECONDS - 1.1)
    told.observer.ticked()
    assert out.getvalue() == ""
    told.later(0.2)
    told.observer.ticked()
    assert out.getvalue() == "job: users: 1,000 records, 1,000 records/s\n"
    told.later(PLAIN_SECONDS)
    told.observer.ticked()
    assert out.getvalue().splitlines()[1:] == ["job: running for 10 s"]


def test_of_a_tap_that_logs_no_counts_its_bytes_are_told(told, board):
    out = io.StringIO()
    told.observer.add(PlainProgress("job", told.tally, Console(out)))
    told.start()
    told.later(PLAIN_SECONDS)
    told.observer.used("tap-x", memory=1, cpu=0.1, sent=2_500_000)
    told.observer.used("target-y", memory=1, cpu=0.1, sent=9_000_000)
    told.observer.ticked()
    assert out.getvalue() == "job: running for 5 s, 2.5 MB out of tap-x\n"
    assert board() == ["acme/users | 5 s | 2.5 MB out of tap-x"]


def test_what_is_left_is_told_where_the_number_of_rows_is_known(told):
    out = io.StringIO()
    told.observer.add(PlainProgress("job", told.tally, Console(out)))
    told.start()
    told.observer.discovered({"users": {}}, {"users": 100_000})
    told.later(10)
    told.count("tap-x", "users", 20_000)
    told.observer.ticked()
    assert out.getvalue() == "job: users: 20,000 records, 2,000 records/s, about 40 s left\n"


def test_the_table_has_a_row_for_each_stream_the_one_that_moves_first(told, board):
    told.start()
    told.later(1)
    told.count("tap-x", "users", 1000, 2_500_000)
    told.later(2)
    told.count("tap-x", "orders", 5000)
    told.count("target-y", "users", 900)
    told.fill(1.0)
    assert board() == [
        "acme/users | 3 s | target-y was the slower side 100 % of the time",
        "stream  records   MB  records/s  loaded  behind  left",
        "orders    5,000           2,500",
        "users     1,000  2.5      1,000     900",
    ]


def test_the_table_says_how_old_the_state_is_and_how_far_behind_a_stream(told, board):
    told.start()
    told.observer.discovered({"users": {}}, {"users": 200})
    told.later(1)
    told.count("tap-x", "users", 100)
    told.observer.stored('{"bookmarks": {"users": {"replication_key_value": "2026-11-23T23:50:03Z"}}}')
    told.later(2)
    head, _, row = board()
    assert head == "acme/users | 3 s | state 2 s ago"
    assert row.split() == ["users", "100", "100", "10", "min", "1", "s"]


def test_the_table_is_cut_to_the_terminal(told, board, monkeypatch):
    monkeypatch.setenv("LINES", "9")
    monkeypatch.setenv("COLUMNS", "40")
    told.start()
    for number in range(10):
        told.count("tap-x", f"stream_with_a_rather_long_name_{number}", 1)
    lines = board()
    assert len(lines) == 6
    assert lines[-1].startswith("and 7 more")
    assert max(map(len, lines)) <= 40


def test_names_are_no_markup(told, board):
    told.start()
    told.count("tap-x", "[bold]x[/bold]", 1)
    assert board()[-1].startswith("[bold]x[/bold]")


def test_a_board_is_taken_away_at_the_end(told, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    told.observer.add(LiveBoard("users", told.tally, Console(out)))
    told.start()
    told.observer.ticked()
    assert "users | 0 s" in out.getvalue()
    told.observer.ended("succeeded", None, 0)
    assert out.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (
            '{"bookmarks": {"a": {"x": "2026-01-01T00:00:00Z", "y": "2026-01-02 00:00:00"}}}',
            {"a": "2026-01-02T00:00:00+00:00"},
        ),
        (
            '{"bookmarks": {"a": {"p": [1, 2], "q": {"r": "2026-01-01T00:00:00+02:00"}}}}',
            {"a": "2026-01-01T00:00:00+02:00"},
        ),
        ('{"bookmarks": {"a": {"x": 17, "y": "2026-13-01T00:00:00Z"}}}', {}),
        ('{"value": 1}', {}),
        ("[]", {}),
        ("{", {}),
    ],
)
def test_bookmarks_that_are_times_are_found(state, found):
    assert {name: moment.isoformat() for name, moment in newest_bookmarks(state).items()} == found


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (121, "2 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_durations_are_rounded(seconds, text):
    assert duration(seconds) == text
