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

JOB = {
    "name": "users",
    "source": {"connector": "tap-csv"},
    "target": {"connector": "target-parquet"},
}
FORMATS = {"job": (Job, job_schema(), JOB), "project": (ProjectFile, project_schema(), {"version": 1})}
CASES = {
    name: json.loads((Path(__file__).parent / "cases" / f"{name}_keys.json").read_text()) for name in FORMATS
}
KEYS = [pytest.param(name, case, id=f"{name}-{case['key']}") for name in FORMATS for case in CASES[name]]


def with_value(least, key, value):
    document = copy.deepcopy(least)
    *path, last = key.split(".")
    here = document
    for step in path:
        here = here.setdefault(step, {})
    here[last] = value
    return document


def read(cls, document, directory):
    path = directory / "file.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    problems = []
    return read_dataclass(cls, load_yaml(path, problems), problems), problems, path


@pytest.mark.parametrize(("name", "case"), KEYS)
def test_what_a_key_takes(name, case, tmp_path):
    cls, schema, least = FORMATS[name]
    for value in case["accepted"]:
        document = with_value(least, case["key"], value)
        found, problems, _ = read(cls, document, tmp_path)
        assert problems == [], value
        assert found is not None
        assert Draft202012Validator(schema).is_valid(document), value


@pytest.mark.parametrize(("name", "case"), KEYS)
def test_what_a_key_does_not_take_is_said_where_it_stands(name, case, tmp_path):
    cls, schema, least = FORMATS[name]
    for refused in case["refused"]:
        document = with_value(least, case["key"], refused["value"])
        found, problems, path = read(cls, document, tmp_path)
        assert found is None, refused
        assert len(problems) == 1, [str(each) for each in problems]
        assert refused["problem"] in problems[0].message
        assert not Draft202012Validator(schema).is_valid(document), refused
        place, lines = problems[0].place, path.read_text().splitlines()
        assert len(lines[place.line - 1]) >= place.column >= 1
        assert case["key"].split(".")[-1] in "\n".join(lines[: place.line])


def test_every_key_has_a_case():
    def keys(cls, path, depth):
        for name, (_, kind) in fields_of(cls).items():
            full = f"{path}.{name}" if path else name
            if depth and isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
                yield from keys(kind, full, depth - 1)
            else:
                yield full

    assert set(keys(Job, "", 1)) <= {case["key"] for case in CASES["job"]}


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


@pytest.mark.parametrize("name", FORMATS)
def test_the_reader_and_the_schema_agree_on_any_document(name, tmp_path):
    cls, schema, least = FORMATS[name]
    validator = Draft202012Validator(schema)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(documents(cls), st.integers(0, 3))
    def agree(document, whole):
        if whole:
            document = {**least, **{key: document[key] for key in list(document)[:whole] if key not in least}}
        found, problems, _ = read(cls, document, tmp_path)
        assert (found is not None) == (problems == [])
        assert (problems == []) == validator.is_valid(document), (document, problems)

    agree()
