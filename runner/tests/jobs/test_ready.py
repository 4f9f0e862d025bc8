"""A job file as a ready job, or as the full list of what is wrong with it."""

from __future__ import annotations

import pytest
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.errors import ProblemsError
from dativo.jobs.ready import load_job

GOOD = """\
name: users
source:
  connector: tap-steps
  config:
    steps: []
target:
  connector: target-lines
"""


@pytest.fixture
def load(project):
    def load(text, environ=None):
        path = project.directory / "job.yaml"
        path.write_text(text)
        return load_job(path, load_registry([built_in_registry(), project.registry]), environ or {})

    return load


@pytest.fixture
def problems(load):
    def problems(text, environ=None):
        with pytest.raises(ProblemsError) as caught:
            load(text, environ)
        return [str(problem).rsplit("job.yaml:", 1)[1] for problem in caught.value.problems]

    return problems


def test_a_good_file_is_a_ready_job(load, project):
    ready = load(GOOD)
    assert ready.job.name == "users"
    assert ready.job.source.config == {"steps": []}
    assert ready.job.source.select == ()
    assert ready.job.tenant is None
    assert ready.directory == project.directory
    assert ready.tap.executable.name == "tap_steps.py"
    assert ready.target.executable.name == "target_lines.py"
    assert str(ready.key) == "users"
    assert ready.project.home.root == project.directory / ".dativo"


def test_a_tenant_has_a_state_of_its_own(load):
    ready = load("tenant: acme\n" + GOOD)
    assert ready.job.full_name == "acme/users"
    assert str(ready.key) == "acme/users"


def test_the_policy_shuts_in_what_dativo_does_not_bring(load, project):
    text = "sandbox: none\n" + GOOD.replace(
        "  connector: tap-steps\n", "  connector: tap-steps\n  sandbox: none\n"
    )
    assert load(text).job.source.sandbox == "none"
    for policy in ("custom: sandbox", "sandbox: strict"):
        (project.directory / "dativo.yaml").write_text(f"version: 1\npolicy: {{{policy}}}\n")
        job = load(text).job
        assert (job.source.sandbox, job.target.sandbox) == ("strict", "strict")


def test_secrets_are_named_and_put_in_their_place_later(load):
    text = GOOD.replace(
        "    steps: []", "    steps: ${secret:a#steps}\n    url: http://x:${secret:a#pw}@y/${secret:b}"
    )
    ready = load(text)
    assert [str(ref) for ref in ready.secret_refs] == ["a#pw", "a#steps", "b"]
    values = {"a#steps": [], "a#pw": "p", "b": "q"}

    def resolve(text):
        if text.whole:
            return values[str(text.whole)]
        return "".join(part if isinstance(part, str) else values[str(part)] for part in text.parts)

    assert ready.resolved(resolve).job.source.config == {"steps": [], "url": "http://x:p@y/q"}
    assert "http" not in str(ready.job.source.config["url"])


def test_variables_reach_every_value(load):
    text = "name: ${JOB}\nsource:\n  connector: ${TAP}\n  config: {steps: [], key: '${KEY}'}\n"
    text += "  select: ['${STREAM}.*']\ntarget: {connector: target-lines}\n"
    environ = {"JOB": "j", "TAP": "tap-steps", "KEY": "s3cret", "STREAM": "users"}
    ready = load(text, environ)
    assert (ready.job.name, ready.tap.name, ready.job.source.select) == ("j", "tap-steps", ("users.*",))
    assert ready.job.source.config["key"] == "s3cret"
    assert ready.variables == environ


