"""Installing: environments, locks with hashes, and what may and may not be started from them (R5 R12 R28)."""

from __future__ import annotations

import json
import subprocess
import zipfile

import pytest
import yaml
from dativo.connectors.install import Connectors
from dativo.connectors.installers import Pip, Uv, find_installer
from dativo.connectors.lockfile import Locks, read_lock
from dativo.connectors.programs import resolve
from dativo.connectors.registry import load_registry
from dativo.connectors.settings import settings_of
from dativo.connectors.versions import Spec
from dativo.errors import ConnectorError, InstallError
from dativo.home import Home

from runner.tests.wheels import SETTINGS, make_wheel


class Here:
    """A project in a directory, and what is installed in it."""

    def __init__(self, directory):
        self.directory = directory
        self.home = Home(directory / ".dativo")
        self.locks = directory / "connectors.lock"

    @property
    def registry(self):
        own = self.directory / "connectors.yaml"
        return load_registry([own] if own.exists() else [])

    def connectors(self, installer=None):
        return Connectors(self.registry, self.home, self.directory, installer or find_installer())

    def install(self, what, **options):
        return self.connectors().install(str(what), **options)

    def resolve(self, text, kind="tap"):
        return resolve(text, kind, self.registry, self.home)


@pytest.fixture
def here(tmp_path, monkeypatch):
    directory = tmp_path / "project"
    directory.mkdir()
    monkeypatch.setenv("UV_OFFLINE", "1")
    return Here(directory)


@pytest.fixture
def wheels(tmp_path):
    return tmp_path / "wheels"


def test_a_wheel_is_installed_locked_entered_and_resolved(here, wheels):
    wheel = make_wheel(wheels, "tap-tiny", "1.2.3")
    done = here.install(wheel)
    assert (done.installed.name, done.installed.version, done.lock.packages) == ("tap-tiny", "1.2.3", 1)
    assert done.lock_file == here.locks / "tap-tiny@1.2.3.txt"
    assert "--hash=sha256:" in done.lock.text
    program = here.resolve("tap-tiny")
    assert (program.version, program.origin) == ("1.2.3", "lock")
    assert program.fingerprint == f"lock:{done.lock.digest}"
    said = subprocess.run(
        [program.executable, "--version"], check=True, capture_output=True, text=True
    ).stdout
    assert said == "tap-tiny 1.2.3\n"
    [entry] = yaml.safe_load((here.directory / "connectors.yaml").read_text())["connectors"]
    assert entry["capabilities"] == ["about", "discover", "catalog"]
    assert entry["secret_settings"] == ["auth.key"]
    assert (entry["kind"], entry["source"], entry["requirement"]) == ("tap", "wheel", str(wheel))
    assert settings_of(program, here.home) == SETTINGS


def test_installing_again_does_nothing_and_a_lost_environment_comes_back_from_the_lock(here, wheels):
    first = here.install(make_wheel(wheels, "tap-tiny", "1.0"))
    assert here.install(wheels / "tap_tiny-1.0-py3-none-any.whl").seconds == 0
    here.connectors().venvs.remove(first.installed)
    with pytest.raises(LookupError, match=r"tap-tiny@1\.0 is locked but not installed here: dativo install"):
        here.resolve("tap-tiny")
    [lock] = here.connectors().locks
    again = here.connectors().restore(lock)
    assert again.installed.executable == first.installed.executable
    assert here.resolve("tap-tiny").executable.exists()


def test_a_file_that_is_not_the_one_locked_is_refused(here, wheels):
    done = here.install(make_wheel(wheels, "tap-tiny", "1.0"))
    here.connectors().venvs.remove(done.installed)
    make_wheel(wheels, "tap-tiny", "1.0", source="def main(): print('somebody else')")
    with pytest.raises(InstallError, match=r"(?i)hash"):
        here.connectors().restore(read_lock(done.lock_file))
    assert list(here.home.venvs.glob("tap-tiny/1.0-*")) == []


