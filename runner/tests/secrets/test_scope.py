"""Whose a secret is, and where each place that holds secrets looks for it."""

from __future__ import annotations

import os

import pytest
from dativo.errors import SecretError
from dativo.secrets.backends import Payload
from dativo.secrets.env import EnvBackend
from dativo.secrets.files import FileBackend
from dativo.secrets.scope import GLOBAL, Scope, scopes_of

ACME, ALL = Scope("acme"), Scope(None)


def test_the_tenants_own_come_first_and_nobody_elses():
    assert scopes_of("acme") == (ACME, ALL)
    assert scopes_of(None) == scopes_of("") == (ALL,)
    assert [str(each) for each in scopes_of("acme")] == ["acme", GLOBAL]


@pytest.mark.parametrize(
    ("template", "tenant", "name", "place"),
    [
        ("{tenant}/{name}", "acme", "pg", "acme/pg"),
        ("{tenant}/{name}", "acme", "deep/er", "acme/deep/er"),
        ("{tenant}/{name}", None, "pg", "global/pg"),
        ("dativo/{tenant}/{name}/now", "acme", "pg", "dativo/acme/pg/now"),
        ("{tenant}--{name}", "a-b", "c-d", "a-b--c-d"),
        ("{tenant}/x/{name}", "acme", "a/b", "acme/x/a/b"),
        ("{tenant}/{name}", "acme", "{tenant}", "acme/{tenant}"),
    ],
)
def test_a_template_is_filled_in(template, tenant, name, place):
    assert Scope(tenant).place(template, name) == place


@pytest.mark.parametrize(
    ("template", "tenant", "name", "joint"),
    [
        ("{tenant}/{name}", "a/b", "c", "/"),
        ("{tenant}--{name}", "a--b", "c", "--"),
        ("{tenant}--{name}", "a", "b--c", "--"),
        ("{tenant}/x/{name}", "a", "b/x/c", "/x/"),
        ("{tenant}{name}", "a", "b", ""),
        ("fixed", "a", "b", ""),
    ],
)
def test_what_could_be_another_pair_is_refused(template, tenant, name, joint):
    with pytest.raises(SecretError) as caught:
        Scope(tenant).place(template, name)
    assert str(caught.value) == (
        f"the secret {name} of {tenant}: neither may hold {joint!r}, which joins them in {template!r}"
    )


# --- variables


@pytest.mark.parametrize(
    ("scope", "name", "variable"),
    [
        (ACME, "pg", "DATIVO_SECRET__ACME__PG"),
        (ALL, "pg", "DATIVO_SECRET__GLOBAL__PG"),
        (ACME, "db/main.pass-word", "DATIVO_SECRET__ACME__DB_MAIN_PASS_WORD"),
        (Scope("a-c.me"), "pg", "DATIVO_SECRET__A_C_ME__PG"),
        (ACME, "grün", "DATIVO_SECRET__ACME__GR_N"),
    ],
)
def test_a_variable_a_secret(scope, name, variable):
    backend = EnvBackend({variable: "x", variable.lower(): "y"})
    assert backend.place(scope, name) == f"env {variable}"
    assert backend.fetch(scope, name, None) == Payload("x", "auto")
    assert EnvBackend({variable.lower(): "y"}).fetch(scope, name, None) is None


@pytest.mark.parametrize("form", ["json", "env", "text"])
@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_a_suffix_says_the_form(form, spelled):
    backend = EnvBackend({f"DATIVO_SECRET__ACME__PG__{spelled(form)}": "v"})
    assert backend.fetch(ACME, "pg", None) == Payload("v", form)
    assert backend.fetch(ALL, "pg", None) is None
    assert backend.fetch(ACME, "p", None) is None


def test_of_several_forms_the_one_without_a_suffix_counts():
    environ = {f"DATIVO_SECRET__ACME__PG{suffix}": suffix for suffix in ("__text", "__json", "__JSON")}
    assert EnvBackend(environ).fetch(ACME, "pg", "3") == Payload("__json", "json")
    assert EnvBackend(environ | {"DATIVO_SECRET__ACME__PG": ""}).fetch(ACME, "pg", None) == Payload("")


