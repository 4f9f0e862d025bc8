"""`list`, `show`, `install`, `update`, `remove` on a project with connectors that are there already."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner
from dativo.cli import cli
from dativo.connectors.lockfile import Lock, LockHead, Locks
from dativo.connectors.probe import AboutCache
from dativo.connectors.venvs import Installed, Venvs
from dativo.errors import ConnectorError, InstallError
from dativo.home import Home

SETTINGS = {
    "properties": {
        "url": {"type": "string", "description": "Where\nto ask."},
        "key": {"type": ["string", "null"], "secret": True},
        "pages": {"type": "integer", "default": 5, "description": "x" * 81},
    },
    "required": ["url"],
}


class There:
    """A project whose registry names tap-a (to be installed) and tap-b (a file beside it)."""

    def __init__(self, directory):
        self.directory = directory
        self.home = Home(directory / ".dativo")
        self.locks = Locks(directory / "connectors.lock")
        entries = [self._entry("tap-a", "tap-a"), self._entry("tap-b", "./tap-b", settings="b.json")]
        (directory / "connectors.yaml").write_text(yaml.safe_dump({"version": 1, "connectors": entries}))
        (directory / "b.json").write_text(json.dumps(SETTINGS))
        (directory / "dativo.yaml").write_text("version: 1\n")
        self._program(directory / "tap-b")

    @staticmethod
    def _entry(name, executable, **more):
        return {
            "name": name,
            "kind": "tap",
            "distribution": f"dist-{name}",
            "version": "1.0",
            "executable": executable,
            "description": f"Reads {name[-1]}",
            "maturity": "beta",
            "capabilities": ["catalog", "discover"],
            **more,
        }

    @staticmethod
    def _program(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\nexit 9\n")
        path.chmod(0o755)

    def lock(self, version, name="tap-a", **head):
        text = f"dist-{name}=={version} --hash=sha256:aa\nother==1 --hash=sha256:bb\n"
        made = Lock(LockHead(name, version, f"dist-{name}", f"dist-{name}", name, "", **head), text)
        self.locks.write(made)
        return made

    def install(self, version, name="tap-a"):
        """An environment as an installation leaves it, whose connector has been asked already."""
        lock, venvs = self.lock(version, name), Venvs(self.home.venvs)
        prefix = venvs.begin(name, version, lock.digest)
        for program in (name, "python"):
            self._program(prefix / "bin" / program)
        done = Installed(
            name, version, f"dist-{name}", str(prefix / "bin" / name), lock.digest, f"dist-{name}", "2026"
        )
        venvs.complete(done)
        answer = {"name": name, "version": version, "settings": SETTINGS, "capabilities": []}
        AboutCache(self.home.cache("about")).keep(prefix / "bin" / name, f"lock:{lock.digest}", answer)
        return prefix


@pytest.fixture
def there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATIVO_REGISTRY", raising=False)
    monkeypatch.setenv("UV_OFFLINE", "1")
    return There(tmp_path)


def say(*arguments):
    done = CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def listed(*arguments):
    return {each["name"]: each["installed"] for each in json.loads(say("list", "--json", *arguments))}


def test_the_list_says_in_which_versions_each_is_here(there):
    there.install("1.0")
    there.install("1.2")
    rows = {line.split()[0]: line.split() for line in say("list").splitlines()}
    assert rows["tap-a"] == ["tap-a", "tap", "1.0", "beta", "1.0,", "1.2", "Reads", "a"]
    assert rows["tap-b"][4] == "yes"
    found = listed()
    assert (found["tap-a"], found["tap-b"]) == (["1.0", "1.2"], True)
    assert "tap-csv" in found


def test_only_those_that_can_be_used(there):
    assert "tap-a" in listed()
    only = listed("--installed")
    assert "tap-a" not in only
    assert only["tap-b"] is True


def test_one_in_the_place_of_another_is_said_below(there):
    text = (there.directory / "connectors.yaml").read_text().replace("tap-b", "tap-csv")
    (there.directory / "connectors.yaml").write_text(text)
    last = say("list").splitlines()[-1]
    assert last.startswith("tap-csv takes the place of the one in /")


def test_what_is_known_of_one_that_is_not_installed(there):
    there.lock("1.2")
    lines = say("show", "tap-b").splitlines()
    assert lines[:5] == [
        "name          tap-b",
        "kind          tap",
        "description   Reads b",
        "distribution  dist-tap-b",
        "version       1.0",
    ]
    assert lines[-4:] == [
        "setting  type             required  default  what it says",
        "url      string           yes                Where to ask.",
        "key      string (secret)",
        f"pages    integer                    5        {'x' * 79}…",
    ]
    found = json.loads(say("show", "tap-a", "--json"))
    assert (found["installed"], found["locked"], found["settings"]) == (False, ["1.2"], None)
    assert found["missing"].startswith("tap-a@1.2 is locked but not installed here: dativo install tap-a@1.2")


def test_what_is_known_of_one_version(there):
    prefix = there.install("1.0")
    there.install("2.0")
    found = json.loads(say("show", "tap-a@1.0", "--json"))
    assert [(each["version"], each["whole"]) for each in found["installed"]] == [("1.0", True)]
    assert (found["locked"], found["settings"]) == (["1.0", "2.0"], SETTINGS)
    assert f"installed     1.0 {prefix}/bin/tap-a" in say("show", "tap-a@1.0").splitlines()
    (prefix / "bin/python").unlink()
    broken = f"installed     1.0 (broken: install it again) {prefix}/bin/tap-a"
    assert broken in say("show", "tap-a@1.0").splitlines()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tap-aa", "no connector 'tap-aa' in the registry; did you mean 'tap-a'?"),
        ("tap-a@", "'tap-a@' has no version after the @"),
    ],
)
def test_one_that_nobody_knows(there, name, said):
    with pytest.raises(ConnectorError) as caught:
        say("show", name)
    assert said in str(caught.value)


def test_what_is_locked_and_there_is_not_installed_again(there):
    there.install("1.0")
    there.install("1.2")
    told = "2 packages locked, installed already (connectors.lock/tap-a@{0}.txt)"
    assert say("install").splitlines() == [f"tap-a {each}: {told.format(each)}" for each in ("1.0", "1.2")]
    assert say("install", "tap-a") == f"tap-a 1.2: {told.format('1.2')}\n"
    assert say("install", "tap-a@1.0") == f"tap-a 1.0: {told.format('1.0')}\n"
    assert say("install", "--all").count("installed already") == 2


def test_nothing_is_locked(there):
    assert say("install") == ""
    assert say("update") == ""


def test_one_that_cannot_be_restored_does_not_keep_others_away(there, capsys):
    there.lock("0.1", platform="plan9-vax")
    there.lock("0.2", platform="plan9-vax")
    there.install("1.0")
    done = CliRunner().invoke(cli, ["install"], standalone_mode=False)
    assert isinstance(done.exception, InstallError)
    assert done.output.splitlines() == [
        "tap-a 1.0: 2 packages locked, installed already (connectors.lock/tap-a@1.0.txt)"
    ]
    first, second = str(done.exception).splitlines()
    assert first.startswith("the lock of tap-a 0.1 was made by pip for plan9-vax, this is ")
    assert second.endswith("dativo install tap-a@0.2 --upgrade, or lock with uv")


@pytest.mark.parametrize(
    ("locked", "names", "said"),
    [
        ([], ["tap-a"], "tap-a: not locked here (locked: nothing): dativo install it first"),
        (
            ["tap-b", "tap-a"],
            ["tap-a", "tap-x", "tap-y"],
            "tap-x, tap-y: not locked here (locked: tap-a, tap-b): dativo install it first",
        ),
    ],
)
def test_only_what_is_locked_can_be_updated(there, locked, names, said):
    for name in locked:
        there.lock("1.0", name)
    with pytest.raises(InstallError) as caught:
        say("update", *names)
    assert str(caught.value) == said


def test_a_version_is_removed_with_its_lock(there):
    gone, kept = there.install("1.0"), there.install("1.2")
    assert say("remove", "tap-a@1.0") == "tap-a 1.0: removed\n"
    assert not gone.exists()
    assert kept.is_dir()
    assert [lock.head.version for lock in there.locks] == ["1.2"]


def test_a_lock_alone_is_removed_too(there):
    there.lock("1.0")
    assert say("remove", "tap-a@1.0") == "tap-a 1.0: removed\n"
    assert list(there.locks) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tap-a", "name the version to remove; installed: tap-a@1.0, tap-a@1.2"),
        ("tap-a@1", "name the version to remove; installed: tap-a@1.0, tap-a@1.2"),
        ("tap-b@1.0", "name the version to remove; installed: nothing"),
        ("tap-a@../x", "'tap-a@../x' has no version after the @"),
    ],
)
def test_only_a_whole_version_is_removed(there, name, said):
    there.install("1.0")
    there.lock("1.2")
    with pytest.raises(InstallError) as caught:
        say("remove", name)
    assert said in str(caught.value)
    assert listed()["tap-a"] == ["1.0"]
    assert len(list(there.locks)) == 2
