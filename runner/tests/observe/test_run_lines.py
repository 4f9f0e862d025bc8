"""Lines of `dativo runs`, and the tables that they stand in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dativo.observe.run_lines import is_wanted, list_lines, log_line, show_lines
from dativo.observe.run_report import report, summary_lines
from dativo.observe.runs import Run
from dativo.observe.text_table import text_table

BEGUN = {"began": 1_795_478_400.9, "host": "box", "pid": 4711}


def run(name="r1", outcome="succeeded", *, tenant=None, **document):
    return Run(tenant, "users", name, Path("/nowhere"), outcome, document)


def listed(*runs):
    head, *lines = list_lines(runs)
    assert head.split() == ["run", "job", "outcome", "seconds", "records", "reason"]
    return lines


def test_a_run_is_a_line_of_what_its_report_says():
    streams = {"a": {"read": 1200, "loaded": 7}, "b": {"read": 0, "loaded": 34}}
    line = run(tenant="acme", seconds=1234.56, streams=streams, reason=None)
    assert listed(line) == ["r1   acme/users  succeeded  1,234.6  1,234"]


def test_a_run_without_a_report_has_no_numbers():
    assert listed(run(outcome="running", **BEGUN)) == ["r1   users  running"]


def test_a_run_that_moved_nothing_says_so():
    assert listed(run(seconds=0)) == ["r1   users  succeeded  0.0      0"]


@pytest.mark.parametrize(
    ("reason", "shown"), [("x" * 100, "x" * 100), ("x" * 101, "x" * 99 + "…"), ("y" * 500, "y" * 99 + "…")]
)
def test_a_reason_is_cut_at_a_hundred_characters(reason, shown):
    (line,) = listed(run(outcome="failed", seconds=1, reason=reason))
    assert line.split()[-1] == shown


def test_columns_are_as_wide_as_their_widest_cell():
    lines = listed(run("20261124T000000Z-1f2e3d", seconds=1), run("r2", "interrupted", seconds=22.25))
    assert lines[0].index("users") == lines[1].index("users")
    assert lines[0].index("1.0") == lines[1].index("22.2")


def test_what_goes_on_is_shown_with_who_runs_it():
    assert show_lines(run(outcome="running", tenant="acme", **BEGUN)) == [
        "acme/users running (run r1)",
        "  started     2026-11-24T00:00:00+00:00",
        "  runner      host box, pid 4711",
    ]


def test_what_has_ended_is_shown_as_its_summary_and_where_the_report_is(told, tmp_path):
    told.whole_run()
    document = report(told.tally)
    (tmp_path / "report.json").write_text(json.dumps(document))
    lines = show_lines(Run("acme", "users", "r1", tmp_path, "succeeded", document))
    assert lines == [*summary_lines(document), f"  report      {tmp_path / 'report.json'}"]


AT = "2026-11-24T12:34:56.789Z"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            {"at": AT, "side": "tap-x", "level": "INFO", "message": "hello"},
            "12:34:56.789 tap-x | hello",
        ),
        ({"at": AT, "side": "tap-x", "level": None, "message": "print"}, "12:34:56.789 tap-x | print"),
        ({"at": AT, "side": "tap-x", "message": "no level"}, "12:34:56.789 tap-x | no level"),
        (
            {"at": AT, "side": "tap-x", "level": "ERROR", "message": "it hurts"},
            "12:34:56.789 tap-x | ERROR: it hurts",
        ),
        ({"at": AT, "side": None, "level": "INFO", "message": "begun"}, "12:34:56.789 dativo | begun"),
        (
            {"at": AT, "stream": "orders", "side": "tap-x", "level": "DEBUG", "message": "x"},
            "12:34:56.789 orders | tap-x | DEBUG: x",
        ),
        (
            {"at": AT, "side": "t", "level": "ERROR", "message": "x", "trace": ["  at a:1", "  at b:2"]},
            "12:34:56.789 t | ERROR: x\n  at a:1\n  at b:2",
        ),
        ({"message": "without a time"}, " dativo | without a time"),
        ({"dropped": 12_345}, "… 12,345 lines were not kept …"),
    ],
)
def test_a_line_of_the_log_is_shown_as_on_the_terminal(line, text):
    assert log_line(line) == text


@pytest.mark.parametrize(
    ("line", "side", "level", "wanted"),
    [
        ({"side": "tap-x", "level": "INFO"}, None, None, True),
        ({"side": "tap-x", "level": "INFO"}, "tap-x", None, True),
        ({"side": "tap-x", "level": "INFO"}, "target-y", None, False),
        ({"side": None, "level": "INFO"}, "dativo", None, True),
        ({"side": None, "level": "INFO"}, "tap-x", None, False),
        ({"side": "tap-x", "level": "INFO"}, None, "INFO", True),
        ({"side": "tap-x", "level": "INFO"}, None, "WARNING", False),
        ({"side": "tap-x", "level": "WARN"}, None, "WARNING", True),
        ({"side": "tap-x", "level": "FATAL"}, None, "CRITICAL", True),
        ({"side": "tap-x", "level": "ODD"}, None, "DEBUG", False),
        ({"side": "tap-x", "level": None}, None, "CRITICAL", True),
        ({"side": "tap-x"}, "tap-x", "ERROR", True),
        ({"side": "tap-x", "level": "ERROR"}, "target-y", "ERROR", False),
        ({"dropped": 5}, "tap-x", "ERROR", True),
    ],
)
def test_lines_are_chosen_by_side_and_level(line, side, level, wanted):
    assert is_wanted(line, side, level) is wanted


@pytest.mark.parametrize(
    ("rows", "numbers", "lines"),
    [
        ([["a"]], False, ["a"]),
        ([["name", "n"], ["x", "12"]], False, ["name  n", "x     12"]),
        ([["name", "n"], ["x", "12"]], True, ["name   n", "x     12"]),
        ([["a", "long head"], ["b", "7"]], True, ["a  long head", "b          7"]),
        ([["a", "b"], ["", ""]], False, ["a  b", ""]),
        ([["a", "b", "c"], ["x", "", ""]], True, ["a  b  c", "x"]),
        ([["ü", "b"], ["xx", "c"]], False, ["ü   b", "xx  c"]),
    ],
)
def test_a_table_has_columns_of_equal_width_and_no_blanks_at_the_end(rows, numbers, lines):
    assert list(text_table(rows, numbers=numbers)) == lines


def test_rows_of_different_lengths_are_no_table():
    with pytest.raises(ValueError, match="zip"):
        list(text_table([["a", "b"], ["c"]]))
