"""dativo.yaml: where it is found, what it says, what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import dativo.jobs
import pytest
from dativo.errors import ProblemsError
from dativo.jobs.project import find_project
from dativo.jobs.quantities import Bytes, Duration
from dativo.jobs.reference import project_reference
from dativo.jobs.schema import PROJECT_SCHEMA_FILE, project_schema
from dativo.jobs.secret_backends import EnvSecrets, VaultSecrets
from dativo.jobs.secret_text import SecretRef, SecretText
from jsonschema import Draft202012Validator

PACKAGE = Path(dativo.jobs.__file__).parent
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "dativo.yaml").write_text(text)
        return find_project(tmp_path, {"STORE": "s3://b/p"})

    return write


def problems(write, text):
    with pytest.raises(ProblemsError) as caught:
        write(text)
    return [str(each).rsplit("dativo.yaml:", 1)[1] for each in caught.value.problems]


def test_none_is_needed(tmp_path):
    project = find_project(tmp_path / "job.yaml", {})
    assert project.file is None
    assert project.root == tmp_path
    assert project.home.root == tmp_path / ".dativo"
    assert project.settings.secrets == (EnvSecrets(backend="env"),)


def test_the_nearest_one_upwards_holds(tmp_path):
    (tmp_path / "dativo.yaml").write_text("version: 1\nhome: outer\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_project(inner / "job.yaml", {}).home.root == tmp_path / "outer"
    (tmp_path / "a" / "dativo.yaml").write_text("version: 1\nhome: inner\n")
    assert find_project(inner, {}).home.root == tmp_path / "a" / "inner"
    chosen = find_project(inner, {}, chosen=tmp_path)
    assert chosen.root == tmp_path


@pytest.mark.parametrize(
    ("there", "job", "root"),
    [
        ([], "etl/users.yaml", "etl"),
        ([], "jobs/users.yaml", "."),
        ([], "jobs/acme/users.yaml", "."),
        ([], "etl/jobs/acme", "etl"),
        (["connectors.yaml"], "etl/users.yaml", "."),
        (["connectors.yaml"], "etl/jobs/users.yaml", "."),
        (["etl/dativo.yaml", "connectors.yaml"], "etl/jobs/users.yaml", "etl"),
    ],
)
def test_without_a_file_the_root_is_where_it_would_be(tmp_path, there, job, root):
    """A state that a job has must not be lost from sight when somebody writes a dativo.yaml."""
    (tmp_path / job).parent.mkdir(parents=True)
    for name in there:
        (tmp_path / name).write_text("version: 1\n")
    if not Path(job).suffix:
        (tmp_path / job).mkdir()
    assert find_project(tmp_path / job, {}).root == (tmp_path / root).resolve()


def test_registries_are_those_named_or_the_usual_one(write, tmp_path):
    assert write("version: 1\n").registries == ()
    (tmp_path / "connectors.yaml").touch()
    assert write("version: 1\n").registries == (tmp_path / "connectors.yaml",)
    assert write("version: 1\nregistries: [a.yaml]\n").registries == (tmp_path / "a.yaml",)


def test_what_it_says_is_read(write):
    settings = write(
        "version: 1\nstate: {store: '${STORE}'}\nsecrets: [{backend: vault, kv: 1}, {backend: env}]\n"
        "defaults: {limits: {memory: 2GiB}, timeouts: {idle: 5m}}\naudit: {key: '${secret:chain}'}\n"
        "tenants: {acme: {max_parallel: 2, connectors: ['tap-*']}}\n"
    ).settings
    assert settings.state.store == "s3://b/p"
    assert settings.secrets == (VaultSecrets(backend="vault", kv=1), EnvSecrets(backend="env"))
    assert settings.defaults.limits.memory == Bytes(2 << 30)
    assert settings.defaults.timeouts.idle == Duration(300)
    assert settings.audit.key == SecretText((SecretRef("chain"),))
    assert settings.tenants["acme"].max_parallel == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("home: x\n", "1:1: 'version' is missing"),
        ("version: 2\n", "1:10: 'version' must be 1"),
        ("version: 1\nsecrets: [{}]\n", "2:11: 'secrets[0].backend' is missing"),
        (
            "version: 1\nsecrets: [{backend: k8s}]\n",
            "2:21: 'secrets[0].backend' must be env or files or vault or aws or gcp",
        ),
        ("version: 1\nsecrets: [{backend: env, dir: x}]\n", "2:26: 'secrets[0].dir' is not known"),
        ("version: 1\nsecrets: [env]\n", "2:11: 'secrets[0]' must be a mapping, not a text"),
        ("version: 1\ntenants: {global: {}}\n", "2:11: 'tenants.global' must be at most 128 of"),
        ("version: 1\ntenants: {a__b: {}}\n", "2:11: 'tenants.a__b' must be at most 128 of"),
        ("version: 1\ntenants: {a: {max_parallel: -1}}\n", "'tenants.a.max_parallel' must be at least 0"),
        ("version: 1\naudit: {enabled: yes}\n", "2:18: 'audit.enabled' must be true or false, not a text"),
        ("version: 1\nhome: ${secret:x}\n", "2:7: 'home' cannot be taken from a secret"),
        ("version: 1\ndefaults: {limits: {memory: much}}\n", "must be an amount such as 512MiB or 2GB"),
        ("version: 1\ndefaults: {limits: {memory: true}}\n", "such as 512MiB or 2GB, not true or false"),
        ("version: 1\ndefaults: {retries: {attempts: 1.5}}\n", "must be an integer, not a number"),
        ("version: 1\nobserve: {otel: {metrics_every: 5}}\ntags: []\n", "3:1: 'tags' is not known"),
    ],
)
def test_each_departure_is_named_with_its_place(write, text, expected):
    (found,) = problems(write, text)
    assert expected in found


def test_the_schema_and_the_reference_are_up_to_date():
    Draft202012Validator.check_schema(project_schema())
    assert json.loads((PACKAGE / PROJECT_SCHEMA_FILE).read_text()) == project_schema(), "run `make docs`"
    assert (DOCS / "project.md").read_text() == project_reference(), "run `make docs`"


def test_the_example_of_the_reference_is_a_project(write):
    text = project_reference().split("```yaml\n", 1)[1].split("```", 1)[0]
    project = write(text)
    assert set(project.settings.tenants) == {"acme"}
    Draft202012Validator(project_schema()).validate(project.document.plain())
