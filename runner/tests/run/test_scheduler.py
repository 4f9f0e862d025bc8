"""Several jobs at once."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from dativo.observe.console import Console
from dativo.run.process import Command
from dativo.run.scheduler import Scheduler, Work, in_turn, worst


def work(name, tenant=None, script="true"):
    return Work(tenant, Command(name, ("/bin/sh", "-c", script), Path.cwd(), dict(os.environ)))


def test_tenants_take_turns_by_name():
    works = [work(f"{tenant}/{number}", tenant) for tenant in "ba" for number in (3, 1, 2)]
    works.append(work("c/1", "c"))
    assert [each.name for each in in_turn(works)] == ["a/1", "b/1", "c/1", "a/2", "b/2", "a/3", "b/3"]


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], 0), ([0, 0], 0), ([0, 75], 75), ([75, 1, 0], 1), ([1, 143, 75], 143), ([2, 1], 2)],
)
def test_the_worst_code_counts(codes, code):
    assert worst(codes) == code


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = io.StringIO()

    def run(parallel, works, of_tenant=None):
        told = []
        done = Scheduler(parallel, of_tenant or {}, Console(shown), told.append).run(works)
        assert told == done
        return {each.name: each for each in done}, shown.getvalue()

    return run


MEET_B = "touch a; while [ ! -e b ]; do sleep 0.01; done"
MEET_A = "touch b; while [ ! -e a ]; do sleep 0.01; done"
ALONE = "mkdir busy || exit 9; sleep 0.05; rmdir busy"


def test_so_many_run_at_once(run):
    works = [
        work("a", script=MEET_B),
        work("b", script=MEET_A),
    ]
    done, _ = run(2, works)
    assert {each.code for each in done.values()} == {0}


def test_and_no_more_than_that(run):
    done, _ = run(1, [work(name, script=ALONE) for name in "abc"])
    assert [(each.name, each.code) for each in done.values()] == [("a", 0), ("b", 0), ("c", 0)]


def test_a_tenant_has_no_more_than_it_may_while_others_have_theirs(run):
    works = [work(f"x/{number}", "x", ALONE) for number in range(3)]
    works += [
        work("y/1", "y", MEET_B),
        work("y/2", "y", MEET_A),
    ]
    done, _ = run(5, works, {"x": 1})
    assert {each.code for each in done.values()} == {0}


def test_what_they_say_is_labelled_and_the_last_line_of_a_failure_is_its_reason(run):
    script = "echo first >&2; echo table; printf 'dativo: it failed: why' >&2; exit 75"
    done, shown = run(2, [work("bad", script=script), work("good", script="echo fine >&2; echo table")])
    assert (done["bad"].code, done["bad"].reason, done["bad"].summary) == (75, "it failed: why", "table\n")
    assert (done["good"].code, done["good"].reason) == (0, None)
    assert set(shown.splitlines()) == {"bad | first", "bad | dativo: it failed: why", "good | fine"}


def test_a_run_that_is_killed_has_the_code_of_its_signal(run):
    done, _ = run(1, [work("a", script="kill -KILL $$")])
    assert done["a"].code == 137
