"""States on disk: private, never half, held by the operating system."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import subprocess
import sys
import threading
import time

import pytest
from dativo.errors import StateBusy, StateConflict, StateError
from dativo.home import Home
from dativo.state.places import open_file_store, open_home_store, open_store
from dativo.state.store import StateKey

KEY = StateKey("acme", "users")


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / ".dativo")


@pytest.fixture
def store(home):
    return open_home_store(home)


@pytest.fixture
def directory(home):
    return home.tenant("acme").state("users")


def test_everything_is_for_its_owner_alone(store, home, directory, owner):
    with store.lock(KEY, owner):
        store.write(KEY, "{}", run="r", after=None)
        store.keep(KEY, "run")
    assert sorted(path.name for path in directory.iterdir()) == ["history", "lock", "state.json"]
    for path in home.root.rglob("*"):
        if path.name != ".gitignore":
            assert path.stat().st_mode & 0o077 == 0, path


def test_the_home_keeps_itself_out_of_git(store, home):
    store.write(KEY, "{}", run="r", after=None)
    assert (home.root / ".gitignore").read_text() == "*\n"


def test_nothing_is_left_beside_the_file(store, directory):
    stored = None
    for number in range(5):
        stored = store.write(KEY, json.dumps({"n": number}), run="r", after=stored)
    assert [path.name for path in directory.iterdir()] == ["state.json"]


def test_a_state_that_cannot_be_stored_leaves_the_old_one(store, directory):
    store.write(KEY, '{"a": 1}', run="r", after=None)
    other = StateKey("acme", "orders")
    # A directory in the way of the rename works for root too, whom permissions do not stop.
    (directory.parent / "orders" / "state.json").mkdir(parents=True)
    with pytest.raises(StateError, match=r"state\.json: the state cannot be read: Is a directory"):
        store.write(other, '{"a": 2}', run="r", after=None)
    assert store.read(KEY).text == '{"a": 1}'


def test_a_damaged_state_can_be_cleared_and_is_put_aside(store, directory):
    stored = store.write(KEY, '{"a": 1}', run="r", after=None)
    store.keep(KEY, "run")
    (directory / "state.json").write_bytes(b'{"format": "dati')
    with pytest.raises(StateError, match="damaged"):
        store.write(KEY, '{"a": 2}', run="r", after=stored)
    store.remove(KEY)
    assert store.read(KEY) is None
    assert (directory / "state.json.damaged").read_bytes() == b'{"format": "dati'
    assert store.write(KEY, '{"a": 2}', run="r", after=None).seq == 2


def test_a_job_that_names_its_file_has_everything_beside_it(tmp_path, owner):
    store = open_file_store(tmp_path / "s" / "users.json", KEY)
    with store.lock(KEY, owner):
        store.write(KEY, "{}", run="r", after=None)
        store.keep(KEY, "run")
    others = [StateKey("acme", "users", part="a.b/c"), StateKey("acme", "users", "dev")]
    for other in others:
        store.write(other, "{}", run="r", after=None)
    names = sorted(path.name for path in (tmp_path / "s").iterdir())
    beside = ["users.json", "users.json.history", "users.json.lock"]
    assert names == ["users#a.b%2Fc.json", "users+dev.json", *beside]
    assert list(store.keys("acme")) == [KEY, *others]
    assert list(store.keys("beta")) == []


@pytest.mark.parametrize(
    ("url", "where"),
    [("file:states", "states"), ("file:/a/b", "/a/b"), ("file:///a/b", "/a/b"), ("file:~/b", "~/b")],
)
def test_a_file_url_names_a_directory(tmp_path, home, url, where):
    store = open_store(url, home)
    path = tmp_path / "states" if where == "states" else os.path.expanduser(where)  # noqa: PTH111
    assert store.place(KEY) == f"{path}/tenants/acme/state/users/state.json"


def test_other_urls_are_refused(home):
    with pytest.raises(StateError, match="ftp: is no kind of store: write file:DIRECTORY, s3://BUCKET"):
        open_store("ftp://host/x", home)


def test_a_stream_may_be_called_as_it_likes(store, home):
    for name in ("..", ".", "a/b", "../../x", "ü%2F", "a" * 60):
        key = StateKey("acme", "users", None, name)
        store.write(key, "{}", run="r", after=None)
        assert key in set(store.keys("acme"))
    everything = {path.parent.parent for path in home.root.rglob("state.json")}
    assert everything == {home.tenant("acme").state("users") / "parts"}


# --- locks


def test_the_hold_lasts_as_long_as_any_process_has_it_open(store, directory, owner):
    ready, go_on = os.pipe(), os.pipe()
    with store.lock(KEY, owner) as held:
        code = f"import os; os.write({ready[1]}, b'x'); os.read({go_on[0]}, 1)"
        inherits = (held.fd, ready[1], go_on[0])
        child = subprocess.Popen([sys.executable, "-c", code], pass_fds=inherits)
        os.read(ready[0], 1)
    with pytest.raises(StateBusy), store.lock(KEY, owner):
        pass
    os.write(go_on[1], b"x")
    child.wait()
    with store.lock(KEY, owner):
        pass
    for each in (*ready, *go_on):
        os.close(each)


def test_who_waits_gets_it_when_the_other_is_done(store, home, owner):
    got = threading.Event()

    def second() -> None:
        with open_home_store(home).lock(KEY, owner, 60.0):
            got.set()

    waiting = threading.Thread(target=second)
    with store.lock(KEY, owner):
        waiting.start()
        assert not got.wait(0.2)
    assert got.wait(20)
    waiting.join()


def test_a_lock_file_that_was_removed_is_no_hold(store, directory, owner):
    with store.lock(KEY, owner) as held:
        held.alive()
        (directory / "lock").unlink()
        with pytest.raises(StateConflict, match="somebody has removed the lock"):
            held.alive()


def test_an_owner_who_has_not_said_its_name_is_busy_too(store, directory, owner):
    directory.mkdir(parents=True)
    with (directory / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StateBusy, match="acme/users is being run by another process"):
            store.lock(KEY, owner).__enter__()


def test_a_file_system_without_locks_is_refused(store, owner, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    with pytest.raises(StateError, match="does not keep locks"):
        store.lock(KEY, owner).__enter__()


# --- killed while writing

WRITER = """
import sys
from pathlib import Path
from dativo.home import Home
from dativo.state.places import open_home_store
from dativo.state.store import StateKey
store, key = open_home_store(Home(Path(sys.argv[1]))), StateKey("acme", "users")
stored = store.read(key)
n = 0
while True:
    n += 1
    text = '{"n": %d, "filler": "%s"}' % (n, "x" * (n % 7 * 10_000))
    stored = store.write(key, text, run="r", after=stored)
"""


def test_a_reader_never_sees_half_a_state_even_if_the_writer_is_killed(store, home, directory):
    seen = set()
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(home.root)])
        try:
            until = time.monotonic() + 30
            new: set[int] = set()
            while len(new) < 5:
                assert writer.poll() is None
                assert time.monotonic() < until
                if (stored := store.read(KEY)) is not None:
                    new.add(stored.seq)
            seen |= new
        finally:
            writer.kill()
            writer.wait()
        last = store.read(KEY)
        assert store.write(KEY, "{}", run="r", after=last).seq == last.seq + 1
    assert len(seen) >= 5


def test_a_lock_that_nobody_can_write_his_name_into_is_an_error_with_its_place(store, directory, owner):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with (
            pytest.raises(StateError, match=r"users/lock: the state cannot be locked: "),
            store.lock(KEY, owner),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with store.lock(KEY, owner):
        pass
