"""`dativo secrets`: names and places, never values."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from dativo.audit.verify import entries
from dativo.cli import cli
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
