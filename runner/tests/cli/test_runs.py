"""`dativo runs`: which runs are meant, and what is printed of them and of their logs."""

from __future__ import annotations

import json
import os
import socket
import time

import click
import pytest
from click.testing import CliRunner
from dativo.cli import cli
from dativo.home import Home
from dativo.observe.runs import begin_run

BEGAN = 1_795_478_400.0  # 2026-11-24T00:00:00Z


class Past:
    """Runs that are over, as they lie in the home of the project."""

    def __init__(self, directory):
        self.directory = directory
        self.home = Home(directory / ".dativo")

    def run(self, name, job="users", tenant=None, **facts):
        directory = begin_run(self.home, tenant, job, name, began=BEGAN)
        report = {
            "run": name,
            "job": job,
            "tenant": tenant,
            "outcome": "succeeded",
            "reason": None,
            "seconds": 1234.56,
            "started_at": "2026-11-24T00:00:00Z",
            "attempts": [],
            "connectors": [],
            "streams": {"users": {"read": 1000, "loaded": 5}, "orders": {"read": 0, "loaded": 7}},
            "bottleneck": None,
            "state": {"place": None},
            "warnings": [],
            **facts,
        }
        (directory / "report.json").write_text(json.dumps(report))
        return directory

    def log(self, directory, *lines):
        (directory / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def past(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dativo.yaml").write_text("version: 1\n")
    return Past(tmp_path)


def runs(*arguments):
    done = CliRunner().invoke(cli, ["runs", *map(str, arguments)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def listed(*arguments):
    return [each["run"] for each in json.loads(runs("list", "--json", *arguments))]


HEAD = "run  job  outcome  seconds  records  reason\n"


def test_nothing_has_run(past):
    assert runs("list") == HEAD
    assert runs("list", "--json") == "[]\n"
    assert runs("clean") == "0 runs removed\n"
    assert not past.home.root.exists()


def test_a_line_a_run_the_newest_last(past):
    past.run("r2", tenant="acme", outcome="failed", reason="x" * 101, seconds=0.04, streams={})
    past.run("r1")
    assert runs("list").splitlines() == [
        "run  job         outcome    seconds  records  reason",
        "r1   users       succeeded  1,234.6  1,007",
        f"r2   acme/users  failed     0.0      0        {'x' * 99}…",
    ]


def test_the_last_few(past):
    for number in range(25):
        past.run(f"r{number:02}")
    assert listed() == [f"r{number:02}" for number in range(5, 25)]
    assert listed("--last", 2) == ["r23", "r24"]
    assert len(listed("--last", 99)) == 25


@pytest.fixture
def several(past):
    past.run("r1", "users", "acme")
    past.run("r2", "users", "beta")
    past.run("r3", "orders", "acme")
    past.run("r4", "plain")
    return past


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("acme/users", ["r1"]),
        ("beta/users", ["r2"]),
        ("orders", ["r3"]),
        ("plain", ["r4"]),
        ("r2", ["r2"]),
        ("beta/orders", []),
        ("nobody", []),
    ],
)
def test_a_job_is_its_name_or_tenant_and_name_or_a_run(several, wanted, names):
    assert listed(wanted) == names


@pytest.mark.parametrize("command", ["list", "show", "logs", "clean"])
def test_a_name_that_several_tenants_use_is_not_guessed(several, command):
    with pytest.raises(click.ClickException) as caught:
        runs(command, "users")
    said = "users is a job of several tenants: name one of acme/users, beta/users"
    assert caught.value.message == said


def test_a_job_without_a_tenant_comes_before_those_of_tenants(several):
    several.run("r5", "users")
    assert listed("users") == ["r5"]


def test_one_run_is_shown_by_name_and_the_last_of_a_job(past):
    past.run("r1", reason="the tap broke", warnings=["mind"], outcome="failed")
    last = past.run("r2")
    assert runs("show", "users").splitlines() == [
        "users succeeded in 1234.6 s (run r2)",
        "  started     2026-11-24T00:00:00Z",
        "  stream      users: 1,000 records",
        "  stream      orders: 7 records",
        f"  report      {last / 'report.json'}",
    ]
    assert runs("show", "r1").splitlines()[:2] == [
        "users failed in 1234.6 s (run r1)",
        "  reason      the tap broke",
    ]
    assert json.loads(runs("show", "r1", "--json"))["warnings"] == ["mind"]


def test_a_run_that_goes_on_and_one_that_nobody_runs_any_more(past):
    begin_run(past.home, None, "users", "r1", began=BEGAN)
    gone = begin_run(past.home, None, "users", "r2", began=BEGAN) / "run.json"
    gone.write_text(json.dumps(json.loads(gone.read_text()) | {"process_started": "1"}))
    here = f"host {socket.gethostname()}, pid {os.getpid()}"
    assert runs("show", "r1").splitlines() == [
        "users running (run r1)",
        "  started     2026-11-24T00:00:00+00:00",
        f"  runner      {here}",
    ]
    assert runs("show", "r2").startswith("users killed (run r2)\n")
    assert [each["outcome"] for each in json.loads(runs("list", "--json"))] == ["running", "killed"]
    assert runs("list").splitlines()[1:] == ["r1   users  running", "r2   users  killed"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "none"], "none: there are 0 runs of it here: dativo runs list"),
        (["logs", "none"], "none: there are 0 runs of it here: dativo runs list"),
        (["logs", "users", "--last", 3], "users: there are 2 runs of it here: dativo runs list"),
        (["logs", "r1", "--last", 2], "r1: there is 1 run of it here: dativo runs list"),
    ],
)
def test_what_is_not_there(past, arguments, said):
    past.run("r1")
    past.run("r2")
    with pytest.raises(click.ClickException) as caught:
        runs(*arguments)
    assert caught.value.message == said


