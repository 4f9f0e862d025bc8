"""Who holds a state, in words, in the lock file, and as long as it is held."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from dativo.errors import StateBusy, StateConflict, StateError
from dativo.state.local_lock import file_lock, owner_of
from dativo.state.local_unlock import release
from dativo.state.owner import busy, new_run, this_process
from dativo.state.store import Owner

LATER = "wait for it, or dativo run --wait 10m"
SELF = Owner("20260131T120000Z-1f2e3d", "web-1", 42, "2026-01-31T12:00:00.000Z")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "lock"


def test_a_run_is_named_by_its_time():
    for _ in range(50):
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        name = new_run()
        assert re.fullmatch(r"\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{6}", name)
        at = datetime.strptime(name[:20], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
        assert before < at <= datetime.now(UTC)


def test_runs_of_one_second_are_sorted_by_time():
    names = []
    for _ in range(20):
        names.append(new_run())
        time.sleep(0.002)
    assert names == sorted(set(names))


def test_this_process_is_named_by_host_and_number():
    owner = this_process("r1")
    assert (owner.run, owner.host, owner.pid) == ("r1", os.uname().nodename, os.getpid())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", owner.since)


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        (None, "by another process"),
        (SELF, "since 12:00:00 by run 20260131T120000Z-1f2e3d (host web-1, pid 42)"),
        (Owner("r", "h", 1, ""), "by run r (host h, pid 1)"),
        (Owner("r", "h", 1, "yesterday"), "by run r (host h, pid 1)"),
    ],
)
def test_who_is_busy_is_said_with_what_to_do(owner, said):
    error = busy("acme/users", owner)
    assert str(error) == f"acme/users is being run {said}: {LATER}"
    assert error.exit_code == 75


# --- the lock file


def test_the_owner_is_in_the_file_for_others_to_read(path):
    with file_lock(path, "acme/users", SELF, 0.0) as held:
        assert owner_of(path) == SELF
        assert json.loads(path.read_bytes()) == {
            "run": SELF.run,
            "host": "web-1",
            "pid": 42,
            "since": SELF.since,
        }
        assert held.path == path
        assert os.path.samestat(os.fstat(held.fd), path.stat())
        assert not os.get_inheritable(held.fd)
    assert owner_of(path) == SELF
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_shorter_owner_leaves_nothing_of_a_longer_one(path):
    with file_lock(path, "x", Owner("r" * 200, "h" * 200, 1, "t"), 0.0):
        pass
    short = Owner("r", "h", 1, "t")
    with file_lock(path, "x", short, 0.0):
        assert owner_of(path) == short


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"1", b"null", b'{"run": "r"}', b'{"a": 1}', b"\xff"])
def test_a_file_that_names_nobody(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    assert owner_of(path) is None
    with file_lock(path, "x", SELF, 0.0):
        assert owner_of(path) == SELF


def test_no_file_names_nobody(path):
    assert owner_of(path) is None


def test_a_second_one_is_told_and_lets_the_file_be(path):
    live = this_process("r1")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with file_lock(path, "acme/users", live, 0.0):
        with pytest.raises(
            StateBusy, match=rf"^acme/users is being run since .* by run r1 .*pid {live.pid}\)"
        ):
            file_lock(path, "acme/users", SELF, 0.0).__enter__()
        assert owner_of(path) == live
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_who_waits_gives_up_after_his_time(path):
    with file_lock(path, "x", this_process("r1"), 0.0):
        began = time.monotonic()
        with pytest.raises(StateBusy):
            file_lock(path, "x", SELF, 0.15).__enter__()
        assert 0.15 <= time.monotonic() - began < 5


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, StateError])
def test_the_hold_ends_with_what_was_done_in_it_however_that_ends(path, error):
    with pytest.raises(error), file_lock(path, "x", SELF, 0.0):
        raise error
    with file_lock(path, "x", SELF, 0.0):
        pass


def test_a_place_where_no_lock_can_be_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "lock"
    with pytest.raises(StateError, match=rf"^{path}: the state cannot be locked: Not a directory$"):
        file_lock(path, "x", SELF, 0.0).__enter__()


def test_a_link_is_not_locked(path):
    path.parent.mkdir()
    path.symlink_to("elsewhere")
    with pytest.raises(StateError, match="the state cannot be locked: Too many levels of symbolic links"):
        file_lock(path, "x", SELF, 0.0).__enter__()
    assert not (path.parent / "elsewhere").exists()


def test_a_lock_that_was_put_in_the_place_of_this_one_is_no_hold(path):
    with file_lock(path, "x", SELF, 0.0) as held:
        held.alive()
        path.rename(path.with_name("old"))
        path.touch()
        with pytest.raises(StateConflict, match=rf"^{path}: somebody has removed the lock of this run$"):
            held.alive()


def test_a_lock_that_is_replaced_just_before_it_is_held_is_taken_anew(path, monkeypatch):
    """Who removes the file meanwhile makes the next one lock another file: both would hold it."""
    flock, asked = fcntl.flock, []

    def replaced(handle, how):
        if not asked:
            path.unlink()
            path.touch()
        asked.append(how)
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", replaced)
    with file_lock(path, "x", SELF, 0.0) as held:
        held.alive()
        assert owner_of(path) == SELF
    assert len(asked) == 3


# --- the end of a hold


@pytest.fixture
def holder(path):
    """A process that has the lock open and held, until it is told to stop."""
    path.parent.mkdir()
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        command = ["/bin/sh", "-c", "echo; read x"]
        process = subprocess.Popen(
            command, pass_fds=(file.fileno(),), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    process.stdout.read(1)
    yield process
    process.kill()
    process.communicate()


def test_nobody_is_said(path):
    for _ in range(2):
        assert release(path, "acme/users", force=True) == ["acme/users is held by nobody"]
        path.parent.mkdir(exist_ok=True)
        path.touch()


def test_this_process_does_not_end_itself(path):
    with file_lock(path, "x", SELF, 0.0):
        assert release(path, "x", force=True) == ["x is held by nobody"]


def test_a_holder_is_named_and_left_alone(path, holder):
    assert release(path, "acme/users", force=False) == [
        f"acme/users is held by pid {holder.pid}: sh",
        "say --yes to end them",
    ]
    assert holder.poll() is None
    with pytest.raises(StateBusy):
        file_lock(path, "acme/users", this_process("r"), 0.0).__enter__()


def test_a_holder_is_ended(path, holder):
    assert release(path, "acme/users", force=True) == [
        f"acme/users is held by pid {holder.pid}: sh",
        "they have ended",
    ]
    assert holder.wait(10) == -15
    with file_lock(path, "acme/users", SELF, 0.0):
        pass


def test_one_that_does_not_listen_is_killed(path, monkeypatch):
    monkeypatch.setattr("dativo.state.local_unlock.PATIENCE_SECONDS", 0.2)
    path.parent.mkdir()
    code = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    with path.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", code], pass_fds=(file.fileno(),), stdout=subprocess.PIPE
        )
    process.stdout.read(1)
    assert release(path, "x", force=True)[-1] == "they have ended"
    assert process.wait(10) == -9
    process.stdout.close()


def test_connectors_of_a_runner_that_was_killed_are_waited_for(path, holder):
    """Their runner has gone, so they are being told to stop: another run need not say `--wait`."""
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    path.write_text(json.dumps({"run": "r", "host": os.uname().nodename, "pid": gone.pid, "since": "t"}))
    killer = subprocess.Popen(["/bin/sh", "-c", f"sleep 0.05; kill {holder.pid}"])
    with file_lock(path, "x", SELF, 0.0):
        assert owner_of(path) == SELF
    assert killer.wait(10) == 0
