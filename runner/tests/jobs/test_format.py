"""One declaration, four faces: reading, JSON Schema, the file for editors, the reference."""

from __future__ import annotations

import json
from pathlib import Path

import dativo
import pytest
import yaml
from dativo.errors import ProblemsError
from dativo.jobs.format import Job
from dativo.jobs.located import load_yaml
from dativo.jobs.reference import job_reference
from dativo.jobs.schema import SCHEMA_FILE, job_schema
from dativo.jobs.typed import read_dataclass
from jsonschema import Draft202012Validator

REPOSITORY = Path(__file__).parents[3]
PACKAGE = Path(dativo.__file__).parent / "jobs"

GOOD = {
    "name": "users",
    "source": {
        "connector": "tap-x",
        "config": {"a": [1, {"b": None}]},
        "select": ["a.*"],
        "metadata": {"a": {"k": 1}},
    },
    "target": {"connector": "target-y"},
    "tenant": "acme",
    "state": {"path": "x.json"},
}


def changed(path, value):
    job = json.loads(json.dumps(GOOD))
    here = job
    for step in path[:-1]:
        here = here[step]
    if value is ...:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return job


JOBS = [
    GOOD,
    changed(["tenant"], ...),
    changed(["state"], ...),
    changed(["state"], {}),
    changed(["source", "config"], {}),
    changed(["name"], "a" * 128),
    changed(["name"], ...),
    changed(["name"], None),
    changed(["name"], ""),
    changed(["name"], "a b"),
    changed(["name"], "-a"),
    changed(["name"], "a" * 129),
    changed(["name"], 5),
    changed(["tenant"], None),
    changed(["tenant"], "a/b"),
    changed(["source"], ...),
    changed(["source"], None),
    changed(["source"], []),
    changed(["source", "connector"], ...),
    changed(["source", "connector"], True),
    changed(["source", "config"], []),
    changed(["source", "config"], None),
    changed(["source", "select"], "a.*"),
    changed(["source", "select"], [1]),
    changed(["source", "select"], []),
    changed(["source", "metadata"], {"a": 1}),
    changed(["source", "metadata"], {"a": {}}),
    changed(["source", "metadata"], []),
    changed(["target", "select"], ["a"]),
    changed(["target", "config"], 5),
    changed(["state"], "x.json"),
    changed(["state", "path"], ""),
    changed(["state", "path"], 1),
    changed(["state", "file"], "x"),
    changed(["extra"], 1),
    [],
    "users",
    None,
]


@pytest.mark.parametrize("job", JOBS, ids=[str(number) for number in range(len(JOBS))])
def test_the_reader_and_the_schema_agree(job, tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(job))
    problems = []
    read = read_dataclass(Job, load_yaml(path, problems), problems)
    assert (problems == []) == Draft202012Validator(job_schema()).is_valid(job)
    assert (read is None) == bool(problems)


def test_the_schema_is_one():
    Draft202012Validator.check_schema(job_schema())


def test_the_file_for_editors_is_up_to_date():
    assert json.loads((PACKAGE / SCHEMA_FILE).read_text()) == job_schema(), "run `make docs`"


def test_the_reference_is_up_to_date():
    assert (REPOSITORY / "docs" / "jobs.md").read_text() == job_reference(), "run `make docs`"


def test_every_key_has_a_description():
    def descriptions(schema):
        for child in schema.get("properties", {}).values():
            yield child.get("description", "")
            yield from descriptions(child)

    assert all(len(description) > 10 for description in descriptions(job_schema()))


def test_the_example_of_the_reference_is_a_job(tmp_path):
    text = job_reference().split("```yaml\n", 1)[1].split("```", 1)[0]
    path = tmp_path / "job.yaml"
    path.write_text(text)
    problems = []
    assert read_dataclass(Job, load_yaml(path, problems), problems) is not None
    assert problems == []


@pytest.mark.parametrize("path", sorted((REPOSITORY / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_examples_fit_the_format_and_point_editors_at_it(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    named = (path.parent / first.split("=", 1)[1]).resolve()
    assert named == PACKAGE / SCHEMA_FILE
    problems = []
    try:
        document = load_yaml(path, problems)
    except ProblemsError as error:
        raise AssertionError(str(error)) from error
    assert read_dataclass(Job, document, problems) is not None, problems
    Draft202012Validator(job_schema()).validate(document.plain())
