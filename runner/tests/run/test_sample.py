"""`--limit` and `--dry-run`: a part of the records, and never a state of it."""

from __future__ import annotations

import io
import json

import pytest
from dativo.run.sample import Sample, run

SCHEMA = {"type": "SCHEMA", "stream": "a", "schema": {"type": "object"}, "key_properties": ["id"]}
STEPS = [{"records": 5}, {"state": {"n": 5}}, {"records": 4, "stream": "orders"}, {"state": {"n": 9}}]


def line(**message):
    return json.dumps(message).encode() + b"\n"


def record(stream, number):
    return line(type="RECORD", stream=stream, record={"id": number})


def sampled(lines, limit=None, *, describe=False):
    out = io.BytesIO()
    run(lines, out, Sample(limit), describe=describe)
    return out.getvalue()


def test_so_many_records_of_each_stream_pass_unchanged():
    lines = [line(**SCHEMA), *(record(stream, number) for number in range(4) for stream in "ab")]
    assert sampled(lines, 2) == b"".join(lines[:5])


@pytest.mark.parametrize(
    "dropped",
    [
        line(type="STATE", value={}),
        line(type="state", value={}),
        line(type="ACTIVATE_VERSION", stream="a", version=1),
    ],
)
def test_no_state_and_no_version_passes(dropped):
    assert sampled([line(**SCHEMA), dropped, record("a", 1)]) == line(**SCHEMA) + record("a", 1)


def test_what_it_does_not_know_is_left_to_the_target():
    lines = [b"\n", line(type="EXTRA"), b"[1]\n", line(type="RECORD", record={})]
    assert sampled(lines[:2] + lines[3:], 1) == b"".join(lines[:2] + lines[3:])


@pytest.mark.parametrize("bad", [b"{\n", line(type="BATCH", stream="a")])
def test_what_cannot_be_judged_is_named_by_its_line(bad):
    with pytest.raises(ValueError, match="line 2: "):
        sampled([line(**SCHEMA), bad])


def test_a_description_has_keys_schema_and_count_of_each_stream():
    said = json.loads(sampled([line(**SCHEMA), record("a", 1), record("a", 2)], describe=True))
    assert said == {"streams": {"a": {"records": 2, "key_properties": ["id"], "schema": {"type": "object"}}}}


def test_a_limited_run_loads_so_many_of_each_and_keeps_no_state(project):
    done = project.dativo("run", "--limit", "2", project.job(STEPS))
    assert done.returncode == 0, done.stderr
    assert (len(project.records()), len(project.records("orders"))) == (2, 2)
    assert project.state() is None


def test_a_dry_run_starts_no_target_and_changes_nothing(project):
    assert project.dativo("run", project.job([{"records": 1}, {"state": {"n": 1}}])).returncode == 0
    (project.loaded / "started").unlink()
    source = {"config": {"steps": STEPS, "seen": "seen.json"}}
    done = project.dativo("run", "--dry-run", project.job([], source=source))
    assert done.returncode == 0, done.stderr
    streams = json.loads(done.stdout)["streams"]
    assert {name: facts["records"] for name, facts in streams.items()} == {"users": 5, "orders": 4}
    assert streams["users"]["key_properties"] == ["id"]
    assert not (project.loaded / "started").exists()
    assert project.state() == {"n": 1}
    assert json.loads((project.directory / "seen.json").read_text())["state"] == '{"n": 1}'


def test_a_tap_that_fails_in_a_dry_run_is_the_cause(project):
    done = project.dativo("run", "--dry-run", project.job([{"records": 1}, {"exit": 4}]))
    assert done.returncode == 1
    assert "tap-steps exited with code 4" in done.stderr.splitlines()[-1]
    assert done.stdout == ""


def test_garbage_in_a_dry_run_is_named(project):
    done = project.dativo("run", "--dry-run", project.job([{"raw": "no json\n"}]))
    assert done.returncode == 1
    assert "sample exited with code 1: line 1: " in done.stderr.splitlines()[-1]
