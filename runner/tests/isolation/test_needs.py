"""What of the machine a program needs to start: looked up in files, nothing of it is run."""

from __future__ import annotations

import json

import pytest
from dativo.isolation.programs import directories_of


def script(path, first="#!/bin/sh", mode=0o755):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{first}\necho ok\n")
    path.chmod(mode)
    return path


@pytest.fixture
def python(tmp_path):
    """A Python with its library, below a prefix of its own."""
    (tmp_path / "python/lib/python3.12").mkdir(parents=True)
    return script(tmp_path / "python/bin/python3.12", "ELF")


@pytest.fixture
def venv(tmp_path, python):
    """A virtual environment of that Python."""
    prefix = tmp_path / "venv"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/python").symlink_to(python)
    (prefix / "pyvenv.cfg").write_text(f"include-system-site-packages = false\nhome = {python.parent}\n")
    return prefix


def installed(venv, name, origin):
    directory = venv / f"lib/python3.12/site-packages/{name}-1.0.dist-info"
    directory.mkdir(parents=True)
    (directory / "direct_url.json").write_text(json.dumps(origin))


def test_a_program_that_is_no_script_needs_itself(tmp_path):
    program = script(tmp_path / "bin/tap-x", "\x7fELF")
    assert directories_of(program) == (program,)


def test_an_empty_file_needs_itself(tmp_path):
    program = tmp_path / "tap-x"
    program.touch()
    assert directories_of(program) == (program,)


@pytest.mark.parametrize("first", ["#!", "#!   "])
def test_a_script_without_an_interpreter_needs_itself(tmp_path, first):
    program = script(tmp_path / "bin/tap-x", first)
    assert directories_of(program) == (program,)


@pytest.mark.parametrize("first", ["#!{}", "#! {}", "#!{} -e", "#!\t{}\t-x -y"])
def test_a_script_needs_its_interpreter(tmp_path, first):
    shell = script(tmp_path / "shell/bin/sh", "ELF")
    program = script(tmp_path / "bin/tap-x", first.format(shell))
    assert directories_of(program) == (program, shell)


def test_an_interpreter_behind_a_link_is_needed_at_both_places(tmp_path):
    shell = script(tmp_path / "shell/bin/dash", "ELF")
    link = tmp_path / "sh"
    link.symlink_to(shell)
    program = script(tmp_path / "bin/tap-x", f"#!{link}")
    assert directories_of(program) == (program, link, shell)


def test_env_is_asked_where_it_looks(tmp_path, monkeypatch):
    shell = script(tmp_path / "shell/bin/mysh", "ELF")
    monkeypatch.setenv("PATH", str(shell.parent))
    program = script(tmp_path / "bin/tap-x", "#!/usr/bin/env mysh")
    assert directories_of(program) == (program, shell)


def test_what_env_does_not_find_is_left_to_it_to_say(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    program = script(tmp_path / "bin/tap-x", "#!/usr/bin/env mysh")
    assert directories_of(program) == (program,)


def test_a_python_needs_its_library(tmp_path, python):
    program = script(tmp_path / "bin/tap-x", f"#!{python}")
    assert directories_of(program) == (program, python, python.parent.parent)


def test_something_called_python_without_a_library_needs_no_more_than_itself(tmp_path):
    alone = script(tmp_path / "alone/bin/python3", "ELF")
    program = script(tmp_path / "bin/tap-x", f"#!{alone}")
    assert directories_of(program) == (program, alone)


def test_a_library_beside_something_else_is_not_needed(tmp_path, python):
    shell = script(python.with_name("sh"), "ELF")
    program = script(tmp_path / "bin/tap-x", f"#!{shell}")
    assert directories_of(program) == (program, shell)


def test_a_script_of_an_environment_needs_all_of_it_and_the_python_below(venv, python):
    program = script(venv / "bin/tap-x", f"#!{venv}/bin/python")
    needed = directories_of(program)
    assert set(needed) == {program, venv, python.parent.parent, venv / "bin/python", python}
    assert len(needed) == len(set(needed))


def test_an_environment_of_a_python_behind_a_link_needs_both_its_places(tmp_path, venv, python):
    (tmp_path / "current").symlink_to(python.parent.parent)
    (venv / "pyvenv.cfg").write_text(f"home={tmp_path}/current/bin\n")
    needed = directories_of(script(venv / "bin/tap-x", f"#!{venv}/bin/python"))
    assert tmp_path / "current" in needed
    assert python.parent.parent in needed


def test_a_program_elsewhere_with_the_python_of_an_environment_needs_that(tmp_path, venv):
    program = script(tmp_path / "own/tap-x", f"#!{venv}/bin/python")
    assert venv in directories_of(program)


@pytest.mark.parametrize(
    ("origin", "needed"),
    [
        ({"url": "file:///srv/tap-x", "dir_info": {"editable": True}}, "/srv/tap-x"),
        ({"url": "file:///srv/my%20tap", "dir_info": {"editable": True}}, "/srv/my tap"),
        ({"url": "file:///srv/tap-x", "dir_info": {"editable": False}}, None),
        ({"url": "file:///srv/tap-x", "dir_info": {}}, None),
        ({"url": "file:///srv/tap_x-1.0-py3-none-any.whl", "archive_info": {}}, None),
        ({"url": "https://github.com/a/tap-x", "vcs_info": {"vcs": "git"}}, None),
    ],
)
def test_packages_are_needed_where_they_are_written_if_they_are_installed_so(venv, origin, needed):
    program = script(venv / "bin/tap-x", f"#!{venv}/bin/python")
    before = set(map(str, directories_of(program)))
    installed(venv, "tap_x", origin)
    assert set(map(str, directories_of(program))) - before == ({needed} if needed else set())


def test_every_such_package_is_needed(venv):
    program = script(venv / "bin/tap-x", f"#!{venv}/bin/python")
    for name in ("one", "two"):
        installed(venv, name, {"url": f"file:///srv/{name}", "dir_info": {"editable": True}})
    assert {"/srv/one", "/srv/two"} <= set(map(str, directories_of(program)))


def test_a_program_that_cannot_be_read_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        directories_of(tmp_path / "gone")
