"""A new job: where it is written, what it refuses, and that it never writes over anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from dativo.errors import ConnectorError, RunnerError
from dativo.jobs.new import new_job

A_NAME = "at most 128 of A-Z, a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"


@pytest.fixture
def new(quiet):
    def new(job, tap="tap-quiet", target="target-quiet", tenant=None):
        project = quiet.project
        return new_job(job, tap, target, tenant, quiet.registry(project), project)

    return new


@pytest.mark.parametrize(
    ("job", "tenant", "file"),
    [
        ("orders", None, "jobs/orders.yaml"),
        ("orders", "acme", "jobs/acme/orders.yaml"),
        ("o.2024_a-b", None, "jobs/o.2024_a-b.yaml"),
        ("deep/er/orders.yaml", None, "deep/er/orders.yaml"),
        ("orders.yml", "acme", "orders.yml"),
    ],
)
def test_where_it_is_written(new, quiet, job, tenant, file):
    made = new(job, tenant=tenant)
    assert made.file == Path(file)
    document = yaml.safe_load(made.file.read_text())
    assert (document["name"], document.get("tenant")) == (Path(file).stem, tenant)
    assert made.file.read_text() == made.scaffold.text
    assert not quiet.was_started


def test_what_is_left_to_fill_in(new):
    made = new("orders")
    assert made.scaffold.open == ("source.config.host", "target.config.path")
    assert made.scaffold.secrets == ("${secret:quiet#password}",)
    assert "    # Where the server is.\n    host: " in made.file.read_text()
    assert '    # port: 5432\n' in made.file.read_text()  # fmt: skip


def test_the_new_job_can_be_loaded(new, quiet):
    ready = quiet.ready(new("orders", tenant="acme").file)
    assert ready.job.full_name == "acme/orders"
    assert [str(ref) for ref in ready.secret_refs] == ["quiet#password"]
    assert ready.tap.name == "tap-quiet"


@pytest.mark.parametrize(("job", "title"), [("orders", "dativo job"), ("deep/er/orders.yaml", "dativo job")])
def test_editors_find_the_schema_from_where_the_file_is(new, job, title):
    file = new(job).file
    schema = file.read_text().splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert not Path(schema).is_absolute()
    assert json.loads((file.parent / schema).read_text())["title"] == title


def test_the_first_one_below_the_directory_begins_a_project(new, quiet):
    made = new("orders")
    assert made.project_file == Path("dativo.yaml")
    first, comment, version = made.project_file.read_text().splitlines()
    assert version == "version: 1"
    assert comment.endswith("See docs/project.md.")
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(Path(schema).read_text())["title"] == "dativo project"
    assert quiet.project.file == quiet.directory / "dativo.yaml"
    assert new("others").project_file is None


@pytest.mark.parametrize("job", ["orders.yaml", "./orders.yml"])
def test_a_file_beside_it_needs_no_project(new, job):
    assert new(job).project_file is None
    assert not Path("dativo.yaml").exists()


def test_a_file_that_lies_elsewhere_begins_no_project_here(new, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "orders.yaml"
    made = new(str(elsewhere))
    assert (made.file, made.project_file) == (elsewhere, None)
    assert not Path("dativo.yaml").exists()


def test_a_project_that_is_there_is_left_alone(new, quiet):
    quiet.write("dativo.yaml", "version: 1\nhome: kept\n")
    assert new("orders").project_file is None
    assert Path("dativo.yaml").read_text() == "version: 1\nhome: kept\n"
    assert Path("kept/schemas/job.schema.json").is_file()


def test_nothing_is_written_over(new):
    file = new("orders").file
    file.write_text("mine")
    with pytest.raises(RunnerError) as caught:
        new("orders", target="target-quiet")
    assert str(caught.value) == "jobs/orders.yaml exists: choose another name, or remove it"
    assert file.read_text() == "mine"


@pytest.mark.parametrize("job", ["-x", "a b", ".hidden", "a__é", "x" * 129, "-x.yaml"])
def test_a_name_that_no_job_can_have(new, job):
    with pytest.raises(RunnerError) as caught:
        new(job)
    name = job.removesuffix(".yaml")
    assert str(caught.value) == f"{name!r} cannot be the name of a job: it must be {A_NAME}"
    assert not Path("jobs").exists()


@pytest.mark.parametrize("tenant", ["global", "GLOBAL", "a__b", "../up", "-x"])
def test_a_name_that_no_tenant_can_have(new, tenant):
    with pytest.raises(RunnerError) as caught:
        new("orders", tenant=tenant)
    said = f"{tenant!r} cannot be the name of a tenant: it must be {A_NAME}, without '__', and not 'global'"
    assert str(caught.value) == said
    assert not Path("jobs").exists()


@pytest.mark.parametrize(
    ("tap", "target", "message"),
    [
        ("tap-quit", "target-quiet", "no tap 'tap-quit' in the registry; did you mean 'tap-quiet'?"),
        ("target-quiet", "target-quiet", "'target-quiet' is a target, and a tap is needed here"),
        ("tap-quiet", "mapper-plain", "'mapper-plain' is a mapper, and a target is needed here"),
        (
            "tap-quiet@9",
            "target-quiet",
            "tap-quiet@9 is not installed, tap-quiet is here in version 1.2.3: dativo install tap-quiet@9",
        ),
        (
            "tap-gone",
            "target-quiet",
            "tap-gone is in the registry, but its executable './bin/tap-gone' is not installed "
            "(looked in {here}/bin/tap-gone): put it there, install the package dist-tap-gone, "
            "or correct the entry",
        ),
    ],
)
def test_a_connector_that_is_not_here(new, quiet, tap, target, message):
    with pytest.raises(ConnectorError) as caught:
        new("orders", tap, target)
    assert str(caught.value) == message.format(here=quiet.directory)
    assert not Path("jobs").exists()


def test_a_version_stays_in_the_job(new):
    document = yaml.safe_load(new("orders", "tap-quiet@1.2").file.read_text())
    assert document["source"]["connector"] == "tap-quiet@1.2"
