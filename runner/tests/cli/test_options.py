"""Options that commands share: where the project is found, and which registry holds."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner
from dativo.cli.options import (
    project_here,
    project_of,
    project_option,
    ready_job,
    registries_of,
    registry_of,
    registry_option,
    suffix_option,
)
from dativo.errors import ProblemsError


def entry(name, executable="./x"):
    return {
        "name": name,
        "kind": "tap",
        "distribution": name,
        "version": "1",
        "executable": executable,
        "description": "-",
        "maturity": "alpha",
    }


def write_registry(path, *entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"version": 1, "connectors": list(entries)}))
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project, and another beside it; the working directory is below the first."""
    for name in ("one", "two"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "dativo.yaml").write_text("version: 1\n")
        write_registry(tmp_path / name / "connectors.yaml", entry("tap-mine", f"./{name}"))
    monkeypatch.chdir(tmp_path / "one/deep")
    monkeypatch.delenv("DATIVO_PROJECT", raising=False)
    monkeypatch.delenv("DATIVO_REGISTRY", raising=False)
    return tmp_path


def test_the_project_is_the_nearest_upwards_of_here_or_of_a_file(here):
    assert project_here().root == here / "one"
    assert project_of(None).root == here / "one"
    assert project_of(None, here / "two/deep").root == here / "two"
    assert project_of(None, here / "two/deep/job.yaml").root == here / "two"


@pytest.mark.parametrize("chosen", ["two", "two/dativo.yaml"])
def test_the_project_chosen_comes_before_it(here, chosen):
    assert project_of(here / chosen).root == here / "two"
    assert project_of(here / chosen, here / "one/deep").root == here / "two"


def test_a_chosen_project_that_is_not_there(here):
    with pytest.raises(ProblemsError, match=r"nowhere\.yaml"):
        project_of(here / "nowhere.yaml")


def test_a_users_registry_comes_before_the_projects_before_the_one_that_ships(here):
    plain = registry_of(None)
    assert plain.look_up("tap-mine", "tap").connector.executable == "./one"
    assert plain.look_up("tap-csv", "tap").connector.engine == "native"
    own = write_registry(here / "own.yaml", entry("tap-mine", "./own"), entry("tap-csv", "./own-csv"))
    both = registry_of(own)
    assert both.look_up("tap-mine", "tap").connector.executable == "./own"
    assert both.look_up("tap-mine", "tap").shadows == here / "one/connectors.yaml"
    assert both.look_up("tap-csv", "tap").connector.executable == "./own-csv"
    assert (
        registry_of(None, project_of(here / "two")).look_up("tap-mine", "tap").connector.executable == "./two"
    )


def test_each_project_has_its_registry_and_it_is_read_once(here):
    registries = registries_of(None)
    one, two = project_of(here / "one"), project_of(here / "two")
    assert registries(two).look_up("tap-mine", "tap").connector.executable == "./two"
    assert registries(one).look_up("tap-mine", "tap").connector.executable == "./one"
    assert registries(project_of(here / "one")) is registries(one)
    assert registries(one) is not registries(two)


@pytest.mark.parametrize("suffix", ["blue", "2024-01_a.b", "x" * 128])
def test_a_suffix_that_can_be_part_of_a_file_name(suffix):
    assert asked(["--suffix", suffix]).output == f"{suffix}\n"


@pytest.mark.parametrize("arguments", [[], ["--suffix", ""]])
def test_no_suffix(arguments):
    assert asked(arguments).output == "None\n"


@pytest.mark.parametrize("suffix", ["../up", "a/b", "a+b", "-x", " ", "x" * 129])
def test_a_suffix_that_leads_elsewhere(suffix):
    done = asked([f"--suffix={suffix}"])
    assert done.exit_code == 2
    assert "Invalid value for '--suffix': it must be at most 128 of A-Z, a-z, 0-9" in done.output


def asked(arguments):
    @click.command()
    @suffix_option("--suffix", help_text="The state of S.")
    def command(suffix):
        click.echo(repr(suffix) if suffix is None else suffix)

    return CliRunner().invoke(command, arguments)


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        ([], {}, (None, None)),
        ([], {"DATIVO_PROJECT": "p", "DATIVO_REGISTRY": "r.yaml"}, ("p", "r.yaml")),
        (["--project", "q"], {"DATIVO_PROJECT": "p"}, ("q", None)),
        (["--registry", "s.yaml"], {"DATIVO_REGISTRY": "r.yaml"}, (None, "s.yaml")),
        ([], {"DATIVO_PROJECT": "", "DATIVO_REGISTRY": ""}, (None, None)),
    ],
)
def test_what_the_command_line_leaves_out_is_in_the_environment(here, arguments, environ, expected):
    seen = []

    @click.command()
    @registry_option
    @project_option
    def command(registry_file, project_file):
        seen.append((project_file, registry_file))

    done = CliRunner().invoke(command, arguments, env=environ)
    assert done.exit_code == 0, done.output
    assert seen == [tuple(each and Path(each) for each in expected)]


def test_a_directory_is_no_registry(here):
    @click.command()
    @registry_option
    def command(registry_file):
        raise AssertionError(registry_file)

    done = CliRunner().invoke(command, ["--registry", os.fspath(here)])
    assert done.exit_code == 2
    assert "is a directory" in done.output


def test_a_job_is_read_in_the_project_that_it_lies_in(here):
    job = here / "two/deep/users.yaml"
    job.write_text("name: users\nsource: {connector: tap-mine}\ntarget: {connector: target-parquet}\n")
    program = here / "two/two"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    ready = ready_job(job, None)
    assert (ready.project.root, ready.tap.executable) == (here / "two", program)
    with pytest.raises(ProblemsError, match=r"its executable '\./one' is not installed"):
        ready_job(job, None, here / "one")