def test_a_name_with_a_version_means_the_newest_that_begins_so(here, wheels):
    for version in ("1.1", "1.2.0", "1.2.10", "2.0"):
        here.install(make_wheel(wheels, "tap-tiny", version))
    assert here.resolve("tap-tiny@1.2").version == "1.2.10"
    assert here.resolve("tap-tiny@1").version == "1.2.10"
    assert here.resolve("tap-tiny").version == "2.0"
    with pytest.raises(
        LookupError,
        match=r"tap-tiny@3 is not installed, tap-tiny is here in version 1\.1: dativo install tap-tiny@3",
    ):
        here.resolve("tap-tiny@3")


def test_an_environment_whose_python_is_gone_is_said_to_be_broken(here, wheels):
    done = here.install(make_wheel(wheels, "tap-tiny", "1.0"))
    for python in done.installed.prefix.glob("bin/python*"):
        python.unlink()
    with pytest.raises(LookupError, match="its environment is broken: dativo install"):
        here.resolve("tap-tiny")
    assert here.install(wheels / "tap_tiny-1.0-py3-none-any.whl").seconds > 0
    assert here.resolve("tap-tiny").version == "1.0"


def test_removing_takes_environment_and_lock_away(here, wheels):
    here.install(make_wheel(wheels, "tap-tiny", "1.0"))
    assert [each.version for each in here.connectors().remove("tap-tiny", "1.0")] == ["1.0"]
    assert list(here.connectors().venvs) == []
    assert Locks(here.locks).find(Spec("tap-tiny")) is None


def test_pip_does_the_same_where_there_is_no_uv(here, wheels):
    wheel = make_wheel(wheels, "target-tiny", "0.1")
    done = here.connectors(Pip()).install(str(wheel))
    assert done.lock.head.platform is not None
    assert here.resolve("target-tiny", "target").version == "0.1"
    make_wheel(wheels, "target-tiny", "0.1", source="def main(): print('somebody else')")
    here.connectors().venvs.remove(done.installed)
    with pytest.raises(InstallError, match=r"(?i)do not match the hashes"):
        here.connectors(Pip()).restore(read_lock(done.lock_file))


def test_a_directory_is_built_first(here, tmp_path, monkeypatch):
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "tap-built"\nversion = "0.3"\n'
    )
    wheel = make_wheel(tmp_path / "made", "tap-built", "0.3")
    (source / "backend.py").write_text(
        "import shutil\n"
        f"def build_wheel(directory, *_): return shutil.copy({str(wheel)!r}, directory).rpartition('/')[2]\n"
    )
    done = here.install(source)
    assert (done.installed.name, done.installed.version) == ("tap-built", "0.3")
    assert here.resolve("tap-built@0.3").executable.exists()


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        (("tap-one", "tap-two"), "brings several programs"),
        (("one", "two"), "brings several programs"),
    ],
)
def test_a_package_with_several_programs_needs_an_entry(here, wheels, scripts, message):
    with pytest.raises(InstallError, match=message):
        here.install(make_wheel(wheels, "connectors-tiny", "1.0", scripts=scripts))


def test_a_package_of_another_name_than_its_program_is_known_by_its_program(here, wheels):
    done = here.install(make_wheel(wheels, "acme-tap-tiny", "1.0", scripts=("tap-tiny", "helper")))
    assert (done.installed.name, done.installed.distribution) == ("tap-tiny", "acme-tap-tiny")


def test_what_is_no_connector_is_not_kept(here, wheels):
    with pytest.raises(ConnectorError, match=r"tap-mute is no Singer connector"):
        here.install(make_wheel(wheels, "tap-mute", "1.0", source="def main(): pass"))
    assert list(here.connectors().venvs) == []
    assert not (here.directory / "connectors.yaml").exists()


def test_a_connector_without_about_is_known_by_its_options(here, wheels):
    source = (
        "def main(): print('usage: tap-old --config FILE [--discover] [--properties FILE] [--state FILE]')"
    )
    about = here.install(make_wheel(wheels, "tap-old", "1.0", source=source)).about
    assert not about.answered
    assert about.capabilities == ("discover", "properties", "state")


