"""What a run would be: every fact of the plan, and the lines that people read."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from dativo.home import Home
from dativo.jobs.effective import Overrides
from dativo.jobs.plan import plan_lines, plan_of
from dativo.state.places import open_home_store
from dativo.state.store import StateKey

NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
CONFIG = {"host": "h", "password": "p"}


@pytest.fixture
def plan(quiet):
    def plan(environ=None, overrides=None, **changes):
        return plan_of(quiet.ready(quiet.job(**changes), environ, overrides), NOW)

    return plan


@pytest.fixture
def lines(plan):
    """The lines that begin with a word, that word left out."""

    def lines(word, **changes):
        found = list(plan_lines(plan(**changes)))
        return [line[14:] for line in found if line[2:14].strip() == word]

    return lines


def test_every_fact_of_a_plain_job(quiet, plan):
    found = plan()
    connectors = found.pop("connectors")
    assert found.pop("enforcement")["open_files"] == "rlimit"
    assert found == {
        "job": "users",
        "file": "jobs/users.yaml",
        "project": None,
        "tags": [],
        "secrets": [],
        "variables": [],
        "state": {
            "key": "users",
            "ask_target": True,
            "place": ".dativo/tenants/_/state/users/state.json",
            "seq": None,
        },
        "loads": {"select": [], "metadata": [], "catalog": None},
        "retries": 3,
        "timeouts": {"run": None, "idle": "1h"},
        "parallel_streams": 1,
        "schedule": None,
        "next": None,
        "warnings": [],
    }
    tap = quiet.directory / "bin/tap-quiet"
    assert connectors[0] == {
        "role": "source",
        "name": "tap-quiet",
        "version": "1.2.3",
        "from": "given as a path",
        "executable": str(tap),
        "fingerprint": f"file:{hashlib.sha256(tap.read_bytes()).hexdigest()}",
        "shadows": None,
        "sandbox": "none",
        "limits": {"memory": "75 % of the machine's"},
        "network": False,
        "env": [],
    }
    assert [(each["role"], each["name"]) for each in connectors] == [
        ("source", "tap-quiet"),
        ("target", "target-quiet"),
    ]
    assert not quiet.was_started
    json.dumps(found)


def test_mappers_stand_between_in_their_order(plan):
    mappers = [{"connector": "mapper-plain", "sandbox": "strict"}, {"connector": "mapper-plain"}]
    found = plan(mappers=mappers)["connectors"]
    assert [(each["role"], each["sandbox"]) for each in found] == [
        ("source", "none"),
        ("mapper", "strict"),
        ("mapper", "none"),
        ("target", "none"),
    ]


def test_only_limits_that_are_not_what_is_built_in_are_told(plan):
    source = {"connector": "tap-quiet", "config": CONFIG, "limits": {"processes": 512, "disk": "1MB"}}
    found = plan(source=source, limits={"memory": "2GiB", "cpu_share": 0.5})
    assert found["connectors"][0]["limits"] == {"memory": "2 GiB", "cpu_share": "0.5", "disk": "976.6 KiB"}
    assert found["connectors"][1]["limits"] == {"memory": "2 GiB", "cpu_share": "0.5"}


def test_network_and_variables_of_a_side_are_told(plan):
    source = {"connector": "tap-quiet", "config": CONFIG, "network": True, "env": ["LANG"]}
    side = plan(source=source, sandbox="strict")["connectors"][0]
    assert (side["network"], side["env"], side["sandbox"]) == (True, ["LANG"], "strict")


def test_a_project_is_named_and_its_defaults_are_in_it(quiet, plan):
    quiet.write(
        "dativo.yaml", "version: 1\ndefaults: {retries: {attempts: 7}, timeouts: {run: 6h, idle: 90s}}\n"
    )
    found = plan(tags=["daily", "eu"], tenant="acme")
    assert (found["project"], found["job"], found["tags"]) == ("dativo.yaml", "acme/users", ["daily", "eu"])
    assert (found["retries"], found["timeouts"]) == (7, {"run": "6h", "idle": "90s"})
    assert next(plan_lines(found)) == "acme/users  jobs/users.yaml  [daily, eu]"


def test_secrets_and_variables_are_told_by_name_alone(plan, monkeypatch):
    monkeypatch.setenv("DATIVO_SECRET__ACME__PG", '{"password": "s3cret"}')
    config = {"host": "${HOST}.${ZONE}", "password": "${secret:pg#password}", "tables": ["${secret:a}"]}
    found = plan(
        {"HOST": "s3cret", "ZONE": "s3cret"},
        tenant="acme",
        source={"connector": "tap-quiet", "config": config},
    )
    assert found["variables"] == ["HOST", "ZONE"]
    assert found["secrets"] == [
        {
            "name": "a",
            "looked_for_in": ["env DATIVO_SECRET__ACME__A, env DATIVO_SECRET__GLOBAL__A"],
        },
        {
            "name": "pg#password",
            "looked_for_in": ["env DATIVO_SECRET__ACME__PG, env DATIVO_SECRET__GLOBAL__PG"],
        },
    ]
    text = "\n".join(plan_lines(found))
    assert "  secret      pg#password ← env DATIVO_SECRET__ACME__PG, env DATIVO_SECRET__GLOBAL__PG\n" in text
    assert "  env         HOST, ZONE\n" in text
    assert "s3cret" not in text + json.dumps(found)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "what the tap selects by itself"),
        ({"select": ["users.*", "!users.pw"]}, "users.*, !users.pw"),
        ({"catalog": "c.json"}, "what the tap selects by itself; from the catalog c.json"),
        (
            {"select": ["a"], "metadata": {"b": {"x": 1}, "a": {"x": 1}}},
            "a; metadata set for a, b",
        ),
    ],
)
def test_what_is_loaded(quiet, lines, changes, text):
    quiet.write("jobs/c.json", '{"streams": []}')
    assert lines("loads", source={"connector": "tap-quiet", "config": CONFIG, **changes}) == [text]


def test_several_streams_at_once(lines):
    (text,) = lines("loads", parallel={"streams": 3})
    assert text == "what the tap selects by itself; 3 streams at once"


@pytest.mark.parametrize(
    ("attempts", "text"), [(1, "no other try"), (4, "4 tries without progress, then exit 75")]
)
def test_what_happens_after_a_failure(lines, attempts, text):
    found = lines("on failure", retries={"attempts": attempts}, timeouts={"idle": "2m"})
    assert found == [f"{text}; stopped when nothing moves for 2m"]


@pytest.mark.parametrize(
    ("schedule", "text", "due"),
    [
        ({"cron": "0 4 * * *"}, "0 4 * * * UTC", "2026-11-24T04:00:00+00:00"),
        (
            {"cron": "@daily", "timezone": "Asia/Tokyo"},
            "@daily Asia/Tokyo",
            "2026-11-25T00:00:00+09:00",
        ),
        ({"every": "15m"}, "every 15m", None),
        ({"cron": "0 0 30 2 *"}, "0 0 30 2 * UTC", None),
    ],
)
def test_when_it_is_due(plan, lines, schedule, text, due):
    found = plan(schedule=schedule)
    assert (found["schedule"], found["next"]) == (text, due)
    assert lines("schedule", schedule=schedule) == [f"{text}, next {due}" if due else text]


def test_a_state_that_is_there(quiet, plan, lines):
    store = open_home_store(Home(quiet.directory / ".dativo"))
    key = StateKey("acme", "users", "blue")
    run = "20260131T120000Z-1f2e3d"
    store.write(key, '{"bookmarks": {}}', run=run, after=None)
    overrides = Overrides(suffix="blue")
    state = plan(tenant="acme", overrides=overrides)["state"]
    assert (state["key"], state["seq"], state["run"]) == (str(key), 1, run)
    assert state["place"] == ".dativo/tenants/acme/state/users+blue/state.json"
    assert plan(tenant="acme")["state"]["seq"] is None
    (text,) = lines("state", tenant="acme", overrides=overrides)
    assert text.startswith(f"{state['place']} (seq 1, ")
    assert text.endswith(" ago); a target that keeps it is asked first")


def test_a_target_that_is_not_asked(lines):
    (text,) = lines("state", state={"ask_target": False})
    assert text == ".dativo/tenants/_/state/users/state.json (nothing is stored yet)"


def test_a_state_that_cannot_be_read_is_a_fact_and_not_the_end(quiet, plan, lines):
    quiet.write(".dativo/tenants/_/state/users/state.json", "{")
    state = plan()["state"]
    assert set(state) == {"key", "ask_target", "place", "error"}
    assert lines("state") == [f"users cannot be read: {state['error']}"]


def test_what_nothing_here_enforces_is_said_beside_the_limit(plan):
    found = plan(limits={"memory": "1GiB", "processes": 9})
    found["enforcement"] |= {"memory": "none", "processes": "watch"}
    (source, target) = [line for line in plan_lines(found) if "tap-quiet" in line or "target-quiet" in line]
    bounds = "sandbox none   memory 1 GiB: not enforced here   processes 9: watch"
    assert source == f"  source      tap-quiet 1.2.3 (given as a path)   {bounds}"
    assert target == f"  target      target-quiet 1.2.3 (given as a path)   {bounds}"


def test_a_version_that_nobody_knows_is_a_question(plan):
    found = plan()
    found["connectors"][0] |= {"version": None, "limits": {}}
    line = list(plan_lines(found))[1]
    assert line == "  source      tap-quiet ? (given as a path)   sandbox none"


def test_warnings_come_last(quiet, plan):
    quiet.write("dativo.yaml", "version: 1\ndefaults: {parallel: {streams: 4}}\n")
    found = plan(source={"connector": "tap-plain"}, schedule={"every": "1h"})
    lacks = "parallel.streams: tap-plain cannot do it, it lacks discover and catalog"
    assert found["parallel_streams"] == 1
    assert list(plan_lines(found))[-1].startswith(f"  WARNING     {lacks}; its streams are loaded")


def test_a_connector_in_the_place_of_another_says_so(quiet, plan):
    text = (quiet.directory / "connectors.yaml").read_text()
    quiet.write("connectors.yaml", text.replace("name: tap-plain\n", "name: tap-csv\n"))
    found = plan(source={"connector": "tap-csv"})["connectors"][0]
    assert found["executable"] == str(quiet.directory / "bin/tap-plain")
    assert found["shadows"].endswith("registry.yaml")
    assert found["shadows"] != str(quiet.directory / "connectors.yaml")
