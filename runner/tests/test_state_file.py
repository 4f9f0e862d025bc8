"""The state on disk: whole, verbatim, of one job, and never silently absent."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time

import pytest
from dativo.errors import StateError
from dativo.state_file import StateStore

STATE = '{"bookmarks": {"users": {"replication_key_value": 12345678901234567890.10, "s": "ü"}}}'


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".dativo" / "state" / "users.json"


@pytest.fixture
def store(path):
    return StateStore(path, "acme/users")


def test_no_file_is_no_state(store):
    assert store.read() is None


def test_a_state_comes_back_byte_for_byte(store):
    for text in (
        STATE,
        "{}",
        '{"a":1e400}',
        '{"n": 0.10000000000000000000000001}',
        '{"k": "\\u0000\\ud83d\\ude00"}',
    ):
        store.write(text)
        assert store.read() == text


def test_the_envelope_is_as_documented(store, path):
    store.write(STATE)
    envelope = json.loads(path.read_text())
    assert list(envelope) == ["format", "version", "job", "updated_at", "sha256", "state"]
    assert envelope["format"] == "dativo-state"
    assert envelope["version"] == 1
    assert envelope["job"] == "acme/users"
    assert envelope["updated_at"].endswith("Z")
    assert envelope["sha256"] == hashlib.sha256(STATE.encode()).hexdigest()


def test_only_the_owner_may_read_it(store, path):
    store.write(STATE)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_directory_of_states_keeps_itself_out_of_git(store, path):
    store.write(STATE)
    assert (path.parent.parent / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"{", "damaged"),
        (b"{}", "damaged"),
        (b"[]", "does not hold a JSON object"),
        (b"null", "does not hold a JSON object"),
        (b'{"bookmarks": {}}', '"format": "dativo-state" is missing'),
        (b"\xff\xfe", "is not UTF-8"),
        (
            b'{"format": "dativo-state", "version": 1, "job": "acme/users", "state": 5}',
            '"state" must be an object',
        ),
        (b'{"format": "dativo-state", "version": 1, "job": "acme/users"}', '"state" must be an object'),
        (
            b'{"format": "dativo-state", "version": 1, "job": "acme/users", "state": {}} {}',
            "something follows",
        ),
        (b'{"format": "dativo-state" "version": 1}', "is cut or not JSON"),
        (b'{"format"; "dativo-state"}', "is not JSON"),
        (b"{5: 1}", "damaged"),
    ],
)
def test_a_file_that_is_no_whole_state_is_an_error(store, path, content, why):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(StateError) as caught:
        store.read()
    assert str(path) in str(caught.value)
    assert why in str(caught.value)
    assert "remove the file to load everything from the start" in str(caught.value)


def test_a_file_cut_anywhere_is_an_error(store, path):
    store.write(STATE)
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(StateError):
            store.read()


def test_a_change_is_noticed_and_can_be_meant(store, path):
    store.write('{"cursor": 10}')
    changed = path.read_text().replace("10}", "20}")
    path.write_text(changed)
    with pytest.raises(StateError, match="does not match its sha256"):
        store.read()
    document = json.loads(changed)
    del document["sha256"]
    path.write_text(json.dumps(document, indent=2))
    assert json.loads(store.read()) == {"cursor": 20}


def test_a_state_of_another_job_is_refused(store, path):
    StateStore(path, "acme/orders").write("{}")
    with pytest.raises(StateError, match=r"belongs to the job 'acme/orders', not to 'acme/users'"):
        store.read()


def test_a_state_from_the_future_is_refused(store, path):
    path.parent.mkdir(parents=True)
    path.write_text('{"format": "dativo-state", "version": 2, "job": "acme/users", "state": {}}')
    with pytest.raises(StateError, match="version 2 of the state format is not known"):
        store.read()


def test_a_state_that_cannot_be_stored_leaves_the_old_one(tmp_path):
    directory = tmp_path / "states"
    store = StateStore(directory / "x.json", "x")
    store.write('{"a": 1}')
    # A directory in the way of the rename works for root too, whom permissions do not stop.
    (directory / "y.json").mkdir()
    with pytest.raises(StateError, match=r"y\.json: the state cannot be stored: Is a directory"):
        StateStore(directory / "y.json", "y").write('{"a": 2}')
    assert store.read() == '{"a": 1}'
    assert sorted(each.name for each in directory.iterdir()) == ["x.json", "y.json"]


def test_nothing_is_left_beside_the_file(store, path):
    for number in range(5):
        store.write(json.dumps({"n": number}))
    assert list(path.parent.iterdir()) == [path]


def test_a_second_run_is_refused_while_the_first_holds_the_state(store, path):
    second = StateStore(path, "acme/users").locked()
    with store.locked(), pytest.raises(StateError, match="another run of 'acme/users' is using this state"):
        second.__enter__()
    with store.locked():
        assert store.read() is None


WRITER = """
import sys
from pathlib import Path
from dativo.state_file import StateStore
store = StateStore(Path(sys.argv[1]), "acme/users")
n = 0
while True:
    n += 1
    store.write('{"n": %d, "filler": "%s"}' % (n, "x" * (n % 7 * 10_000)))
"""


def test_a_reader_never_sees_half_a_state_even_if_the_writer_is_killed(store, path):
    seen = set()
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
        try:
            while not path.exists():
                assert writer.poll() is None
                time.sleep(0.01)
            deadline = time.monotonic() + 0.5
            while time.monotonic() < deadline:
                if (text := store.read()) is not None:
                    seen.add(json.loads(text)["n"])
        finally:
            writer.kill()
            writer.wait()
        assert store.read() is not None
        path.unlink()
    assert len(seen) > 5