def test_the_file_of_the_project_keeps_what_stands_in_it(here, wheels):
    own = here.directory / "connectors.yaml"
    here.install(make_wheel(wheels, "tap-one", "1.0"))
    own.write_text(own.read_text().replace("maturity: beta", "maturity: stable  # we know it"))
    here.install(make_wheel(wheels, "tap-two", "1.0"))
    assert "maturity: stable  # we know it" in own.read_text()
    assert [each.connector.name for each in here.registry] == ["tap-one", "tap-two"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("./nowhere.whl", "is not there"),
        ("./wheels", "holds no Python project|is not there"),
        ("tap x", "is no name of a connector"),
        ("tap-x@", "no version after the @"),
    ],
)
def test_what_cannot_be_installed_is_said(here, text, message):
    with pytest.raises(InstallError, match=message):
        here.install(text)


def test_a_file_that_is_no_wheel(here, wheels):
    wheels.mkdir()
    (wheels / "tap_x-1.0-py3-none-any.whl").write_text("not a zip")
    with pytest.raises(InstallError, match="cannot be read as a wheel"):
        here.install(wheels / "tap_x-1.0-py3-none-any.whl")


def test_a_lock_that_is_none_is_named(here):
    here.locks.mkdir()
    (here.locks / "tap-x@1.0.txt").write_text("attrs==1.0\n")
    with pytest.raises(InstallError, match=r"tap-x@1\.0\.txt is no lock of dativo"):
        list(here.connectors().locks)


def test_passwords_of_an_index_are_not_shown(here):
    with pytest.raises(InstallError) as caught:
        Uv(find_installer().program).lock(
            "nowhere @ https://user:hunter2@127.0.0.1:9/nowhere-1.0-py3-none-any.whl", None
        )
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_answers_are_kept_until_the_executable_changes(tmp_path):
    from dativo.connectors.probe import AboutCache

    executable = tmp_path / "tap-x"
    calls = tmp_path / "calls"
    script = '#!/bin/sh\necho called >> {calls}\necho \'{{"name": "{name}", "capabilities": []}}\'\n'
    cache = AboutCache(tmp_path / "cache")
    for name in ("one", "other-name"):
        executable.write_text(script.format(calls=calls, name=name))
        executable.chmod(0o755)
        assert cache.about(executable).name == name
        assert cache.about(executable).name == name
    assert calls.read_text().splitlines() == ["called", "called"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "cache").iterdir()} == {0o600}


def test_the_entry_points_of_a_wheel_are_read_from_it(wheels):
    from dativo.connectors.packages import scripts_in_wheel

    wheel = make_wheel(wheels, "tap-x", "1.0", scripts=("tap-x", "Tap-Y"))
    assert scripts_in_wheel(wheel) == ["tap-x", "Tap-Y"]
    with zipfile.ZipFile(wheels / "bare.whl", "w") as archive:
        archive.writestr("x.py", "")
    assert scripts_in_wheel(wheels / "bare.whl") == []


def test_commands_install_list_show_remove(project, wheels):
    wheel = make_wheel(wheels, "tap-tiny", "1.2.3")

    def say(*arguments):
        done = project.dativo(*arguments, cwd=project.directory)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "tap-tiny 1.2.3: 1 package locked, installed in" in say("install", wheel)
    assert "(connectors.lock/tap-tiny@1.2.3.txt)" in say("install", wheel)
    assert "installed already" in say("install")
    [row] = [each for each in json.loads(say("list", "--json")) if each["name"] == "tap-tiny"]
    assert row["installed"] == ["1.2.3"]
    shown = say("show", "tap-tiny")
    assert "url      string  yes" in shown
    assert "tap-tiny-" not in shown
    assert say("remove", "tap-tiny@1.2.3") == "tap-tiny 1.2.3: removed\n"
    refused = project.dativo("remove", "tap-tiny", cwd=project.directory)
    assert (refused.returncode, refused.stderr) == (
        1,
        "dativo: name the version to remove; installed: nothing\n",
    )
