"""The configuration of a job held against what its connector declares; see cases/settings.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dativo.jobs.located import load_yaml
from dativo.jobs.references import Variables
from dativo.jobs.settings import settings_problems, unknown_settings

CASES = json.loads((Path(__file__).parent / "cases" / "settings.json").read_text())
BOTH = {"properties": {"n": {"type": "integer"}}, "required": ["must"]}


@pytest.fixture
def document(tmp_path):
    def document(text, environ=None):
        file = tmp_path / "job.yaml"
        file.write_text(text)
        problems = []
        found = load_yaml(file, problems, Variables(environ or {}))
        assert problems == []
        return found

    return document


def said(problems):
    return [str(problem).rsplit("job.yaml:", 1)[1] for problem in problems]


@pytest.mark.parametrize("case", CASES, ids=[each["name"] for each in CASES])
def test_what_is_said_of_a_configuration(document, case):
    config = "" if case["config"] is None else f"  config: {case['config']}\n"
    found = document(f"source:\n  connector: tap-x\n{config}")
    assert said(settings_problems(case["schema"], found, "source")) == case["problems"]
    assert said(unknown_settings(case["schema"], found, "source")) == case["unknown"]


def test_each_side_is_held_against_its_own(document):
    found = document(
        "source: {config: {n: a}}\n"
        "mappers:\n  - {config: {must: 1, n: 1}}\n  - {config: {must: 1, n: b, o: 1}}\n"
        "target: {config: {must: 1}}\n"
    )
    assert said(settings_problems(BOTH, found, "source")) == [
        "1:18: source.config: 'must' is required",
        "1:22: source.config.n: expected integer, got string",
    ]
    assert settings_problems(BOTH, found, ("mappers", 0)) == []
    assert said(settings_problems(BOTH, found, ("mappers", 1))) == [
        "4:27: mappers[1].config.n: expected integer, got string"
    ]
    unknown = "the connector does not know this setting"
    assert said(unknown_settings(BOTH, found, ("mappers", 1))) == [
        f"4:21: mappers[1].config.must: {unknown}",
        f"4:33: mappers[1].config.o: {unknown}",
    ]
    assert settings_problems(BOTH, found, "target") == []


def test_a_variable_is_a_text_that_is_judged_and_never_shown(document):
    found = document("source: {config: {n: '${N}', must: 1}}\n", {"N": "s3cret"})
    assert said(settings_problems(BOTH, found, "source")) == [
        "1:22: source.config.n: expected integer, got string"
    ]


def test_the_configuration_itself_is_not_changed(document):
    found = document("source: {config: {n: null, must: [null, {a: null}]}}\n")
    before = found.plain()
    settings_problems(BOTH, found, "source")
    unknown_settings(BOTH, found, "source")
    assert found.plain() == before == {"source": {"config": {"n": None, "must": [None, {"a": None}]}}}
