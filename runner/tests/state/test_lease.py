"""Leases: one owner, lost in time, known by its owner, and kept apart from stores that cannot keep them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from dativo.errors import StateBusy, StateConflict, StateError
from dativo.state import lease as lease_module
from dativo.state.databases import Sqlite
from dativo.state.lease import Lease, leased
from dativo.state.run_state import held_state
from dativo.state.sql import SqlStore
from dativo.state.store import StateKey

KEY = StateKey("acme", "users")


class Box:
    """A lease in memory."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.count = 0
        self.puts = threading.Semaphore(0)
        self.guard = threading.Lock()

    def read(self):
        with self.guard:
            return (self.lease, str(self.count)) if self.lease else None

    def put(self, lease, after):
        with self.guard:
            if after != (str(self.count) if self.lease else None):
                raise StateConflict("another")
            self.lease, self.count = lease, self.count + 1
            self.puts.release()
            return str(self.count)


@pytest.fixture
def box():
    return Box()


def test_it_is_renewed_while_it_is_held_and_over_afterwards(box, owner):
    with leased(box, "x", owner, 0.0, ttl=3.0):
        first = box.read()[0].until
        for _ in range(2):  # taken, renewed
            assert box.puts.acquire(timeout=30)
        assert box.read()[0].until > first
        with pytest.raises(StateBusy), leased(box, "x", owner, 0.0):
            pass
    assert box.read()[0].until == 0.0
    with leased(box, "x", owner, 0.0):
        pass


def test_one_that_was_not_renewed_is_taken_over(box, owner, monkeypatch):
    box.put(Lease(owner, time.time() - lease_module.CLOCKS_SECONDS + 5), None)
    with pytest.raises(StateBusy, match=owner.run), leased(box, "x", owner, 0.0):
        pass
    box.put(Lease(owner, time.time() - lease_module.CLOCKS_SECONDS - 5), "1")
    with leased(box, "x", owner, 0.0) as held:
        held.alive()


def test_who_has_lost_it_knows(box, owner):
    with leased(box, "x", owner, 0.0, ttl=3.0) as held:
        held.alive()
        with box.guard:
            box.lease, box.count = Lease(owner, time.time() + 100), box.count + 1
        until = time.monotonic() + 30
        while not held._lost:
            assert time.monotonic() < until
            time.sleep(0.01)
        with pytest.raises(StateConflict, match="this run has lost its hold"):
            held.alive()
    # What another holds by now is not given back by this one.
    assert box.read()[0].until > time.time()


def losing_answers(box, count):
    """Lets so many writes happen without their writer hearing of it: clients try again by themselves."""
    put, left = box.put, [count]

    def put_and_lose(lease, after):
        tag = put(lease, after)
        if left[0] and lease.until:
            left[0] -= 1
            raise StateConflict("another, which was this one")
        return tag

    box.put = put_and_lose


def test_a_renewal_whose_answer_got_lost_is_no_loss(box, owner):
    with leased(box, "x", owner, 0.0, ttl=3.0) as held:
        assert box.puts.acquire(timeout=30)
        losing_answers(box, 1)
        for _ in range(2):  # the one that is not heard of, the next
            assert box.puts.acquire(timeout=30)
        held.alive()
    assert box.read()[0].until == 0.0


def test_a_lease_whose_answer_got_lost_is_not_somebody_elses(box, owner, monkeypatch):
    monkeypatch.setattr(lease_module, "TURN_SECONDS", 0.01)
    losing_answers(box, 1)
    with leased(box, "x", owner, 30.0) as held:
        held.alive()


def test_who_could_not_renew_in_time_knows_without_asking(box, owner):
    with leased(box, "x", owner, 0.0, ttl=60.0) as held:
        held._renewed -= 61
        with pytest.raises(StateConflict):
            held.alive()


def test_a_store_without_conditions_is_refused(box, owner):
    def put_anyway(lease, after):
        box.lease = lease
        return "1"

    box.put = put_anyway
    with pytest.raises(StateError, match="ignores the conditions of writes"), leased(box, "x", owner, 0.0):
        pass


def test_who_waits_gets_it(box, owner, monkeypatch):
    monkeypatch.setattr(lease_module, "TURN_SECONDS", 0.01)
    got = threading.Event()

    def second() -> None:
        with leased(box, "x", owner, 60.0):
            got.set()

    waiting = threading.Thread(target=second)
    with leased(box, "x", owner, 0.0):
        waiting.start()
        assert not got.wait(0.1)
    assert got.wait(30)
    waiting.join()


HOLDER = """
import sys
from pathlib import Path
from dativo.state.databases import Sqlite
from dativo.state.run_state import held_state
from dativo.state.sql import SqlStore
from dativo.state.store import StateKey
store = SqlStore(Sqlite(Path(sys.argv[1])), ttl=4.0)
with held_state(store, StateKey("acme", "users"), "first") as state:
    state.write('{"n": 1}')
    print("held", flush=True)
    sys.stdin.readline()
    state.write('{"n": 2}')
"""


def test_a_stopped_run_that_wakes_up_stores_nothing(tmp_path, owner, monkeypatch):
    monkeypatch.setattr(lease_module, "CLOCKS_SECONDS", 0.0)
    path = tmp_path / "states.db"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    first = subprocess.Popen([sys.executable, "-c", HOLDER, path], text=True, **pipes)
    try:
        assert first.stdout.readline() == "held\n"
        os.kill(first.pid, signal.SIGSTOP)
        store = SqlStore(Sqlite(path), ttl=60.0)
        with held_state(store, KEY, "second", wait=60.0) as state:
            assert state.read() == '{"n": 1}'
            os.kill(first.pid, signal.SIGCONT)
            _, stderr = first.communicate("\n", timeout=60)
            assert first.returncode == 1
            assert "this run has lost its hold on the state" in stderr
            state.write(json.dumps({"n": 3}))
    finally:
        first.kill()
    assert store.read(KEY).text == '{"n": 3}'
    assert store.read(KEY).run == "second"


def test_unlock_shows_and_ends_a_lease(tmp_path, owner):
    store = SqlStore(Sqlite(tmp_path / "states.db"))
    assert store.unlock(KEY, force=False) == ["acme/users is held by nobody"]
    with store.lock(KEY, owner, 0.0) as held:
        shown = store.unlock(KEY, force=False)
        assert f"held by run {owner.run} (host {owner.host}, pid {owner.pid})" in shown[0]
        assert store.unlock(KEY, force=True)[-1] == "it has lost its hold"
        with SqlStore(Sqlite(tmp_path / "states.db")).lock(KEY, owner, 0.0) as second:
            second.alive()
            held._renewed -= 61
            with pytest.raises(StateConflict):
                held.alive()
