"""`dativo run` with real processes, when all goes well."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from dativo.run.attempt import SHOWN_GARBAGE

THREE = [{"records": 3}, {"state": {"bookmarks": {"users": 3}}}]


def seen_by_tap(project):
    return json.loads((project.directory / "seen.json").read_text())


def test_records_arrive_and_the_state_stays(project):
    done = project.dativo("run", project.job([*THREE, {"records": 2, "stream": "orders"}]))
    assert done.returncode == 0, done.stderr
    assert project.records() == [1, 2, 3]
    assert project.records("orders") == [4, 5]
    assert project.state() == {"bookmarks": {"users": 3}}


def test_the_result_is_a_short_table_on_stdout(project):
    done = project.dativo("run", project.job(THREE), cwd=project.directory)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("users: done in ")
    assert lines[1].split() == ["stream", "records", "MB", "records/s", "loaded", "files"]
    rows = [line.split() for line in lines[2:4]]
    assert [[row[0], row[1], row[2], *row[4:]] for row in rows] == [
        ["users", "3", "3.0", "3", "1"],
        ["total", "3", "3.0", "3", "1"],
    ]
    assert lines[4:] == ["  state: .dativo/tenants/_/state/users/state.json"]


def test_logs_are_labelled_and_metrics_are_not_shown(project):
    steps = [
        {"log": "fine"},
        {"log": "odd", "level": "WARNING"},
        {"stderr": "plain\n"},
        *THREE,
        {"stderr": "no end"},
    ]
    done = project.dativo("run", project.job(steps))
    assert done.stderr.splitlines() == [
        "tap-steps    | fine",
        "tap-steps    | WARNING: odd",
        "tap-steps    | plain",
        "tap-steps    | no end",
    ]


def test_the_next_run_hands_the_state_back_byte_for_byte(project):
    text = '{"cursor": 1.10000000000000000000000001, "big": 123456789012345678901234567890, "é": "ü"}'
    first = project.dativo("run", project.job([{"raw_state": text}]))
    assert first.returncode == 0, first.stderr
    job = project.job([], source={"config": {"steps": [], "seen": "seen.json"}})
    assert project.dativo("run", job).returncode == 0
    assert seen_by_tap(project)["state"] == text


def test_connectors_are_told_whose_job_they_run(project):
    project.environ |= {"DATIVO_JOB": "another", "DATIVO_TENANT": "other"}
    source = {"config": {"steps": [], "seen": "seen.json"}}
    project.dativo("run", project.job([], source=source, tenant="acme"))
    assert [seen_by_tap(project)[each] for each in ("job", "tenant")] == ["users", "acme"]
    project.dativo("run", project.job([], source=source))
    assert [seen_by_tap(project)[each] for each in ("job", "tenant")] == ["users", ""]


def test_what_connectors_get_is_private_and_gone_afterwards(project):
    os.umask(0o022)
    project.dativo("run", project.job(THREE))
    config = {"steps": [], "seen": "seen.json", "api_key": "s3cret"}
    job = project.job([], source={"config": config, "select": ["users"]})
    assert project.dativo("run", job).returncode == 0
    seen = seen_by_tap(project)
    assert seen["modes"] == ["0o600", "0o600", "0o600"]
    assert seen["directory_mode"] == "0o700"
    assert not Path(seen["directory"]).exists()
    assert project.private_files == []
    assert seen["config"]["api_key"] == "s3cret"
    assert "s3cret" not in json.dumps(seen["argv"])


def test_connectors_run_in_the_directory_of_the_job(project, tmp_path):
    job = project.job(THREE, source={"config": {"steps": THREE, "seen": "seen.json"}})
    assert project.dativo("run", job, cwd=tmp_path).returncode == 0
    assert seen_by_tap(project)["cwd"] == str(project.directory)
    assert project.records() == [1, 2, 3]


def test_selection_becomes_a_catalog(project):
    source = {"config": {"steps": [], "seen": "seen.json"}, "select": ["users.*", "!users.name", "nope.*"]}
    source["metadata"] = {"users": {"replication-method": "FULL_TABLE"}}
    done = project.dativo("run", project.job([], source=source))
    assert done.returncode == 0
    users, orders = seen_by_tap(project)["catalog"]["streams"]
    assert [users["selected"], orders["selected"]] == [True, False]
    assert users["replication_method"] == "FULL_TABLE"
    assert "users: WARNING: source.select 'nope.*' matches nothing in the source" in done.stderr


def test_without_selection_no_catalog_is_passed(project):
    project.dativo("run", project.job([], source={"config": {"steps": [], "seen": "seen.json"}}))
    assert seen_by_tap(project)["catalog"] is None


def test_a_selection_that_leaves_nothing_is_a_problem_of_the_file(project):
    done = project.dativo("run", project.job([], source={"select": ["user.*"]}))
    assert done.returncode == 1
    assert "users.yaml:" in done.stderr
    assert (
        "source.select: no stream is left to load; the streams of the source are: users, orders"
        in done.stderr
    )


def test_structured_logs_are_asked_for_where_the_registry_says_so(project):
    project.registry.write_text(
        project.registry.read_text().replace("  - test\n", "  - test\n  - structured-logging\n", 1)
    )
    project.dativo("run", project.job([], source={"config": {"steps": [], "seen": "seen.json"}}))
    assert seen_by_tap(project)["log_config"].endswith("/logging.json")
    project.registry.write_text(project.registry.read_text().replace("  - structured-logging\n", "", 1))
    project.environ["SINGER_SDK_LOG_CONFIG"] = "mine"
    project.dativo("run", project.job([], source={"config": {"steps": [], "seen": "seen.json"}}))
    assert seen_by_tap(project)["log_config"] == "mine"


@pytest.mark.parametrize("secret", ["hunter2hunter2", 'qu"ote\\d', "line one\nline two"])
def test_a_secret_appears_nowhere(project, secret):
    project.environ["SOURCE_TOKEN"] = secret
    steps = [
        {"log": f"connecting with {secret}"},
        {"stderr": json.dumps({"level": "error", "message": f"key {secret}"}) + "\n"},
        {"log": f"bad key {secret}", "level": "CRITICAL"},
        {"exit": 1},
    ]
    source = {"config": {"steps": steps, "api_key": "${SOURCE_TOKEN}"}}
    done = project.dativo("run", project.job([], source=source))
    assert done.returncode == 1
    for part in secret.split("\n"):
        assert part not in done.stdout + done.stderr
    assert "connecting with ****" in done.stderr
    assert "tap-steps exited with code 1: bad key ****" in done.stderr


def test_a_flood_on_stderr_does_not_stop_the_pipe(project):
    done = project.dativo("run", project.job([{"flood": 20_000}, *THREE]))
    assert done.returncode == 0
    assert done.stderr.count("flood") == 20_000
    assert project.records() == [1, 2, 3]


def test_a_large_amount_goes_through_the_pipe(project):
    done = project.dativo("run", project.job([{"records": 20_000}, {"state": {"n": 20_000}}]))
    assert done.returncode == 0
    assert project.records() == list(range(1, 20_001))


def test_the_pipe_holds_a_mebibyte(project):
    project.dativo("run", project.job([{"pipe_size": "size"}]))
    assert (project.directory / "size").read_text() == str(1 << 20)


def test_what_the_target_prints_besides_state_is_told_and_not_stored(project):
    garbage = ["Loading…", "5", "[1]", "null", '{"cut":', "[" * 5000]
    job = project.job(THREE, target={"config": {"path": "loaded", "print_first": "\n".join(garbage)}})
    done = project.dativo("run", job)
    assert done.returncode == 0
    for line in garbage:
        shown = line[:SHOWN_GARBAGE]
        assert f"users: WARNING: on stdout the target wrote a line that is no STATE: {shown}\n" in done.stderr
    assert project.state() == {"bookmarks": {"users": 3}}


def test_children_that_a_connector_leaves_behind_are_ended(project):
    child = project.directory / "child"
    done = project.dativo("run", project.job([{"leave_child": str(child)}, *THREE]))
    assert done.returncode == 0
    project.wait_until(lambda: not project.is_alive(int(child.read_text())))


def test_a_second_run_of_a_job_is_refused_while_the_first_runs(project):
    job = project.job([{"touch": "running"}, {"wait_for": "go"}, *THREE])
    first = project.start("run", job)
    project.wait_until((project.directory / "running").exists)
    second = project.dativo("run", job)
    assert second.returncode == 75
    assert "users is being run since" in second.stderr
    assert f"pid {first.pid}" in second.stderr
    (project.directory / "go").touch()
    first.communicate()
    assert first.returncode == 0


def test_two_tenants_share_nothing(project):
    for tenant in ("acme", "bolt"):
        job = project.job([{"state": {"who": tenant}}], name="users", tenant=tenant)
        assert project.dativo("run", job).returncode == 0
    assert project.state("acme/users") == {"who": "acme"}
    assert project.state("bolt/users") == {"who": "bolt"}


def test_state_is_stored_while_the_run_goes_on(project):
    job = project.job(
        [{"records": 1}, {"state": {"n": 1}}, {"wait_for": "go"}, {"records": 1}, {"state": {"n": 2}}]
    )
    run = project.start("run", job)
    project.wait_until(lambda: project.state() == {"n": 1})
    (project.directory / "go").touch()
    run.communicate()
    assert run.returncode == 0
    assert project.state() == {"n": 2}


def test_the_state_file_is_for_its_owner(project):
    project.dativo("run", project.job(THREE))
    path = project.directory / ".dativo/tenants/_/state/users/state.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
