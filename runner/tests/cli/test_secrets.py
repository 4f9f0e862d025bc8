"""`dativo secrets`: names and places, never values."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from dativo.audit.verify import entries
from dativo.cli import cli
from dativo.errors import ProblemsError
from dativo.home import Home


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users.yaml").write_text(
        "name: users\ntenant: acme\nsource: {connector: tap-none, config: {a: '${secret:pg#password}'}}\n"
        "target: {connector: target-none, config: {b: ['x ${secret:shared}', '${secret:none}']}}\n"
    )
    monkeypatch.setenv("DATIVO_SECRET__ACME__PG", '{"password": "planted-password"}')
    monkeypatch.setenv("DATIVO_SECRET__GLOBAL__SHARED", "planted-shared")
    return lambda *arguments: CliRunner().invoke(cli, ["secrets", *arguments], standalone_mode=False)


def test_the_list_says_where_each_is_looked_for(run):
    assert run("list", "users.yaml").output.splitlines() == [
        "none  env DATIVO_SECRET__ACME__NONE, env DATIVO_SECRET__GLOBAL__NONE",
        "pg#password  env DATIVO_SECRET__ACME__PG, env DATIVO_SECRET__GLOBAL__PG",
        "shared  env DATIVO_SECRET__ACME__SHARED, env DATIVO_SECRET__GLOBAL__SHARED",
    ]


def test_the_test_fetches_each_and_shows_none(run, monkeypatch, tmp_path):
    done = run("test", "users.yaml")
    assert done.return_value == 1
    assert done.output.splitlines() == [
        "FAILED  none: no secret none for tenant acme (looked in env DATIVO_SECRET__ACME__NONE, "
        "env DATIVO_SECRET__GLOBAL__NONE)",
        "ok      pg#password ← env (tenant)",
        "ok      shared ← env (global)",
    ]
    monkeypatch.setenv("DATIVO_SECRET__ACME__NONE", "planted-none")
    done = run("test", "users.yaml")
    assert done.return_value == 0
    assert "planted" not in done.output
    noted = [entry["facts"]["name"] for entry in entries(Home(tmp_path / ".dativo").tenant("acme").audit)]
    assert noted == ["pg", "shared", "none", "pg", "shared"]


def test_a_job_without_secrets(run, tmp_path):
    (tmp_path / "plain.yaml").write_text("name: plain\n")
    assert run("list", "plain.yaml").output == "this job uses no secrets\n"
    assert run("test", "plain.yaml").return_value == 0


@pytest.mark.parametrize("command", ["list", "test"])
def test_a_file_that_cannot_be_read_is_said_with_its_line(run, tmp_path, command):
    (tmp_path / "bad.yaml").write_text("name: bad\nsource: {config: {a: '${secret:}'}}\n")
    done = run(command, "bad.yaml")
    assert isinstance(done.exception, ProblemsError)
    assert str(done.exception).startswith("bad.yaml:2:")
    assert str(run(command, "none.yaml").exception) == "none.yaml: cannot be read: No such file or directory"


def test_a_job_without_a_tenant_looks_only_where_all_do(run, tmp_path):
    (tmp_path / "plain.yaml").write_text("name: plain\nsource: {config: {a: '${secret:shared}'}}\n")
    assert run("list", "plain.yaml").output == "shared  env DATIVO_SECRET__GLOBAL__SHARED\n"
    assert run("test", "plain.yaml").output == "ok      shared ← env (global)\n"
    assert [each["tenant"] for each in entries(Home(tmp_path / ".dativo").tenant(None).audit)] == [None]


def test_one_secret_in_two_places_is_told_once_its_members_each(run, tmp_path, monkeypatch):
    monkeypatch.setenv("DATIVO_SECRET__GLOBAL__PG", '{"user": "planted-user"}')
    (tmp_path / "twice.yaml").write_text(
        "name: twice\nsource: {config: {a: '${secret:pg#user}', b: ['${secret:pg#user}']}}\n"
        "target: {config: {c: '${secret:pg#gone}'}}\n"
    )
    done = run("test", "twice.yaml")
    assert done.return_value == 1
    failed, fine = done.output.splitlines()
    assert failed == "FAILED  pg#gone: ${secret:pg#gone}: the secret pg has no field gone (it has user)"
    assert fine == "ok      pg#user ← env (global)"


def test_nothing_is_noted_of_what_could_not_be_read(run, tmp_path):
    (tmp_path / "gone.yaml").write_text("name: gone\ntenant: beta\nsource: {config: {a: '${secret:none}'}}\n")
    assert run("test", "gone.yaml").return_value == 1
    assert not Home(tmp_path / ".dativo").tenant("beta").audit.exists()


def test_listing_reads_and_writes_nothing(run, tmp_path):
    run("list", "users.yaml")
    assert not (tmp_path / ".dativo").exists()


def test_the_project_can_be_named(run, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/dativo.yaml").write_text("version: 1\nhome: kept\n")
    assert run("test", "users.yaml", "--project", "other").return_value == 1
    assert (tmp_path / "other/kept/tenants/acme/audit").is_dir()
    assert not (tmp_path / ".dativo").exists()
