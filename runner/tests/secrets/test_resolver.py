"""Secrets of one tenant: its own first, those of all next, another's never."""

from __future__ import annotations

import os
import threading

import pytest
from dativo.errors import SecretError, SecretMissing
from dativo.jobs.project import find_project
from dativo.jobs.references import Variables
from dativo.secrets.backends import Payload
from dativo.secrets.env import EnvBackend
from dativo.secrets.files import FileBackend
from dativo.secrets.resolver import Secrets, UsedSecret, open_secrets
from dativo.secrets.scope import Scope


def text(written):
    return Variables({}).expand(written)


def secrets(tenant="acme", **variables):
    return Secrets(
        tenant, [EnvBackend({f"DATIVO_SECRET__{name}": value for name, value in variables.items()})]
    )


def test_the_tenants_comes_before_that_of_all():
    both = {"ACME__PG": "acme-value", "GLOBAL__PG": "global-value", "BETA__PG": "beta-value"}
    assert secrets("acme", **both).resolve(text("${secret:pg}")) == "acme-value"
    assert secrets("gamma", **both).resolve(text("${secret:pg}")) == "global-value"
    assert secrets(None, **both).resolve(text("${secret:pg}")) == "global-value"


def test_another_tenants_is_never_looked_into():
    asked = []

    class Recorder:
        name = "recorder"

        def place(self, scope, name):
            return f"recorder {scope}/{name}"

        def fetch(self, scope, name, version):
            asked.append(str(scope))

    with pytest.raises(SecretMissing) as caught:
        Secrets("acme", [Recorder(), EnvBackend({})]).resolve(text("${secret:pg}"))
    assert asked == ["acme", "global"]
    assert str(caught.value) == (
        "no secret pg for tenant acme (looked in recorder acme/pg, recorder global/pg; "
        "env DATIVO_SECRET__ACME__PG, env DATIVO_SECRET__GLOBAL__PG)"
    )


def test_a_reference_alone_is_the_payload_and_inside_a_text_its_text():
    found = secrets(ACME__PG='{"password": "p w", "port": 5432, "tls": true, "deep": {"a": 1}}')
    assert found.resolve(text("${secret:pg}")) == {
        "password": "p w",
        "port": 5432,
        "tls": True,
        "deep": {"a": 1},
    }
    assert found.resolve(text("${secret:pg#port}")) == 5432
    assert found.resolve(text("postgresql://u:${secret:pg#password}@h:${secret:pg#port}/x")) == (
        "postgresql://u:p w@h:5432/x"
    )
    with pytest.raises(
        SecretMissing, match=r"the secret pg is an object; say which field of it: \$\{secret:pg#FIELD"
    ):
        found.resolve(text("x${secret:pg}"))


def test_a_field_that_is_not_there_is_named_with_those_that_are():
    found = secrets(ACME__PG='{"host": "h", "password": "hunter2", "user": "u"}', ACME__T="hunter2")
    with pytest.raises(SecretMissing) as caught:
        found.resolve(text("${secret:pg#pasword}"))
    assert str(caught.value) == (
        "${secret:pg#pasword}: the secret pg has no field pasword (it has host, password, user)"
    )
    with pytest.raises(SecretMissing, match="the secret t is a text, it has no fields"):
        found.resolve(text("${secret:t#x}"))


def test_what_was_used_is_known_by_name_and_its_values_for_hiding():
    found = secrets(
        ACME__PG='{"password": "hunter2", "n": 12345, "l": ["in list", null, true]}', GLOBAL__T="tok"
    )
    found.resolve(text("${secret:pg#password} ${secret:t}"))
    assert found.used == [UsedSecret("pg", "env", "acme"), UsedSecret("t", "env", "global")]
    assert [str(each) for each in found.used] == ["pg ← env (tenant)", "t ← env (global)"]
    assert {"hunter2", "12345", "in list", "tok"} <= set(found.values)
    assert "hunter2" not in repr(found.used)


def test_each_is_fetched_once_and_all_at_once():
    together = threading.Barrier(2, timeout=30)
    fetched = []

    class Slow:
        name = "slow"

        def place(self, scope, name):
            return name

        def fetch(self, scope, name, version):
            fetched.append((name, version))
            together.wait()
            return Payload(f"{name}-{version}")

    found = Secrets(None, [Slow()])
    one, two = text("${secret:a}"), text("${secret:b@3}")
    found.fetch([*one.refs, *two.refs, *one.refs])
    assert (found.resolve(one), found.resolve(two)) == ("a-None", "b-3")
    assert sorted(fetched) == [("a", None), ("b", "3")]


