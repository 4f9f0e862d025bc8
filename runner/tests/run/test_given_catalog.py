"""A catalog file and schemas of the job in the place of what the source tells."""

from __future__ import annotations

import json

import pytest


def given(project):
    return json.loads((project.directory / "seen.json").read_text())["catalog"]


def job(project, **source):
    config = {"steps": [{"records": 1}], "seen": "seen.json", "broken_source": True}
    return project.job([], source={"config": config, **source})


def test_a_catalog_file_takes_the_place_of_discovery(project):
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}
    stream = {"tap_stream_id": "users", "stream": "users", "schema": schema}
    (project.directory / "catalog.json").write_text(json.dumps({"streams": [stream]}))
    put = {"users": {"name": {"type": "string", "maxLength": 5}}}
    path = job(project, catalog="catalog.json", select=["users.id"], schema=put)
    done = project.dativo("run", path)
    assert done.returncode == 0, done.stderr
    (found,) = given(project)["streams"]
    assert found["schema"]["properties"]["name"] == {"type": "string", "maxLength": 5}
    chosen = {tuple(each["breadcrumb"]): each["metadata"].get("selected") for each in found["metadata"]}
    assert chosen[()] is True
    assert chosen["properties", "id"] is True
    assert not chosen["properties", "name"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read: No such file"),
        ("{", "is not JSON"),
        ("{}", "is no catalog: it has no list of streams"),
        ("[]", "is no catalog: it has no list of streams"),
    ],
)
def test_a_file_that_is_no_catalog_is_a_problem_of_the_job(project, text, message):
    if text is not None:
        (project.directory / "catalog.json").write_text(text)
    done = project.dativo("run", job(project, catalog="catalog.json"))
    assert done.returncode == 1
    assert "users.yaml:" in done.stderr
    assert message in done.stderr
