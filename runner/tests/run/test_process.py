"""One connector as a process: its group, its end, its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from dativo.errors import ConnectorError
from dativo.run.process import Child, Command


@pytest.fixture
def start(tmp_path):
    """Starts a shell script as a connector; what is left of it is ended with the test."""
    children = []

    def start(script):
        command = Command("tap-x", ("/bin/sh", "-c", script), tmp_path, dict(os.environ))
        child = Child(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        children.append(child)
        return child

    yield start
    for child in children:
        child.close()
        if not child.has_ended():
            child.end(0)


def test_it_runs_in_its_directory_and_reports_its_code(start, tmp_path, project):
    child = start("pwd > where; exit 7")
    project.wait_until(child.has_ended)
    assert child.returncode == 7
    assert (tmp_path / "where").read_text().strip() == str(tmp_path)


def test_it_leads_a_process_group_of_its_own(start, project):
    child = start("sleep 60")
    assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    assert child.returncode is None
    assert not child.has_ended()


def test_its_end_is_the_end_of_everything_that_it_started(start, tmp_path, project):
    child = start("sleep 60 & echo $! > left; exit 0")
    project.wait_until(child.has_ended)
    assert child.returncode == 0
    project.wait_until(lambda: not project.is_alive(int((tmp_path / "left").read_text())))


def test_asked_to_stop_it_may_take_its_leave(start, tmp_path, project):
    child = start("trap 'echo bye > said; exit 3' TERM; touch ready; while :; do sleep 0.05; done")
    project.wait_until((tmp_path / "ready").exists)
    child.ask_to_stop()
    project.wait_until(child.has_ended)
    assert child.returncode == 3
    assert (tmp_path / "said").read_text() == "bye\n"


def test_ending_gives_it_time_and_then_none(start, tmp_path, project):
    child = start("trap '' TERM; touch ready; while :; do sleep 0.05; done")
    project.wait_until((tmp_path / "ready").exists)
    began = time.monotonic()
    child.end(0.3)
    assert child.returncode == -signal.SIGKILL
    assert 0.3 <= time.monotonic() - began < 10


def test_killing_takes_the_whole_group(start, tmp_path, project):
    child = start("sleep 60 & echo $! > left; wait")
    project.wait_until(lambda: (tmp_path / "left").exists() and (tmp_path / "left").read_text().strip())
    child.kill()
    project.wait_until(child.has_ended)
    assert child.returncode == -signal.SIGKILL
    project.wait_until(lambda: not project.is_alive(int((tmp_path / "left").read_text())))


def test_an_ended_one_is_left_in_peace(start, project):
    child = start("exit 0")
    project.wait_until(child.has_ended)
    child.ask_to_stop()
    child.kill()
    child.end(0)
    assert child.returncode == 0


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0o755, "No such file"),
        ("#!/bin/sh\n", 0o644, "Permission denied"),
        ("neither script nor program\n", 0o755, "Exec format error"),
        ("#!/no/such/interpreter\n", 0o755, "No such file"),
    ],
)
def test_what_cannot_be_started_is_named(tmp_path, content, mode, reason):
    program = tmp_path / "program"
    if content is not None:
        program.write_text(content)
        program.chmod(mode)
    command = Command("tap-x", (str(program),), tmp_path, {})
    with pytest.raises(ConnectorError, match=f"tap-x cannot be started: {program}: {reason}"):
        Child(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).confirm()


def test_the_environment_is_not_shown():
    assert "s3cret" not in repr(Command("tap-x", ("x",), "/", {"TOKEN": "s3cret"}))


PARENT = """
import os, subprocess, sys
from pathlib import Path
from dativo.run.process import Child, Command
argv = ("/bin/sh", "-c", "trap 'touch told; exit' TERM; echo $$ > child; while :; do sleep 0.05; done")
command = Command("tap-x", argv, Path.cwd(), dict(os.environ))
child = Child(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
sys.stdin.read()
"""


def test_it_is_told_when_its_parent_is_killed(tmp_path, project):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, cwd=tmp_path)
    child = tmp_path / "child"
    project.wait_until(lambda: child.exists() and child.read_text().strip())
    parent.kill()
    parent.communicate()
    project.wait_until((tmp_path / "told").exists)
    project.wait_until(lambda: not project.is_alive(int(child.read_text())))
