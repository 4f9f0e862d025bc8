"""What will go is said with its dates, where it is used and in the documentation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from dativo.deprecated import DEPRECATED, deprecation_table, warn_of

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", DEPRECATED)
def test_there_is_half_a_year_to_change(name):
    each = DEPRECATED[name]
    assert each.until - each.since >= timedelta(days=180)
    assert each.instead


def test_it_is_said_with_its_dates(capsys):
    warn_of("--grace-seconds")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "WARNING: --grace-seconds is deprecated since 2026-11-24 and will go after 2027-06-30: "
    )
    assert "timeouts: {grace: …}" in line


def test_it_is_documented():
    assert deprecation_table() in (DOCS / "jobs.md").read_text(), "run `make docs`"


def test_a_run_that_uses_it_says_so(project):
    done = project.dativo("run", project.job([{"records": 1}]), "--grace-seconds", "5")
    assert done.returncode == 0
    assert done.stderr.count("WARNING: --grace-seconds is deprecated since 2026-11-24") == 1
    assert "deprecated" not in project.dativo("run", project.job([{"records": 1}], name="other")).stderr


def test_what_is_not_in_the_table_cannot_be_warned_of():
    with pytest.raises(KeyError):
        warn_of("--nothing-of-ours")


def test_the_table_has_a_row_for_each_with_all_that_there_is_to_know():
    head, line, *rows = deprecation_table().splitlines()
    assert head == "| what | deprecated since | works until | instead |"
    assert line == "|---|---|---|---|"
    assert len(rows) == len(DEPRECATED)
    for row, (name, each) in zip(rows, DEPRECATED.items(), strict=True):
        assert name == each.name
        assert row == f"| `{each.name}` | {each.since} | {each.until} | {each.instead} |"
