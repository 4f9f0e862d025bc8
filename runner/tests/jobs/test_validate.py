"""Everything that is wrong with job files, found without starting a connector or reading a secret."""

from __future__ import annotations

import json

import pytest
from dativo.errors import Place, Problem
from dativo.jobs.validate import Validation, validate

SECRETS = {"DATIVO_SECRET__GLOBAL__PG": json.dumps({"password": "s3cret"})}


@pytest.fixture
def found(quiet):
    def found(*files, environ=None, **options):
        return validate(files, quiet.registry, environ or {}, **options)

    return found


def said(problems):
    return [str(problem) for problem in problems]


def test_a_good_job_is_held_against_its_settings_without_starting_anything(quiet, found):
    assert found(quiet.job()) == Validation(1, (), ())
    assert not quiet.was_started


@pytest.mark.parametrize(
    ("jobs", "problems", "summary"),
    [
        (0, 0, "0 jobs, no problems"),
        (1, 0, "1 job, no problems"),
        (2, 1, "2 jobs, 1 problem"),
        (12, 3, "12 jobs, 3 problems"),
    ],
)
def test_the_summary_counts_as_people_do(jobs, problems, summary, tmp_path):
    each = Problem(Place(tmp_path), "x")
    assert Validation(jobs, (each,) * problems, (each,)).summary() == summary


def test_the_document_is_for_programs(tmp_path):
    problem, warning = Problem(Place(tmp_path / "a.yaml", 3, 9), "x"), Problem(Place(tmp_path), "ü")
    assert Validation(1, (problem,), (warning,)).document() == {
        "jobs": 1,
        "problems": [{"file": str(tmp_path / "a.yaml"), "line": 3, "column": 9, "message": "x"}],
        "warnings": [{"file": str(tmp_path), "line": 0, "column": 0, "message": "ü"}],
    }


def test_both_sides_and_every_mapper_are_looked_at(quiet, found):
    file = quiet.job(
        source={"connector": "tap-quiet", "config": {"host": 5, "prot": 1, "password": "p"}},
        target={"connector": "target-quiet"},
    )
    done = found(file)
    assert said(done.problems) == [
        "jobs/users.yaml:5:11: source.config.host: expected string, got integer",
        "jobs/users.yaml:9:3: target.config: 'path' is required",
    ]
    unknown = "the connector does not know this setting; did you mean 'port'?"
    assert said(done.warnings) == [f"jobs/users.yaml:6:11: source.config.prot: {unknown}"]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(quiet, found):
    bad = quiet.job("jobs/b.yaml", name="b", source={"connector": "tap-quit"}, sandbx="none")
    broken = quiet.write("jobs/c.yaml", "name: [\n").relative_to(quiet.directory)
    wrong = quiet.job("jobs/a.yaml", name="a", target={"connector": "target-quiet", "config": {"path": 1}})
    done = found(broken, bad, wrong)
    assert done.jobs == 3
    assert said(done.problems)[:3] == [
        "jobs/a.yaml:10:11: target.config.path: expected string, got integer",
        "jobs/b.yaml:3:14: source.connector: no tap 'tap-quit' in the registry; did you mean 'tap-quiet'?",
        "jobs/b.yaml:8:1: 'sandbx' is not known; did you mean 'sandbox'?",
    ]
    assert said(done.problems)[3].startswith("jobs/c.yaml:2:1: is not valid YAML")
    assert len(done.problems) == 4


def test_a_problem_of_the_project_is_told_once_however_many_jobs_it_has(quiet, found):
    quiet.write("dativo.yaml", "version: 1\nhoem: x\n")
    done = found(quiet.job("jobs/a.yaml"), quiet.job("jobs/b.yaml"))
    assert said(done.problems) == [
        f"{quiet.directory}/dativo.yaml:2:1: 'hoem' is not known; did you mean 'home'?"
    ]
    assert done.summary() == "2 jobs, 1 problem"


def test_names_used_twice_are_a_problem_of_the_second(quiet, found):
    first, second = quiet.job("jobs/a.yaml"), quiet.job("jobs/b.yaml")
    assert said(found(first, second).problems) == [
        "jobs/b.yaml:1:7: the name users is already used at jobs/a.yaml:1:7"
    ]
    other = quiet.job("jobs/c.yaml", tenant="acme")
    assert found(first, other).problems == ()


def test_tenants_whose_secrets_would_be_one_are_a_problem(quiet, found):
    first, second = quiet.job("jobs/a.yaml", tenant="a-b"), quiet.job("jobs/b.yaml", tenant="a_b")
    (problem,) = said(found(first, second).problems)
    assert "the tenants a-b and a_b would share their secrets" in problem


