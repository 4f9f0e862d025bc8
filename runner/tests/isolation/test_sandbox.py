"""`sandbox: strict`: what a connector in it cannot do, each time with the proof that outside of it it can."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from runner.tests.isolation.nobody import command_as, give_to, process_of, users

EXECUTABLES = Path(__file__).parents[1] / "executables"


@pytest.fixture
def place(project):
    """A project outside of /tmp, which a sandbox has an empty one of."""
    root = Path(tempfile.mkdtemp(dir="/var/tmp"))
    project.directory = root / "project"
    project.directory.mkdir()
    prisoner = root / "bin/tap-prisoner"
    prisoner.parent.mkdir()
    program = (EXECUTABLES / "tap_prisoner.py").read_text()
    prisoner.write_text(f"#!{sys.executable}\n{program}")
    prisoner.chmod(0o755)
    registry = {"version": 1, "connectors": [_entry("tap-prisoner", "tap", prisoner)]}
    registry["connectors"] += [
        _entry("target-lines", "target", EXECUTABLES / "target_lines.py"),
        _entry("tap-hog", "tap", _with_interpreter(EXECUTABLES / "tap_hog.py", root / "bin/tap-hog")),
    ]
    (project.directory / "registry.yaml").write_text(yaml.safe_dump(registry))
    yield root
    shutil.rmtree(root)


def _with_interpreter(source, path):
    path.write_text(f"#!{sys.executable}\n{source.read_text()}")
    path.chmod(0o755)
    return path


def _entry(name, kind, executable):
    described = {"distribution": name, "version": "1", "description": "For tests", "maturity": "alpha"}
    return {"name": name, "kind": kind, "executable": str(executable), **described}


@pytest.fixture
def user():
    """Who runs it; a test may name another."""
    return users()[0]


@pytest.fixture
def tried(project, place, user):
    """Lets the tap try things; what came of each."""
    project.runs_as = command_as(user)
    temporary = place / "tmp"
    temporary.mkdir()
    project.environ |= {"TMPDIR": str(temporary), "HOME": str(place / "home")}

    def tried(sandbox, tries, **source):
        source = {"connector": "tap-prisoner", "config": {"tries": tries}, "sandbox": sandbox, **source}
        job = project.job([], source=source)
        give_to(user, place)
        done = project.dativo("run", job)
        assert done.returncode == 0, done.stderr
        assert project.loaded.stat().st_uid == process_of(user).get("user", os.geteuid())
        lines = (project.loaded / "tries.jsonl").read_text().splitlines()
        shutil.rmtree(project.loaded)
        return {record["id"]: record["result"] for record in map(json.loads, lines)}

    return tried


@pytest.fixture
def bystander(user):
    """A process of the same user that has a secret in its environment."""
    environ = {"KEY": "s3cret"}
    with subprocess.Popen(["/usr/bin/env", "sleep", "300"], env=environ, **process_of(user)) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


@pytest.fixture
def abstract_listener():
    name = f"dativo-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        yield name


@pytest.fixture
def socket_file(place):
    path = str(place / "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        yield path


@pytest.mark.parametrize("user", users())
def test_it_reaches_nothing_of_the_machine_and_of_others(
    tried, place, user, bystander, listener, abstract_listener, socket_file
):
    secret = place / "home/secret"
    other = place / "project/.dativo/tenants/other/state/users/state.json"
    for file in (secret, other):
        file.parent.mkdir(parents=True)
        file.write_text("s3cret")
    planted = Path(sys.executable).parent / f"planted-by-the-sandbox-test-{os.getpid()}"
    tries = {
        "a file of the home directory": ["read", str(secret)],
        "another tenant's state": ["read", str(other)],
        "a server": ["connect", *listener],
        "a server by its name": ["connect", "localhost", listener[1]],
        "a name": ["resolve", "localhost"],
        "an abstract socket": ["abstract", abstract_listener],
        "a socket with a name": ["socket_file", socket_file],
        "a process": ["kill", bystander],
        "what a process is told": ["read", f"/proc/{bystander}/environ"],
        "the job file": ["read", str(place / "project/users.yaml")],
        "a new file": ["write", str(place / "project/new")],
    }
    if user != "nobody":
        tries["its interpreter"] = ["write", str(planted)]
    try:
        outside = tried("none", tries)
        assert [name for name, result in outside.items() if result.startswith("refused")] == []
    finally:
        planted.unlink(missing_ok=True)
    inside = tried("strict", tries)
    assert [name for name, result in inside.items() if not result.startswith("refused")] == []
    assert not planted.exists()


@pytest.mark.parametrize("user", users())
def test_it_has_no_privileges_to_reach_further(tried):
    everything = 0x7E020000
    tries = {
        "new namespaces": ["call", "unshare", everything],
        "other processes": ["call", "ptrace", 16, 1, 0, 0],
        "mounts": ["call", "mount", 0, 0, 0, 0, 0],
        "programs in the kernel": ["call", "bpf", 0, 0, 0],
        "keys": ["call", "keyctl", 0, 0, 0],
        "namespaces of others": ["call", "setns", 0, 0],
        "the terminal": ["type_into_terminal"],
    }
    results = tried("strict", tries)
    assert [name for name, result in results.items() if not result.startswith("refused")] == []
    assert {result for name, result in results.items() if name != "the terminal"} == {
        "refused: PermissionError: [Errno 1] Operation not permitted"
    }


def test_it_sees_its_own_processes_only_and_no_environment_of_ours(tried, project):
    project.environ["PLANTED"] = "s3cret"
    results = tried(
        "strict", {"ps": ["processes"], "env": ["environ", "PLANTED"], "home": ["environ", "HOME"]}
    )
    assert len(results["ps"].split()) <= 3
    assert results["env"].startswith("refused: KeyError")
    assert results["home"] == "/tmp"


def test_declared_paths_are_there_and_links_out_of_them_lead_nowhere(tried, place):
    (place / "data").mkdir()
    (place / "data/file").write_text("content")
    (place / "secret").write_text("s3cret")
    (place / "data/link").symlink_to(place / "secret")
    tries = {
        "read": ["read", str(place / "data/file")],
        "link": ["read", str(place / "data/link")],
        "write": ["write", str(place / "data/new")],
        "written": ["write", str(place / "out/new")],
    }
    paths = {"read": [str(place / "data")], "write": ["../out"]}
    results = tried("strict", tries, paths=paths)
    assert results["read"] == "content"
    assert results["link"].startswith("refused: FileNotFoundError")
    assert results["write"].startswith("refused: OSError: [Errno 30]")
    assert (place / "out/new").read_text() == "x"


def test_a_declared_directory_that_holds_the_home_of_dativo_shows_none_of_it(tried, project):
    state = project.directory / ".dativo/tenants/other/state/users/state.json"
    state.parent.mkdir(parents=True)
    state.write_text("s3cret")
    tries = {"job": ["read", "users.yaml"], "state": ["read", str(state)]}
    results = tried("strict", tries, paths={"read": ["."]})
    assert "tap-prisoner" in results["job"]
    assert results["state"].startswith("refused")


def test_one_that_is_installed_in_the_home_of_dativo_starts_where_that_is_hidden(tried, project, place):
    installed = project.directory / ".dativo/venvs/tap-prisoner/1/bin/tap-prisoner"
    installed.parent.mkdir(parents=True)
    (place / "bin/tap-prisoner").rename(installed)
    registry = yaml.safe_load(project.registry.read_text())
    registry["connectors"][0]["executable"] = str(installed)
    project.registry.write_text(yaml.safe_dump(registry))
    tries = {"job": ["read", "users.yaml"], "locks": ["read", ".dativo/tenants/_/state/users/lock"]}
    results = tried("strict", tries, paths={"read": ["."]})
    assert "tap-prisoner" in results["job"]
    assert results["locks"].startswith("refused")


def test_secrets_in_files_are_not_seen_in_a_declared_directory(tried, project):
    secret = project.directory / "vault/other/pg"
    secret.parent.mkdir(parents=True)
    secret.write_text("s3cret")
    (project.directory / "dativo.yaml").write_text("version: 1\nsecrets: [{backend: files, dir: vault}]\n")
    results = tried("strict", {"secret": ["read", str(secret)]}, paths={"read": ["."]})
    assert results["secret"].startswith("refused")


@pytest.mark.parametrize(
    "file", ["/proc/sys/kernel/panic", "/proc/sys/vm/swappiness", "/proc/self/oom_score_adj"]
)
def test_settings_of_the_kernel_are_read_only_for_root_too(tried, file):
    """What is written is no number, so the kernel itself would say 22 (EINVAL), and nothing is changed."""
    results = tried("strict", {"read": ["read", file], "write": ["write", file]})
    assert not results["read"].startswith("refused")
    assert "[Errno 30]" in results["write"] or "[Errno 13]" in results["write"]


def test_private_keys_of_the_machine_and_sockets_out_of_it_are_out_of_reach(tried):
    tries = {"keys": ["listed", "/etc/ssl/private"], "a host": ["vsock"]}
    results = tried("strict", tries)
    assert results["keys"].startswith("refused") or results["keys"] == "[]"
    assert results["a host"] == "refused: PermissionError: [Errno 1] Operation not permitted"


@pytest.mark.parametrize("path", ["/", "/proc", "/sys/kernel", ".dativo", "way-out"])
def test_what_no_connector_may_reach_cannot_be_declared(project, place, path):
    (place / "project/way-out").symlink_to("/proc")
    source = {"connector": "tap-prisoner", "config": {"tries": {}}, "sandbox": "strict"}
    done = project.dativo("run", project.job([], source={**source, "paths": {"read": [path]}}))
    assert done.returncode == 1
    assert "which no sandboxed connector may reach" in done.stderr.splitlines()[-1]


def test_the_network_is_there_where_it_is_declared(tried, listener):
    tries = {"a server": ["connect", *listener]}
    assert tried("strict", tries, network=True) == {"a server": "connected"}


def test_asked_to_stop_it_hears_it(project, place):
    source = {"connector": "tap-prisoner", "config": {"tries": {}, "then": "wait"}, "sandbox": "strict"}
    job = project.job([], source=source)
    run = project.start("run", job)
    project.wait_until(lambda: project.state() == {"waiting": 1})
    run.terminate()
    _, stderr = run.communicate(timeout=60)
    assert run.returncode == 143
    assert stderr.splitlines()[-1] == "dativo: users was stopped by SIGTERM"


def test_what_ends_it_is_told_as_it_is_outside(project, place):
    source = {"connector": "tap-prisoner", "config": {"tries": {}, "then": "die"}, "sandbox": "strict"}
    done = project.dativo("run", project.job([], source=source))
    assert done.stderr.splitlines()[-1] == (
        "dativo: users failed: tap-prisoner was ended by SIGKILL and gave no reason"
    )


def test_limits_hold_inside(project, place):
    source = {"connector": "tap-hog", "config": {"harm": "memory"}, "sandbox": "strict"}
    source["paths"] = {"write": ["."]}
    done = project.dativo("run", project.job([], source=source, limits={"memory": "96MiB"}))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(" of memory, limits.memory is 96.0 MiB")


def test_without_bubblewrap_nothing_runs(project, place, tmp_path):
    old = tmp_path / "bin/bwrap"
    old.parent.mkdir()
    old.write_text(
        "#!/bin/sh\necho bwrap: Creating new namespace failed >&2; [ $1 = --version ] && echo 9.9\nexit 1\n"
    )
    old.chmod(0o755)
    project.environ["PATH"] = f"{old.parent}:{os.environ['PATH']}"
    source = {"connector": "tap-prisoner", "config": {"tries": {}}, "sandbox": "strict"}
    done = project.dativo("run", project.job([], source=source))
    assert done.returncode == 1
    assert "bwrap: Creating new namespace failed" in done.stderr.splitlines()[-1]
    assert not (project.loaded / "tries.jsonl").exists()


def test_the_real_connectors_work_in_it(project, place):
    (place / "project/in").mkdir()
    (place / "project/in/users.csv").write_text("id,name\n1,a\n2,b\n")
    files = [{"entity": "users", "path": "in/*.csv", "keys": ["id"]}]
    job = project.job(
        [],
        source={"connector": "tap-csv", "config": {"files": files}},
        target={"connector": "target-parquet", "config": {"destination_path": "lake"}},
        sandbox="strict",
    )
    done = project.dativo("run", job)
    assert done.returncode == 0, done.stderr
    assert [path.suffix for path in (place / "project/lake/users").rglob("*.parquet")] == [".parquet"]
    assert project.dativo("run", job).returncode == 0