def test_all_problems_are_told_at_once_in_the_order_of_the_file(problems):
    text = """\
nmae: users
source:
  connector: tap-step
  config: [steps]
  select: users
  select_all: true
target:
  connector: target-lines
  config:
    path: ${WHERE}
state: here
"""
    assert problems(text) == [
        "1:1: 'nmae' is not known; did you mean 'name'?",
        "1:1: 'name' is missing",
        "3:14: source.connector: no tap 'tap-step' in the registry; did you mean 'tap-steps'?",
        "4:11: 'source.config' must be a mapping, not a list",
        "5:11: 'source.select' must be a list, not a text",
        "6:3: 'source.select_all' is not known; did you mean 'select'?",
        "10:11: ${WHERE} is not set: export WHERE, or give a default as ${WHERE:-default}",
        "11:8: 'state' must be a mapping, not a text",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("name: users", "name: 5"), "1:7: 'name' must be a text, not a number"),
        (("name: users", "name: a/b"), "1:7: 'name' must be at most 128 of"),
        (("name: users", "name: .."), "1:7: 'name' must be at most 128 of"),
        (("name: users", "name: users\ntenant: ../x"), "2:9: 'tenant' must be at most 128 of"),
        (("name: users", "name:"), "1:6: 'name' must be a text, not nothing"),
        (("tap-steps", "target-lines"), "'target-lines' is a target, and a tap is needed here"),
        (("target-lines", "tap-steps"), "'tap-steps' is a tap, and a target is needed here"),
        (
            ("target-lines", "qqq"),
            "no target 'qqq' in the registry; known targets: target-iceberg, target-lines, target-parquet",
        ),
        (("  connector: target-lines", "  config: {}"), "'target.connector' is missing"),
        (
            ("    steps: []", "    steps: []\n  select: [1]"),
            "'source.select[0]' must be a text, not a number",
        ),
        (
            ("    steps: []", "    steps: []\n  metadata: {users: x}"),
            "'source.metadata.users' must be a mapping",
        ),
        (
            ("name: users", "name: users\nzzz: 1"),
            "'zzz' is not known; known here: name, source, target, tenant, description, tags, ",
        ),
    ],
)
def test_each_departure_from_the_format_is_named(problems, change, problem):
    found = problems(GOOD.replace(*change))
    assert len(found) == 1
    assert problem in found[0]


def test_a_file_that_holds_no_mapping_is_refused(problems):
    assert problems("- a\n") == ["1:1: must hold a mapping, not a list"]


def test_a_connector_that_is_not_installed_says_what_to_install(project, problems):
    text = project.registry.read_text().replace("target_lines.py", "gone.py")
    project.registry.write_text(text)
    (found,) = problems(GOOD)
    assert found.startswith("7:14: target.connector: target-lines is in the registry, but its executable")
    assert "install the package target-lines" in found


def test_selecting_needs_a_tap_that_discovers(project, problems):
    project.registry.write_text(
        project.registry.read_text().replace("- discover\n", "").replace("- catalog\n", "")
    )
    found = problems(GOOD.replace("target:", "  select: [users]\n  metadata: {users: {x: y}}\ntarget:"))
    assert found == [
        "6:11: source.select: tap-steps cannot do it, it lacks discover and catalog",
        "7:13: source.metadata: tap-steps cannot do it, it lacks discover and catalog",
    ]


def test_a_missing_variable_is_not_followed_by_complaints_about_what_it_is_not(problems):
    assert len(problems(GOOD.replace("tap-steps", "${TAP}"))) == 1
    assert len(problems(GOOD.replace("users", "${NAME}"))) == 1


def test_a_secret_in_the_wrong_place_is_not_shown(problems):
    text = GOOD.replace("    steps: []", "    steps: []\n  select: ${TOKEN}")
    found = problems(text.replace("name: users", "name: ${TOKEN}"), {"TOKEN": "!hunter2"})
    assert len(found) == 2
    assert "hunter2" not in "".join(found)


PARALLEL = "parallel: {streams: 3}\n"
NO_CATALOG = GOOD.replace("tap-steps", "tap-hog").replace("    steps: []", "    a: 1")


def test_streams_at_once_need_a_tap_that_takes_a_catalog(load, problems):
    assert load(GOOD + PARALLEL).job.parallel.streams == 3
    assert problems(NO_CATALOG + PARALLEL) == [
        "8:21: parallel.streams: tap-hog cannot do it, it lacks discover and catalog"
    ]


def test_what_the_project_wants_at_once_is_left_out_where_it_cannot_be(load, project):
    (project.directory / "dativo.yaml").write_text("version: 1\ndefaults:\n  parallel: {streams: 3}\n")
    assert load(GOOD).job.parallel.streams == 3
    ready = load(NO_CATALOG)
    assert ready.job.parallel.streams == 1
    assert ready.warnings == (
        "parallel.streams: tap-hog cannot do it, it lacks discover and catalog; "
        "its streams are loaded one after the other",
    )
