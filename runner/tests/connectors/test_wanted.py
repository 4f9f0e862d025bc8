"""What an argument of `dativo install` means, and what is entered in the project's registry for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml
from dativo.connectors.entry import Connector
from dativo.connectors.installers import Pip
from dativo.connectors.probe import About
from dativo.connectors.registry import load_registry
from dativo.connectors.user_registry import add_entry
from dativo.connectors.venvs import Installed
from dativo.connectors.versions import Spec
from dativo.connectors.wanted import is_path, wanted, wheel_of
from dativo.errors import InstallError
from dativo.home import Home

from runner.tests.wheels import make_wheel

ENTRY = {
    "name": "tap-x",
    "kind": "tap",
    "distribution": "Meltano.Tap_X",
    "version": "1.0",
    "executable": "tap-the-x",
    "description": "X",
    "maturity": "beta",
}


class Here:
    def __init__(self, directory):
        self.directory = directory
        self.home = Home(directory / ".dativo")

    def registry(self, **changes):
        file = self.directory / "registry.yaml"
        file.write_text(yaml.safe_dump({"version": 1, "connectors": [{**ENTRY, **changes}]}))
        return load_registry([file])

    def asks(self, text, **changes):
        """What is wanted; nothing of it is built or fetched."""
        return wanted(text, self.registry(**changes), Pip(), self.home)


@pytest.fixture
def here(tmp_path):
    return Here(tmp_path)


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("tap-x", "Meltano.Tap_X"),
        ("tap-x@1.2", "Meltano.Tap_X==1.2.*"),
        ("tap-x@2", "Meltano.Tap_X==2.*"),
        ("tap-x@1.2rc1", "Meltano.Tap_X==1.2rc1"),
        ("tap-x@1.2+local", "Meltano.Tap_X==1.2+local"),
    ],
)
def test_a_name_of_the_registry_means_its_package(here, text, requirement):
    found = here.asks(text)
    name, _, version = text.partition("@")
    assert found.spec == Spec(name, version or None)
    assert (found.distribution, found.requirement) == ("Meltano.Tap_X", requirement)
    assert found.scripts == ("tap-the-x", "tap-x")
    assert (found.entry.name, found.given) == ("tap-x", None)


@pytest.mark.parametrize(
    ("text", "requirement"), [("tap-x", "tap-x[all]>=1,<2"), ("tap-x@1.2", "Meltano.Tap_X==1.2.*")]
)
def test_the_requirement_of_an_entry_holds_unless_a_version_is_asked_for(here, text, requirement):
    assert here.asks(text, requirement="tap-x[all]>=1,<2").requirement == requirement


@pytest.mark.parametrize(
    ("text", "requirement"), [("tap-other", "tap-other"), ("tap-other@3.1", "tap-other==3.1.*")]
)
def test_a_name_that_nobody_has_listed_is_that_of_a_package(here, text, requirement):
    found = here.asks(text)
    assert (found.distribution, found.requirement, found.scripts, found.entry) == (
        "tap-other",
        requirement,
        ("tap-other",),
        None,
    )


@pytest.mark.parametrize("text", ["", "-r", "--index-url=x", "tap x", "tap-x[extra]", "tap;rm", "täp", ".x"])
def test_what_could_be_an_option_or_more_is_no_name(here, text):
    with pytest.raises(InstallError) as error:
        here.asks(text)
    assert str(error.value) == f"{text!r} is no name of a connector"


@pytest.mark.parametrize("text", ["tap-x@", "tap-x@ 1", "tap-x@1.0;x", "tap-x@>=1"])
def test_a_version_that_is_none_is_said(here, text):
    with pytest.raises(InstallError) as error:
        here.asks(text)
    assert str(error.value) == (f"{text!r} has no version after the @: write tap-x@1.2, or tap-x for any")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tap-x", False),
        ("tap-x@1.2", False),
        ("./tap-x", True),
        ("/srv/tap-x", True),
        ("~/tap-x", True),
        ("tap_x-1.0-py3-none-any.whl", True),
        ("tap-x.zip", False),
    ],
)
def test_what_is_taken_for_a_path(text, path):
    assert is_path(text) is path


def test_a_wheel_is_known_by_what_is_in_it(here):
    wheel = make_wheel(here.directory / "made here", "tap-own", "1.5")
    found = here.asks(str(wheel))
    assert (found.spec, found.distribution, found.scripts) == (
        Spec("tap-own", "1.5"),
        "tap-own",
        ("tap-own",),
    )
    assert found.requirement == f"tap-own @ {wheel.as_uri()}"
    assert "%20" in found.requirement
    assert wheel_of(found.requirement) == found.given == wheel


def test_home_is_meant_by_its_sign(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here.directory))
    wheel = make_wheel(here.directory, "tap-own", "1.5")
    assert here.asks(f"~/{wheel.name}").given == wheel


def test_a_path_that_is_not_there(here):
    path = here.directory / "gone"
    with pytest.raises(InstallError) as error:
        here.asks(str(path))
    assert str(error.value) == (
        f"{path} is not there: give a wheel, a directory with a pyproject.toml, or a name"
    )


def test_a_directory_without_a_project(here):
    with pytest.raises(InstallError) as error:
        here.asks(str(here.directory))
    assert str(error.value) == f"{here.directory} holds no Python project (no pyproject.toml, no setup.py)"


@pytest.mark.parametrize("text", ["tap-x", "tap-x@1", "tap-x@1.5"])
def test_an_entry_of_the_project_is_taken_from_beside_the_registry(here, monkeypatch, text):
    wheel = make_wheel(here.directory / "wheels", "tap-x", "1.5")
    monkeypatch.chdir("/")
    found = here.asks(text, source="wheel", requirement=f"wheels/{wheel.name}")
    assert str(found.spec) == text
    assert (found.distribution, found.requirement) == ("tap-x", f"tap-x @ {wheel.as_uri()}")
    assert (found.scripts, found.entry.source) == (("tap-the-x", "tap-x"), "wheel")


def test_another_version_than_lies_there_is_refused_with_what_to_do(here):
    wheel = make_wheel(here.directory, "tap-x", "1.50")
    with pytest.raises(InstallError) as error:
        here.asks("tap-x@1.5", source="wheel", requirement=wheel.name)
    assert str(error.value) == (
        f"tap-x@1.5 is wanted, and {wheel.name} is version 1.50: put that version there, or dativo install "
        "tap-x --upgrade"
    )


@pytest.mark.parametrize(
    ("changes", "source"),
    [({"requirement": "a", "path": "b"}, "a"), ({"path": "b"}, "b"), ({}, "Meltano.Tap_X")],
)
def test_an_entry_says_where_its_source_is(here, changes, source):
    with pytest.raises(InstallError, match=f"^{here.directory}/{source} is not there"):
        here.asks("tap-x", source="path", **changes)


INSTALLED = Installed("tap-own", "1.5", "tap-own-package", "/venvs/tap-own/bin/tap-own-run", "ab", "", "")
ABOUT = About("tap-own", "1.5", "Reads  our\n own.", ("about", "state"), None, answered=True)


def entered(file, installed=INSTALLED, about=ABOUT, given=None):
    """The last entry of the file as it is read."""
    assert add_entry(file, installed, about, given, "s.json") == file
    return yaml.safe_load(file.read_text())["connectors"][-1]


def test_an_entry_says_what_is_known(tmp_path):
    assert entered(tmp_path / "connectors.yaml") == {
        "name": "tap-own",
        "kind": "tap",
        "distribution": "tap-own-package",
        "version": "1.5",
        "executable": "tap-own-run",
        "description": "Reads our own.",
        "maturity": "beta",
        "capabilities": ["about", "state"],
    }


@pytest.mark.parametrize(("name", "kind"), [("tap-a", "tap"), ("target-a", "target"), ("a-map", "mapper")])
def test_the_kind_is_guessed_by_the_name(tmp_path, name, kind):
    installed = Installed(name, "1", name, f"/v/bin/{name}", "", "", "")
    assert entered(tmp_path / "connectors.yaml", installed)["kind"] == kind


@pytest.mark.parametrize("description", [None, ""])
def test_who_says_nothing_of_itself_is_described_all_the_same(tmp_path, description):
    about = About(None, None, description, (), None, answered=False)
    entry = entered(tmp_path / "connectors.yaml", about=about)
    assert (entry["description"], entry["capabilities"]) == ("tap-own, as it was installed", [])


def test_secrets_are_entered_by_their_names(tmp_path):
    settings = {"properties": {"key": {"secret": True}, "auth": {"properties": {"pw": {"writeOnly": True}}}}}
    about = About(None, None, "X", (), settings, answered=True)
    assert entered(tmp_path / "connectors.yaml", about=about)["secret_settings"] == ["key", "auth.pw"]


@pytest.mark.parametrize(
    ("place", "source", "requirement"),
    [("tap", "path", "./tap"), ("deep/a.whl", "wheel", "./deep/a.whl"), ("../out", "path", "{}/out")],
)
def test_what_lies_in_the_project_is_entered_by_its_place_there(tmp_path, place, source, requirement):
    project = tmp_path / "project"
    given = Path(os.path.normpath(project / place))
    project.mkdir()
    if source == "path":
        given.mkdir(parents=True)
    entry = entered(project / "connectors.yaml", given=given)
    assert (entry["source"], entry["requirement"]) == (source, requirement.format(tmp_path))


def test_a_new_file_begins_with_what_it_is(tmp_path):
    file = tmp_path / "connectors.yaml"
    entered(file)
    head = file.read_text().splitlines()[:3]
    assert head[0] == "# yaml-language-server: $schema=s.json"
    assert head[1].startswith("# Connectors of this project")
    assert head[2].startswith("# guessed (kind, secret_settings, maturity) by hand.")


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_file_keeps_what_stands_in_it(tmp_path, end):
    file = tmp_path / "connectors.yaml"
    entered(file)
    before = file.read_text().rstrip("\n") + "  # of ours" + end
    file.write_text(before)
    other = Installed("target-ü", "2", "target-u", "/v/bin/target-u", "", "", "")
    with pytest.raises(InstallError):
        add_entry(file, other, ABOUT, None, "s.json")  # no name of a connector
    assert file.read_text() == before
    entered(file, Installed("target-u", "2", "target-u", "/v/bin/target-u", "", "", ""))
    assert file.read_text().startswith(before)
    assert [each["name"] for each in yaml.safe_load(file.read_text())["connectors"]] == [
        "tap-own",
        "target-u",
    ]


def test_a_file_that_was_made_for_nothing_is_gone_again(tmp_path):
    file = tmp_path / "connectors.yaml"
    bad = Installed("täp", "1", "tap", "/v/bin/tap", "", "", "")
    with pytest.raises(InstallError) as error:
        add_entry(file, bad, ABOUT, None, "s.json")
    said = str(error.value)
    assert said.startswith(f"täp is installed, but cannot be listed in {file} ({file}:")
    assert "add it by hand:\n  - name: täp\n    kind: mapper\n" in said
    assert not file.exists()


def test_what_an_entry_leaves_out(here):
    (entry,) = here.registry()
    connector = entry.connector
    assert type(connector) is Connector
    assert (connector.engine, connector.source, connector.network) == ("singer", "pypi", False)
    assert (connector.policy.tenants, connector.policy.modes) == (("*",), ("self_hosted", "cloud"))
    assert (connector.paths.read, connector.paths.write, connector.environment) == ((), (), ())
    assert not connector.can("recover")


def test_what_a_connector_can_is_what_its_entry_lists(here):
    (entry,) = here.registry(capabilities=["recover", "log-based"])
    assert entry.connector.can("recover")
    assert not entry.connector.can("log")


def test_a_wheel_that_moves_is_not_found_under_its_old_name(here):
    wheel = make_wheel(here.directory / "a", "tap-own", "1.5")
    shutil.move(wheel, here.directory / wheel.name)
    with pytest.raises(InstallError, match="is not there"):
        here.asks(str(wheel))
