"""Connectors of the project itself, from directories and wheels: entered and locked for others too."""

from __future__ import annotations

import shutil

import pytest
import yaml
from dativo.connectors.install import Connectors
from dativo.connectors.installers import find_installer
from dativo.connectors.registry import load_registry
from dativo.errors import InstallError
from dativo.home import Home

from runner.tests.wheels import make_wheel

BUILD = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """
import pathlib, shutil

def build_wheel(directory, *_):
    [wheel] = pathlib.Path("made").glob("*.whl")
    return shutil.copy(wheel, directory).rpartition("/")[2]
"""


class Here:
    """A project that holds the sources of a connector."""

    def __init__(self, directory):
        self.directory = directory

    def connectors(self):
        own = self.directory / "connectors.yaml"
        registry = load_registry([own] if own.exists() else [])
        return Connectors(registry, Home(self.directory / ".dativo"), self.directory, find_installer())

    def install(self, what, **options):
        return self.connectors().install(str(what), **options)

    def write(self, version, **options):
        """The sources of `tap-own`, in a version."""
        source = self.directory / "tap-own"
        shutil.rmtree(source, ignore_errors=True)
        make_wheel(source / "made", "tap-own", version, **options)
        (source / "pyproject.toml").write_text(f'{BUILD}[project]\nname = "tap-own"\nversion = "{version}"\n')
        (source / "backend.py").write_text(BACKEND)
        return source


@pytest.fixture
def here(tmp_path, monkeypatch):
    directory = tmp_path / "a project"
    directory.mkdir()
    monkeypatch.setenv("UV_OFFLINE", "1")
    return Here(directory)


def test_a_directory_is_entered_by_its_place_in_the_project(here):
    done = here.install(here.write("1.0"))
    text = (here.directory / "connectors.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=.dativo/schemas/registry.schema.json\n")
    assert (here.directory / ".dativo/schemas/registry.schema.json").is_file()
    [entry] = yaml.safe_load(text)["connectors"]
    assert (entry["source"], entry["requirement"]) == ("path", "./tap-own")
    assert str(here.directory) not in done.lock_file.read_text()


def test_what_lies_in_the_directory_now_is_installed_by_an_update_alone(here):
    here.install(here.write("1.0"))
    here.write("1.1")
    assert here.install("tap-own").installed.version == "1.0"
    assert here.install("tap-own", upgrade=True).installed.version == "1.1"
    assert here.install("tap-own@1.0").installed.version == "1.0"


def test_a_clone_of_the_project_builds_what_is_locked(here, tmp_path):
    here.install(here.write("1.0"))
    clone = Here(tmp_path / "clone")
    shutil.copytree(here.directory, clone.directory, ignore=shutil.ignore_patterns(".dativo"))
    [lock] = clone.connectors().locks
    done = clone.connectors().restore(lock)
    assert done.installed.executable.startswith(str(clone.directory))
    assert clone.install("tap-own").seconds == 0


def test_other_sources_of_the_locked_version_are_refused(here):
    done = here.install(here.write("1.0"))
    shutil.rmtree(here.directory / ".dativo")
    here.write("1.0", source="def main(): print('somebody else')")
    with pytest.raises(InstallError, match=r"(?i)hash"):
        here.connectors().restore(done.lock)


def test_a_version_that_the_directory_does_not_have_is_refused(here):
    here.install(here.write("1.0"))
    with pytest.raises(InstallError, match=r"tap-own@2 is wanted, and \./tap-own is version 1\.0"):
        here.install("tap-own@2")


def test_a_wheel_of_the_project_serves_its_clones(here, tmp_path):
    wheel = make_wheel(here.directory / "dist", "tap-own", "1.0")
    here.install(wheel)
    [entry] = yaml.safe_load((here.directory / "connectors.yaml").read_text())["connectors"]
    assert (entry["source"], entry["requirement"]) == ("wheel", "./dist/tap_own-1.0-py3-none-any.whl")
    clone = Here(tmp_path / "clone")
    here.directory.rename(clone.directory)
    shutil.rmtree(clone.directory / ".dativo")
    [lock] = clone.connectors().locks
    assert clone.connectors().restore(lock).installed.version == "1.0"
    assert clone.install("tap-own").seconds == 0


def test_the_description_is_the_summary_of_a_package_that_tells_nothing_else(here):
    source = "def main(): print('usage: --config FILE --discover')"
    wheel = make_wheel(here.directory / "dist", "tap-own", "1.0", source=source, summary="Our own orders")
    here.install(wheel)
    [entry] = yaml.safe_load((here.directory / "connectors.yaml").read_text())["connectors"]
    assert entry["description"] == "Our own orders"
