"""Every key of a job: what it takes, and what is said of what it does not take (cases/job_keys.json)."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml
from dativo.jobs.format import Job
from dativo.jobs.located import load_yaml
from dativo.jobs.project_format import ProjectFile
from dativo.jobs.schema import job_schema, project_schema
from dativo.jobs.typed import fields_of, read_dataclass
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

CASES = json.loads((Path(__file__).parent / "cases" / "job_keys.json").read_text())
JOB = {
    "name": "users",
    "source": {"connector": "tap-csv"},
    "target": {"connector": "target-parquet"},
}
VALIDATOR = Draft202012Validator(job_schema())


def with_value(key, value):
    job = copy.deepcopy(JOB)
    *path, last = key.split(".")
    here = job
    for step in path:
        here = here.setdefault(step, {})
    here[last] = value
    return job


def read(cls, document, directory):
    path = directory / "file.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    problems = []
    return read_dataclass(cls, load_yaml(path, problems), problems), problems, path


@pytest.mark.parametrize("case", CASES, ids=[case["key"] for case in CASES])
def test_what_a_key_takes(case, tmp_path):
    for value in case["accepted"]:
        job = with_value(case["key"], value)
        found, problems, _ = read(Job, job, tmp_path)
        assert problems == [], value
        assert found is not None
        assert VALIDATOR.is_valid(job), value


@pytest.mark.parametrize("case", CASES, ids=[case["key"] for case in CASES])
def test_what_a_key_does_not_take_is_said_where_it_stands(case, tmp_path):
    for refused in case["refused"]:
        job = with_value(case["key"], refused["value"])
        found, problems, path = read(Job, job, tmp_path)
        assert found is None, refused
        assert len(problems) == 1, [str(each) for each in problems]
        assert refused["problem"] in problems[0].message
        assert not VALIDATOR.is_valid(job), refused
        place = problems[0].place
        line = path.read_text().splitlines()[place.line - 1]
        assert len(line) >= place.column >= 1
        assert case["key"].split(".")[-1] in "\n".join(path.read_text().splitlines()[: place.line])


def test_every_key_has_a_case():
    def keys(cls, path, depth):
        for name, (_, kind) in fields_of(cls).items():
            full = f"{path}.{name}" if path else name
            if depth and isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
                yield from keys(kind, full, depth - 1)
            else:
                yield full

    assert set(keys(Job, "", 1)) <= {case["key"] for case in CASES}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2000)
    | st.sampled_from([0.5, 1.5, 2.0, 1e9])
    | st.sampled_from(
        ["", "a", "a b", "tap-x@1", "1GiB", "0.5h", "30s", "strict", "s3://b", "env", "json", "x__y"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["connector", "memory", "on", "webhook", "cron", "backend", "a"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=4,
)


def documents(cls):
    """Documents with keys of a format, at any depth, and any values."""

    def of(cls, depth):
        fields = {}
        for name, (_, kind) in fields_of(cls).items():
            inner = VALUES
            if depth and isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
                inner = st.one_of(of(kind, depth - 1), VALUES)
            fields[name] = inner
        return st.fixed_dictionaries({}, optional=fields)

    return of(cls, 2)


@pytest.mark.parametrize(
    ("cls", "schema", "least"),
    [(Job, job_schema, JOB), (ProjectFile, project_schema, {"version": 1})],
    ids=["job", "project"],
)
def test_the_reader_and_the_schema_agree_on_any_document(cls, schema, least, tmp_path):
    validator = Draft202012Validator(schema())

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(documents(cls), st.integers(0, 3))
    def agree(document, whole):
        if whole:
            document = {**least, **{key: document[key] for key in list(document)[:whole] if key not in least}}
        found, problems, _ = read(cls, document, tmp_path)
        assert (found is not None) == (problems == [])
        assert (problems == []) == validator.is_valid(document), (document, problems)

    agree()
