"""The pipe between two processes, below the level of jobs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from dativo.errors import ConnectorError
from dativo.isolation.bounds import Bounds
from dativo.isolation.watch import Household
from dativo.run.pipeline import run_pipeline
from dativo.run.process import Command
from dativo.run.stages import Ending, Patience, Stage


class Watcher:
    """Notes everything; raises `fails_with` at the first state."""

    def __init__(self, fails_with=None):
        self.logs, self.states, self.ticks = [], [], 0
        self.usages, self.fills = [], []
        self._fails_with = fails_with

    def log(self, connector, line):
        self.logs.append((connector, line))

    def state(self, line):
        self.states.append(line)
        if self._fails_with:
            raise self._fails_with

    def usage(self, connector, usage):
        self.usages.append((connector, usage))

    def pipes(self, fills):
        self.fills.append(fills)

    def tick(self):
        self.ticks += 1


UNBOUND = Bounds()


def run(commands, watcher, bounds=UNBOUND, **patience):
    household = Household(adopts=False)
    stages = [Stage(command, household.contain(command.name, bounds)) for command in commands]
    return run_pipeline(stages, watcher, household, Patience(**{"grace": 5.0, **patience}))


@pytest.fixture
def pipe(tmp_path):
    """Runs shell scripts as tap, mappers and target."""

    def pipe(tap, *others, watcher=None, **options):
        names = ["tap", *(f"mapper-{number}" for number in range(1, len(others))), "target"]
        commands = [
            Command(name, ("/bin/sh", "-c", script), tmp_path, dict(os.environ))
            for name, script in zip(names, (tap, *others), strict=True)
        ]
        watcher = watcher or Watcher()
        return run(commands, watcher, **options), watcher

    return pipe


def test_bytes_go_from_one_to_the_other_unchanged(pipe, tmp_path):
    outcome, _ = pipe("head -c 5000000 /dev/urandom | tee sent", "cat > received")
    assert outcome.endings == (Ending("tap", 0, told_to_stop=False), Ending("target", 0, told_to_stop=False))
    assert outcome.signum is None
    assert (tmp_path / "sent").read_bytes() == (tmp_path / "received").read_bytes()


def test_every_line_of_both_is_handed_on_even_the_last_without_end(pipe):
    _, watcher = pipe("echo a >&2; printf b >&2", "cat >&2; echo '{}'; echo; printf '[1]'; printf c >&2")
    assert sorted(watcher.logs) == [("tap", b"a"), ("tap", b"b"), ("target", b"c")]
    assert watcher.states == [b"{}", b"[1]"]


def test_what_a_side_wrote_before_it_was_killed_is_read(pipe):
    outcome, watcher = pipe("echo last >&2; kill -KILL $$", "cat > /dev/null")
    assert (b"last") in [line for _, line in watcher.logs]
    assert outcome.endings[0].returncode == -9
    assert outcome.endings[-1].told_to_stop
    assert outcome.endings[-1].early


def test_the_target_may_take_its_time_after_the_end_of_input(pipe):
    outcome, watcher = pipe("echo x", "cat > /dev/null; sleep 1; echo '{}'", grace=0.1)
    assert outcome.endings[-1] == Ending("target", 0, told_to_stop=False)
    assert watcher.states == [b"{}"]
    assert watcher.ticks >= 3


def test_the_tap_does_not_wait_for_a_target_that_has_gone(pipe):
    began = time.monotonic()
    outcome, _ = pipe("yes", "exit 5")
    assert time.monotonic() - began < 10
    assert outcome.endings[-1].returncode == 5
    assert outcome.endings[-1].early
    assert not outcome.endings[-1].told_to_stop
    assert outcome.endings[0].told_to_stop


def test_an_error_of_the_watcher_ends_both_and_is_raised(pipe, tmp_path, project):
    tap = "echo $$ > tap.pid; exec sleep 300"
    target = "echo $$ > target.pid; while [ ! -s tap.pid ]; do sleep 0.01; done; echo '{}'; exec sleep 300"
    with pytest.raises(KeyError, match="disk"):
        pipe(tap, target, watcher=Watcher(fails_with=KeyError("disk")))
    for name in ("tap.pid", "target.pid"):
        assert not project.is_alive(int((tmp_path / name).read_text()))


@pytest.mark.parametrize("missing", ["tap", "target"])
def test_a_side_that_cannot_start_takes_the_other_with_it(tmp_path, project, missing):
    commands = {
        name: Command(
            name, ("/bin/sh", "-c", f"echo $$ > {name}.pid; exec sleep 300"), tmp_path, dict(os.environ)
        )
        for name in ("tap", "target")
    }
    commands[missing] = Command(missing, ("/no/such",), tmp_path, {})
    with pytest.raises(ConnectorError, match=f"{missing} cannot be started"):
        run(commands.values(), Watcher())
    for left in tmp_path.glob("*.pid"):
        if pid := left.read_text().strip():
            assert not project.is_alive(int(pid))


def open_descriptors():
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left_open(pipe):
    pipe("true", "cat")
    before = open_descriptors()
    for _ in range(3):
        pipe("echo x", "cat > /dev/null")
        pipe("exit 1", "cat > /dev/null")
    assert open_descriptors() == before
