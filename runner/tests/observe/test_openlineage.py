"""Lineage events: what a receiver or a file holds of them."""

from __future__ import annotations

import json
import uuid

import pytest
from dativo.observe.openlineage import RUNNING_SECONDS, OpenLineage, lineage_event, to_file, to_url


def watch(told, deliver):
    told.observer.add(OpenLineage(told.tally, "lake", deliver))


def test_a_run_begins_and_completes(told, receiver):
    watch(told, to_url(f"{receiver.url}/api/v1/lineage", {"Authorization": "Bearer t"}))
    told.whole_run()
    start, complete = receiver.documents
    assert [path for path, _, _ in receiver.requests] == ["/api/v1/lineage"] * 2
    assert receiver.requests[0][1]["Authorization"] == "Bearer t"
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert uuid.UUID(start["run"]["runId"]).version == 5
    assert (start["eventTime"], complete["eventTime"]) == (
        "2026-11-24T00:00:00.000Z",
        "2026-11-24T00:00:03.000Z",
    )
    assert (complete["job"]["namespace"], complete["job"]["name"]) == ("lake/acme", "users")
    assert told.warnings == []


def test_streams_are_datasets_with_their_columns_and_counts(told, receiver):
    watch(told, to_url(receiver.url, {}))
    told.whole_run()
    [source] = receiver.documents[-1]["inputs"]
    [loaded] = receiver.documents[-1]["outputs"]
    assert (source["namespace"], source["name"]) == ("lake/acme/tap-x", "users")
    assert (loaded["namespace"], loaded["name"]) == ("lake/acme/target-y", "users")
    fields = [{"name": "id", "type": "integer"}, {"name": "at", "type": "date-time"}]
    assert source["facets"]["schema"]["fields"] == loaded["facets"]["schema"]["fields"] == fields
    assert source["inputFacets"]["inputStatistics"]["rowCount"] == 10
    assert loaded["outputFacets"]["outputStatistics"]["rowCount"] == 10


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [("failed", "FAIL"), ("limited", "FAIL"), ("timed_out", "FAIL"), ("interrupted", "ABORT")],
)
def test_a_failure_says_why(told, tmp_path, verdict, kind):
    file = tmp_path / "lineage.jsonl"
    watch(told, to_file(file))
    told.whole_run(verdict, "tap-x exited with code 1", 1)
    last = json.loads(file.read_text().splitlines()[-1])
    assert last["eventType"] == kind
    assert last["run"]["facets"]["errorMessage"]["message"] == "tap-x exited with code 1"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_long_run_says_each_minute_that_it_goes_on(told, tmp_path):
    file = tmp_path / "lineage.jsonl"
    watch(told, to_file(file))
    told.start()
    for _ in range(5):
        told.later(RUNNING_SECONDS / 2)
        told.observer.ticked()
    told.observer.ended("succeeded", None, 0)
    kinds = [json.loads(line)["eventType"] for line in file.read_text().splitlines()]
    assert kinds == ["START", "RUNNING", "RUNNING", "COMPLETE"]


def test_every_event_and_facet_names_its_producer_and_schema(told):
    told.whole_run("failed", "boom", 1)

    def facets(value, inside):
        for name, child in value.items() if isinstance(value, dict) else ():
            if inside:
                yield name, child
            yield from facets(child, name.lower().endswith("facets"))
        for child in value if isinstance(value, list) else ():
            yield from facets(child, False)

    event = lineage_event(told.tally, "lake", "FAIL", 3.0)
    found = dict(facets(event, False))
    assert set(found) == {
        "errorMessage",
        "processing_engine",
        "jobType",
        "schema",
        "inputStatistics",
        "outputStatistics",
    }
    for facet in found.values():
        assert facet["_producer"] == event["producer"]
        assert facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/")
    assert event["schemaURL"].endswith("/2-0-2/OpenLineage.json#/$defs/RunEvent")


def test_the_run_that_started_this_one_is_its_parent(told, monkeypatch):
    parent = "019f0c4e-0000-7000-8000-000000000001"
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"airflow/dag.task/{parent}")
    told.start()
    facet = lineage_event(told.tally, "lake", "START", 0.0)["run"]["facets"]["parent"]
    assert facet["run"] == {"runId": parent}
    assert facet["job"] == {"namespace": "airflow", "name": "dag.task"}


def test_a_receiver_that_takes_nothing_is_one_warning(told, receiver):
    receiver.codes = [404, 404]
    watch(told, to_url(receiver.url, {}))
    told.whole_run()
    [warning] = told.warnings
    assert warning == "OpenLineage has stopped watching: NotDelivered: 127.0.0.1 did not take it: HTTP 404"


def test_a_job_that_selects_tells_of_its_columns(project):
    (project.directory / "dativo.yaml").write_text(
        "version: 1\nobserve: {openlineage: {file: lineage.jsonl}}\n"
    )
    job = project.job([{"records": 3}], source={"select": ["users.*"]})
    assert project.dativo("run", job).returncode == 0
    start, complete = map(json.loads, (project.directory / "lineage.jsonl").read_text().splitlines())
    assert (start["eventType"], start["job"]["namespace"]) == ("START", "dativo")
    [source] = complete["inputs"]
    assert source["name"] == "users"
    assert "id" in [field["name"] for field in source["facets"]["schema"]["fields"]]