@pytest.mark.parametrize("tenant", ["a__b", "a--b", "a.-b", "__"])
def test_a_tenant_whose_name_could_hold_a_secret_has_none(tenant):
    backend = EnvBackend({})
    for ask in (lambda: backend.place(Scope(tenant), "x"), lambda: backend.fetch(Scope(tenant), "x", None)):
        with pytest.raises(SecretError) as caught:
            ask()
        assert str(caught.value) == (
            f"the tenant {tenant} cannot have secrets in the environment: `__` joins names there"
        )


def test_the_environment_has_a_name_and_nothing_to_warn_of():
    assert (EnvBackend({}).name, EnvBackend({}).warnings) == ("env", [])


# --- files


@pytest.fixture
def files(tmp_path):
    return FileBackend(tmp_path)


def put(files, name, content=b"v", mode=0o600):
    path = files.directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("ending", "form"), [("", "auto"), (".json", "json"), (".env", "env"), (".txt", "text")]
)
def test_an_ending_says_the_form(files, ending, form):
    put(files, f"acme/deep/pg{ending}", b"\xff\0v\n")
    assert files.fetch(ACME, "deep/pg", None) == Payload(b"\xff\0v\n", form)
    assert files.fetch(ALL, "deep/pg", None) is None
    assert files.fetch(ACME, "pg", None) is None
    assert files.warnings == []


def test_of_several_files_the_first_of_the_documented_counts(files):
    for ending in (".txt", ".env", ".json", ""):
        put(files, f"acme/pg{ending}", ending.encode())
        assert files.fetch(ACME, "pg", "3").content == ending.encode()


def test_where_a_file_would_be(files):
    assert files.place(ACME, "deep/pg") == f"files {files.directory}/acme/deep/pg"
    assert files.place(ALL, "pg") == f"files {files.directory}/global/pg"
    assert files.name == "files"


def test_a_directory_or_a_link_to_nothing_is_no_secret(files):
    (files.directory / "acme/pg").mkdir(parents=True)
    (files.directory / "acme/gone").symlink_to("nothing")
    assert files.fetch(ACME, "pg", None) is None
    assert files.fetch(ACME, "gone", None) is None


@pytest.mark.parametrize("target", ["../beta/pg", "../global/pg", "../outside"])
def test_a_link_out_of_the_tenants_directory_is_refused(files, target):
    for name in ("beta/pg", "global/pg", "outside"):
        put(files, name)
    link = files.directory / "acme/pg"
    link.parent.mkdir()
    link.symlink_to(target)
    with pytest.raises(SecretError) as caught:
        files.fetch(ACME, "pg", None)
    assert str(caught.value) == (
        f"{link} leads out of {files.directory}/acme: a secret lies in the directory of its tenant"
    )


@pytest.mark.parametrize("name", ["../beta/pg", "../acme2/pg", "deep/../../beta/pg"])
def test_a_name_that_climbs_out_is_refused(files, name):
    put(files, "beta/pg")
    put(files, "acme2/pg")
    put(files, "acme/deep/x")
    with pytest.raises(SecretError, match="leads out of"):
        files.fetch(ACME, name, None)


def test_links_within_are_followed_as_orchestrators_make_them(files):
    put(files, "acme/..2026_01/pg", b"mounted")
    (files.directory / "acme/..data").symlink_to("..2026_01")
    (files.directory / "acme/pg").symlink_to("..data/pg")
    assert files.fetch(ACME, "pg", None) == Payload(b"mounted", "auto")


@pytest.mark.parametrize(
    ("mode", "warned"), [(0o600, False), (0o660, False), (0o604, True), (0o601, True), (0o644, True)]
)
def test_a_file_for_everybody_is_warned_of_and_read(files, mode, warned):
    path = put(files, "acme/pg", b"v", mode)
    assert files.fetch(ACME, "pg", None) == Payload(b"v")
    assert files.warnings == ([f"{path} can be read by everybody: chmod 600 it"] if warned else [])


def test_a_file_that_cannot_be_read_is_an_error_with_its_place(files, monkeypatch):
    path = put(files, "acme/pg")
    monkeypatch.setattr(type(path), "read_bytes", lambda self: os.read(-1, 1))
    with pytest.raises(SecretError) as caught:
        files.fetch(ACME, "pg", None)
    assert str(caught.value) == f"{path}: the secret cannot be read: Bad file descriptor"