def test_what_is_to_be_shut_in_is_not_started_outside(quiet, found):
    text = (quiet.directory / "connectors.yaml").read_text()
    quiet.write("connectors.yaml", text.replace("  settings: tap.json\n", ""))
    shut_in = found(quiet.job(sandbox="strict"))
    assert said(shut_in.warnings) == [
        "jobs/users.yaml:3:14: the settings of tap-quiet are not checked: it is asked for them in its "
        "sandbox only"
    ]
    assert (shut_in.problems, quiet.was_started) == ((), False)
    assert len(found(quiet.job()).problems) == 1
    assert quiet.was_started


def test_settings_that_cannot_be_read_stand_at_the_connector(quiet, found):
    quiet.write("tap.json", "{")
    done = found(quiet.job())
    (problem,) = done.problems
    assert str(problem.place) == "jobs/users.yaml:3:14"
    assert problem.message.startswith("tap-quiet: its settings ")
    assert "/tap.json cannot be read: " in problem.message
    quiet.write("tap.json", "[]")
    (problem,) = found(quiet.job()).problems
    assert problem.message == f"tap-quiet: {quiet.directory}/tap.json holds no JSON Schema of settings"


def test_a_mapper_stands_at_its_own_place(quiet, found):
    text = (quiet.directory / "connectors.yaml").read_text()
    text = text.replace("name: mapper-plain\n", "name: mapper-plain\n  settings: mapper.json\n")
    quiet.write("connectors.yaml", text)
    quiet.write("mapper.json", json.dumps({"required": ["maps"]}))
    file = quiet.job(mappers=[{"connector": "mapper-plain"}, {"connector": "mapper-plain"}])
    assert said(found(file).problems) == [
        "jobs/users.yaml:12:3: mappers[0].config: 'maps' is required",
        "jobs/users.yaml:13:3: mappers[1].config: 'maps' is required",
    ]
    quiet.write("mapper.json", "")
    assert [str(each.place) for each in found(file).problems] == [
        "jobs/users.yaml:12:14",
        "jobs/users.yaml:13:14",
    ]


def test_a_connector_that_tells_nothing_is_not_asked(quiet, found):
    file = quiet.job(source={"connector": "tap-plain", "config": {"whatever": 1}})
    assert found(file) == Validation(1, (), ())
    assert not quiet.was_started


def test_what_a_job_warns_of_stands_at_its_file(quiet, found):
    quiet.write("dativo.yaml", "version: 1\ndefaults: {parallel: {streams: 4}}\n")
    done = found(quiet.job(source={"connector": "tap-plain"}))
    assert said(done.warnings) == [
        "jobs/users.yaml:1:1: parallel.streams: tap-plain cannot do it, it lacks discover and catalog; "
        "its streams are loaded one after the other"
    ]
    assert done.problems == ()


def test_secrets_are_fetched_only_when_asked_for_and_told_where_they_stand(quiet, found):
    config = {"host": "${secret:pg#host}", "password": "${secret:pg#password}", "tables": ["${secret:no}"]}
    file = quiet.job(source={"connector": "tap-quiet", "config": config})
    assert found(file).problems == ()
    done = found(file, environ=SECRETS, secrets=True)
    assert [str(each.place) for each in done.problems] == ["jobs/users.yaml:5:11", "jobs/users.yaml:8:7"]
    assert done.problems[0].message == "${secret:pg#host}: the secret pg has no field host (it has password)"
    assert done.problems[1].message == "no secret no (looked in env DATIVO_SECRET__GLOBAL__NO)"
    assert "s3cret" not in json.dumps(done.document())


def test_one_text_with_two_missing_secrets_is_two_problems(quiet, found):
    config = {"host": "${secret:a}-${secret:b}", "password": "x"}
    done = found(quiet.job(source={"connector": "tap-quiet", "config": config}), secrets=True)
    assert [(str(each.place), each.message.split(" (")[0]) for each in done.problems] == [
        ("jobs/users.yaml:5:11", "no secret a"),
        ("jobs/users.yaml:5:11", "no secret b"),
    ]


def test_the_project_that_is_named_holds_for_every_file(quiet, found):
    from dativo.jobs.project import find_project

    other = quiet.write("other/dativo.yaml", "version: 1\nregistries: [../connectors.yaml]\n"
                        "tenants: {acme: {max_limits: {memory: 1GiB}}}\n").parent  # fmt: skip
    file = quiet.job(tenant="acme", limits={"memory": "2GiB"})
    assert found(file).problems == ()
    done = found(file, project=find_project(other, {}))
    assert said(done.problems) == [
        "jobs/users.yaml:13:11: 'limits.memory' is more than the 1 GiB that max_limits of the tenant allows"
    ]
