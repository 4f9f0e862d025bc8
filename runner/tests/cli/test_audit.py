"""`dativo audit`: what it says of whole logs, and that it names what is not whole."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from dativo.audit.open import open_audit
from dativo.cli import cli
from dativo.errors import AuditError, ProblemsError
from dativo.jobs.project import find_project


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dativo.yaml").write_text("version: 1\n")
    return tmp_path


def note(directory, tenant, *names, environ=None):
    audit = open_audit(find_project(directory, {}), tenant, environ or {}, job="users")
    for name in names:
        audit.note("secret.read", name=name)


def audit(*arguments):
    done = CliRunner().invoke(cli, ["audit", *map(str, arguments)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def shown(*arguments):
    return [json.loads(line) for line in audit("show", *arguments).splitlines()]


@pytest.mark.parametrize("command", ["verify", "show"])
def test_nothing_has_been_written(here, command):
    assert audit(command) == ""
    assert audit(command, "--tenant", "nobody") == ""
    assert not (here / ".dativo").exists(), "looking makes nothing"


def test_every_tenants_log_is_verified_apart(here):
    note(here, "acme", "a", "b")
    note(here, None, "c")
    last = {entry["tenant"]: entry["hash"][:12] for entry in shown()}
    assert audit("verify").splitlines() == [
        f"jobs without a tenant: 1 entry in 1 file, chain whole, last {last[None]}",
        f"acme: 2 entries in 1 file, chain whole, last {last['acme']}",
    ]
    assert audit("verify", "--tenant", "acme") == (
        f"acme: 2 entries in 1 file, chain whole, last {last['acme']}\n"
    )


def test_entries_are_shown_oldest_first_of_whom_is_asked_for(here):
    note(here, "acme", "a", "ü")
    note(here, "beta", "c")
    assert [(each["tenant"], each["seq"], each["facts"]["name"]) for each in shown()] == [
        ("acme", 1, "a"),
        ("acme", 2, "ü"),
        ("beta", 1, "c"),
    ]
    assert [each["facts"]["name"] for each in shown("--tenant", "beta")] == ["c"]
    assert '"ü"' in audit("show"), "as it was written, not escaped"


def test_one_month_is_one_file(here):
    note(here, None, "a")
    month = shown()[0]["at"][:7]
    assert [each["facts"]["name"] for each in shown("--month", month)] == ["a"]
    assert shown("--month", "1999-12") == []


@pytest.mark.parametrize("command", ["verify", "show"])
def test_the_project_can_be_named(here, command, tmp_path_factory, monkeypatch):
    note(here, None, "a")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert audit(command) == ""
    assert audit(command, "--project", here).count("\n") == 1
    assert audit(command, "--project", here / "dativo.yaml").count("\n") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(b'"name":"a"', b'"name":"z"'), ":1: entry 1 has been changed"),
        (lambda text: text.split(b"\n", 1)[1], ":1: entry 2 follows entry 0: one is missing or moved"),
        (lambda text: text[:-1], ":2: the line is cut"),
        (lambda text: b"{\n", ":1: the line is not JSON"),
        (
            lambda text: text.split(b"\n")[0] + b"\n",
            "the log ends with entry 1, and entry 2 was written last",
        ),
    ],
    ids=["changed", "removed", "cut", "not JSON", "end removed"],
)
def test_what_is_not_whole_is_named(here, change, message):
    note(here, "acme", "a", "b")
    (file,) = (here / ".dativo/tenants/acme/audit").glob("*.jsonl")
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(AuditError) as caught:
        audit("verify")
    assert message in str(caught.value)


def test_with_a_key_only_who_has_it_can_have_written_it(here, monkeypatch):
    (here / "dativo.yaml").write_text('version: 1\naudit: {key: "${secret:chain}"}\n')
    environ = {"DATIVO_SECRET__GLOBAL__CHAIN": "k1"}
    note(here, None, "a", environ=environ)
    monkeypatch.setenv("DATIVO_SECRET__GLOBAL__CHAIN", "k1")
    assert "1 entry in 1 file, chain whole" in audit("verify")
    monkeypatch.setenv("DATIVO_SECRET__GLOBAL__CHAIN", "k2")
    with pytest.raises(AuditError, match="or its chain was not made with this key"):
        audit("verify")
    assert "k1" not in audit("show")


def test_a_project_that_cannot_be_read(here):
    (here / "dativo.yaml").write_text("version: 1\nadit: {}\n")
    with pytest.raises(ProblemsError, match=r"dativo\.yaml:2:1: 'adit' is not known; did you mean 'audit'"):
        audit("verify")
