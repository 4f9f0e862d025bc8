"""`dativo check` and `dativo discover`: what is known of a job without running it."""

from __future__ import annotations

import json

import pytest
from dativo.jobs.located import load_yaml
from dativo.jobs.settings import unknown_settings


def findings(done):
    return [line for line in done.stdout.splitlines() if not line.startswith(" ")]


def details(done):
    return [line.strip() for line in done.stdout.splitlines() if line.startswith(" ")]


def test_a_good_job(project):
    done = project.dativo("check", project.job([{"records": 1}]))
    assert done.returncode == 0
    assert findings(done) == [
        "ok      tap-steps --version",
        "ok      tap-steps settings",
        "ok      target-lines --version",
        "ok      target-lines settings",
        "ok      tap-steps --test=schema",
    ]
    assert details(done)[0].startswith("tap-steps v1.2.3 (")
    assert done.stderr == ""
    assert not project.loaded.exists()


def test_settings_are_held_against_what_the_connector_declares(project):
    job = project.directory / "users.yaml"
    job.write_text("""\
name: users
source:
  connector: tap-steps
  config:
    limit: ${LIMIT}
    streams: [a, 5]
    broken_sourc: true
target:
  connector: target-lines
  config:
    on_sigterm: sometimes
    fail_at: null
""")
    project.environ["LIMIT"] = "s3cret"
    done = project.dativo("check", job)
    assert done.returncode == 1
    assert details(done)[1:5] == [
        f"{job}:5:5: source.config: 'steps' is required",
        f"{job}:5:12: source.config.limit: expected integer, got string",
        f"{job}:6:18: source.config.streams[1]: expected string, got integer",
        f"WARNING: {job}:7:19: source.config.broken_sourc: the connector does not know this setting; "
        "did you mean 'broken_source'?",
    ]
    assert details(done)[6:] == [
        f"{job}:11:5: target.config: 'path' is required",
        f"{job}:11:17: target.config.on_sigterm: expected one of 'stop', 'ignore'",
    ]
    assert "s3cret" not in done.stdout + done.stderr


def test_members_of_any_name_are_no_unknown_settings(tmp_path):
    """Stream maps, as meltano-map-transform declares them."""
    a_map = {"type": "object", "properties": {"__alias__": {}}, "additionalProperties": {"type": "string"}}
    maps = {"type": "object", "properties": {}, "additionalProperties": a_map}
    schema = {"properties": {"stream_maps": maps, "closed": {"properties": {"a": {}}}}}
    file = tmp_path / "job.yaml"
    file.write_text("source: {config: {stream_maps: {people: {name: upper(name)}}, closed: {b: 1}}}\n")
    found = unknown_settings(schema, load_yaml(file, []), "source")
    assert [problem.message for problem in found] == [
        "source.config.closed.b: the connector does not know this setting"
    ]


def test_a_source_that_does_not_answer(project):
    config = {"steps": [], "broken_source": True, "api_key": "s3cret"}
    done = project.dativo("check", project.job([], source={"config": config}))
    assert done.returncode == 1
    assert findings(done)[-1] == "FAILED  tap-steps --test=schema"
    said = "the source does not answer, key ****"
    assert details(done)[-1] == f"`tap-steps --test=schema` exited with code 1: {said}"
    assert done.stderr == f"tap-steps    | CRITICAL: {said}\n"


def test_only_what_the_registry_promises_is_asked_for(project):
    text = project.registry.read_text()
    project.registry.write_text(text.replace("- about\n", "- batch\n").replace("- test\n", "- batch\n"))
    done = project.dativo("check", project.job([]))
    assert findings(done) == ["ok      tap-steps --version", "ok      target-lines --version"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "`tap-steps --version` exited with code 3"),
        ("echo '{}'", "`tap-steps --about --format=json` does not give a JSON Schema of settings"),
        ("echo '{\"settings\": true}'", "does not give an object of settings"),
        ("printf '\\377'", "`tap-steps --version` answered with something that is not UTF-8"),
        ("kill -SEGV $$", "`tap-steps --version` was ended by SIGSEGV"),
    ],
)
def test_a_connector_that_does_not_answer_as_it_should(project, script, reason):
    tap = project.directory / "odd"
    tap.write_text(f"#!/bin/sh\n{script}\n")
    tap.chmod(0o755)
    line = next(line for line in project.registry.read_text().splitlines() if "tap_steps.py" in line)
    project.registry.write_text(project.registry.read_text().replace(line, "  executable: ./odd"))
    done = project.dativo("check", project.job([]))
    assert done.returncode == 1
    assert reason in "\n".join(details(done))


def test_a_setting_without_a_sound_schema_of_its_own_is_not_looked_at(project):
    """What Meltano's SDK 0.53 says of `stream_maps`."""
    broken = {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, "null"]}}
    schema = {
        "properties": {"stream_maps": broken, "limit": {"type": "integer", "minimum": 1}},
        "required": ["start"],
    }
    tap = project.directory / "odd"
    tap.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({'settings': schema})}\nEND\n")
    tap.chmod(0o755)
    line = next(line for line in project.registry.read_text().splitlines() if "tap_steps.py" in line)
    project.registry.write_text(project.registry.read_text().replace(line, "  executable: ./odd"))
    job = project.job([], source={"config": {"limit": 0, "stream_maps": {"users": 1}}})
    for command in ("check", "validate"):
        done = project.dativo(command, job)
        assert done.returncode == 1
        assert "source.config.limit: does not keep to minimum 1" in done.stdout
        assert "source.config: 'start' is required" in done.stdout
        assert "source.config.stream_maps" not in done.stdout


def test_discover_prints_the_catalog_and_nothing_else(project):
    done = project.dativo("discover", project.job([]))
    assert done.returncode == 0
    catalog = json.loads(done.stdout)
    assert [stream["tap_stream_id"] for stream in catalog["streams"]] == ["users", "orders"]
    assert "selected" not in catalog["streams"][0]
    assert done.stderr == ""


def test_discover_shows_the_selection_of_the_job(project):
    job = project.job([], source={"select": ["orders.id", "nope"], "metadata": {"orders": {"x": 1}}})
    done = project.dativo("discover", job)
    streams = json.loads(done.stdout)["streams"]
    assert [stream["selected"] for stream in streams] == [False, True]
    assert streams[1]["x"] == 1
    assert done.stderr == "WARNING: source.select 'nope' matches nothing in the source\n"


@pytest.mark.parametrize("answer", ["not json", "[]", "{}", '{"streams": {}}'])
def test_a_catalog_that_is_none(project, answer):
    tap = project.directory / "odd"
    tap.write_text(f"#!/bin/sh\necho '{answer}'\n")
    tap.chmod(0o755)
    line = next(line for line in project.registry.read_text().splitlines() if "tap_steps.py" in line)
    project.registry.write_text(project.registry.read_text().replace(line, "  executable: ./odd"))
    done = project.dativo("discover", project.job([]))
    assert done.returncode == 1
    assert "`tap-steps --discover` answered with something that is no" in done.stderr