# --- environment


@pytest.mark.parametrize(("suffix", "value"), [("", {"a": 1}), ("__json", {"a": 1}), ("__TEXT", '{"a": 1}')])
def test_a_suffix_of_the_variable_says_how_to_read_it(suffix, value):
    assert secrets(**{f"ACME__PG{suffix}": '{"a": 1}'}).resolve(text("${secret:pg}")) == value


def test_names_become_variables():
    found = secrets("a-c.me", A_C_ME__DB_MAIN_PASSWORD="x1")
    assert found.resolve(text("${secret:db/main.password}")) == "x1"


def test_a_tenant_that_could_be_taken_for_another_with_a_name_has_none():
    with pytest.raises(SecretError, match="`__` joins names"):
        secrets("a__b", A__B__X="1").resolve(text("${secret:x}"))


def test_what_cannot_be_read_is_named_and_not_shown():
    with pytest.raises(SecretError) as caught:
        secrets(ACME__PG__json="hunter2").resolve(text("${secret:pg}"))
    assert str(caught.value) == "env DATIVO_SECRET__ACME__PG: the secret cannot be read: it is not JSON"


# --- files


@pytest.fixture
def directory(tmp_path):
    for name, content in {
        "acme/pg.json": '{"password": "acme-file"}',
        "acme/deep/er": "below\n",
        "global/pg.env": "A=1\nB=2\n",
        "beta/pg.txt": "beta-file",
    }.items():
        path = tmp_path / "secrets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o600)
    return tmp_path / "secrets"


def test_files_by_tenant_and_name(directory):
    found = Secrets("acme", [FileBackend(directory)])
    assert found.resolve(text("${secret:pg#password}")) == "acme-file"
    assert found.resolve(text("${secret:deep/er}")) == "below"
    assert Secrets("gamma", [FileBackend(directory)]).resolve(text("${secret:pg}")) == {"A": "1", "B": "2"}


def test_a_link_to_another_tenants_file_is_refused(directory):
    (directory / "acme/mine").symlink_to("../beta/pg.txt")
    (directory / "acme/inside").symlink_to("pg.json")
    found = Secrets("acme", [FileBackend(directory)])
    with pytest.raises(SecretError, match="leads out of"):
        found.resolve(text("${secret:mine}"))
    assert found.resolve(text("${secret:inside}")) == {"password": "acme-file"}


def test_a_file_that_everybody_can_read_is_told_of(directory):
    (directory / "acme/pg.json").chmod(0o644)
    found = Secrets("acme", [FileBackend(directory)])
    found.resolve(text("${secret:pg}"))
    found.resolve(text("${secret:deep/er}"))
    assert found.warnings == [f"{directory}/acme/pg.json can be read by everybody: chmod 600 it"]


# --- the project says which


def test_the_project_names_the_backends_and_a_tenant_its_own(tmp_path, directory):
    (tmp_path / "dativo.yaml").write_text(
        "version: 1\nsecrets: [{backend: env}, {backend: files}]\n"
        "tenants: {beta: {secrets: [{backend: files, dir: secrets}]}}\n"
    )
    project = find_project(tmp_path, os.environ)
    environ = {"DATIVO_SECRET__GLOBAL__PG": "from-env"}
    assert open_secrets(project, "acme", environ).resolve(text("${secret:pg#password}")) == "acme-file"
    assert open_secrets(project, "gamma", environ).resolve(text("${secret:pg}")) == "from-env"
    assert open_secrets(project, "beta", environ).resolve(text("${secret:pg}")) == "beta-file"


# --- places


@pytest.mark.parametrize(
    ("template", "tenant", "name"),
    [
        ("{tenant}__{name}", "a__b", "c"),
        ("{tenant}__{name}", "a", "b__c"),
        ("{tenant}-{name}", "a-b", "c"),
        ("{tenant}{name}", "a", "b"),
    ],
)
def test_two_pairs_never_meet_in_one_place(template, tenant, name):
    with pytest.raises(SecretError, match="which joins them"):
        Scope(tenant).place(template, name)


def test_a_place_is_the_template_filled_in():
    assert Scope("acme").place("x/{tenant}/{name}", "a/b") == "x/acme/a/b"
    assert Scope(None).place("{tenant}__{name}", "b") == "global__b"