LINES = (
    {"at": "2026-11-24T00:00:01.500000Z", "side": "tap-x", "level": "DEBUG", "message": "page 1"},
    {"at": "2026-11-24T00:00:02.000000Z", "side": "tap-x", "level": "INFO", "message": "begun"},
    {"at": "2026-11-24T00:00:02.000000Z", "side": "target-y", "level": "WARNING", "message": "slow"},
    {"at": "2026-11-24T00:00:03.000000Z", "side": None, "level": "INFO", "message": "state stored"},
    {
        "at": "2026-11-24T00:00:04.000000Z",
        "side": "tap-x",
        "level": "ERROR",
        "message": "it hurts",
        "stream": "users",
        "trace": ["  at a.py:1 in f"],
    },
    {"at": "2026-11-24T00:00:05.000000Z", "side": "tap-x", "level": None, "message": "a print"},
)
SHOWN = (
    "00:00:01.500 tap-x | DEBUG: page 1",
    "00:00:02.000 tap-x | begun",
    "00:00:02.000 target-y | WARNING: slow",
    "00:00:03.000 dativo | state stored",
    "00:00:04.000 users | tap-x | ERROR: it hurts",
    "  at a.py:1 in f",
    "00:00:05.000 tap-x | a print",
)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], SHOWN),
        (["--side", "tap-x"], (SHOWN[0], SHOWN[1], *SHOWN[4:])),
        (["--side", "target-y"], SHOWN[2:3]),
        (["--side", "dativo"], SHOWN[3:4]),
        (["--side", "nobody"], ()),
        (["--level", "DEBUG"], SHOWN),
        (["--level", "info"], SHOWN[1:]),
        (["--level", "Warning"], (SHOWN[2], *SHOWN[4:])),
        (["--level", "CRITICAL"], SHOWN[6:]),
        (["--level", "ERROR", "--side", "target-y"], ()),
        (["--follow"], SHOWN),
    ],
)
def test_what_was_said(past, arguments, shown):
    past.log(past.run("r1"), *LINES)
    assert runs("logs", "users", *arguments).splitlines() == list(shown)


def test_lines_that_were_not_kept_are_missed_whatever_is_asked_for(past):
    directory = past.run("r1")
    past.log(directory, LINES[0])
    (directory / "log.newer.jsonl").write_text(f'{{"dropped": 12345}}\n{json.dumps(LINES[4])}\n{{"torn')
    for arguments in ([], ["--side", "nobody"], ["--level", "CRITICAL"]):
        assert "… 12,345 lines were not kept …" in runs("logs", "users", *arguments).splitlines()
    assert runs("logs", "users").splitlines()[0] == SHOWN[0]


def test_a_run_is_followed_until_it_is_over_and_its_last_lines_are_shown(past, monkeypatch):
    directory = begin_run(past.home, None, "users", "r1", began=BEGAN)
    begin_run(past.home, None, "users", "r0", began=BEGAN)
    past.log(directory, LINES[1])
    naps = []

    def nap(seconds):
        """Stands for the time in which the run goes on: two more lines, then its end with a last one."""
        naps.append(seconds)
        past.log(directory, *LINES[1 : 2 + min(len(naps), 2)])
        if len(naps) == 3:
            past.run("r1")
            past.log(directory, *LINES[1:5])

    monkeypatch.setattr(time, "sleep", nap)
    assert runs("logs", "users", "--follow").splitlines() == list(SHOWN[1:6])
    assert naps == [0.2] * 3


def test_a_log_further_back(past):
    past.log(past.run("r1"), LINES[1])
    past.log(past.run("r2"), LINES[2])
    assert runs("logs", "users") == f"{SHOWN[2]}\n"
    assert runs("logs", "users", "--last", 2) == f"{SHOWN[1]}\n"
    assert runs("logs", "r1") == f"{SHOWN[1]}\n"


@pytest.mark.parametrize(
    ("arguments", "said", "left"),
    [
        (["--keep", 1], "2 runs removed\n", ["b2", "a3"]),
        (["--keep", 2], "1 run removed\n", ["a2", "b2", "a3"]),
        (["users", "--keep", 0], "3 runs removed\n", ["b2"]),
        (["acme/users", "--keep", 0], "1 run removed\n", ["a1", "a2", "a3"]),
        ([], "0 runs removed\n", ["a1", "a2", "b2", "a3"]),
        (["nobody", "--keep", 0], "0 runs removed\n", ["a1", "a2", "b2", "a3"]),
    ],
)
def test_old_ones_are_removed_job_by_job(past, arguments, said, left):
    for name, job, tenant in (
        ("a1", "users", None),
        ("a2", "users", None),
        ("a3", "users", None),
        ("b2", "users", "acme"),
    ):
        past.run(name, job, tenant)
    assert runs("clean", *arguments) == said
    assert sorted(listed()) == sorted(left)


def test_one_that_goes_on_is_never_removed(past):
    begin_run(past.home, None, "users", "r1", began=BEGAN)
    assert runs("clean", "--keep", 0) == "0 runs removed\n"
    assert listed() == ["r1"]


def test_the_project_can_be_named(past, monkeypatch, tmp_path_factory):
    past.run("r1")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert listed() == []
    assert listed("--project", past.directory) == ["r1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--last", 0],
        ["logs", "x", "--last", 0],
        ["clean", "--keep", -1],
        ["logs", "x", "--level", "LOUD"],
    ],
)
def test_numbers_and_levels_that_mean_nothing(past, arguments):
    with pytest.raises(click.BadParameter):
        runs(*arguments)
