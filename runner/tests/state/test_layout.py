"""Which file holds what, and back from the files to the keys."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from dativo.home import Home
from dativo.state.layout import FileLayout, HomeLayout, file_name
from dativo.state.store import StateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

OWNER = StateKey("acme", "users")


@pytest.fixture
def home(tmp_path):
    return HomeLayout(Home(tmp_path))


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        ("orders", "orders"),
        ("a.b", "a.b"),
        (".", "%2E"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("a/b", "a%2Fb"),
        ("../x", "%2E.%2Fx"),
        ("a#b+c", "a%23b%2Bc"),
        ("100%", "100%25"),
        ("Größe", "Gr%C3%B6%C3%9Fe"),
        ("a\0b\n", "a%00b%0A"),
        ("*?[", "%2A%3F%5B"),
    ],
)
def test_a_stream_as_a_file_name(stream, name):
    assert file_name(stream) == name


@settings(max_examples=60)
@given(st.text("./%#+~aZ ü\0\\", min_size=1, max_size=12))
@example("..")
@example("%2E")
def test_every_stream_has_a_file_name_of_its_own_that_leads_nowhere(stream):
    name = file_name(stream)
    assert unquote(name) == stream
    assert not set(name) & {"/", "\0", "#", "+"}
    assert not name.startswith(".")


# --- the home


@pytest.mark.parametrize(
    ("key", "directory"),
    [
        (StateKey(None, "users"), "tenants/_/state/users"),
        (StateKey("acme", "users"), "tenants/acme/state/users"),
        (StateKey("acme", "users", "dev"), "tenants/acme/state/users+dev"),
        (StateKey("acme", "users", None, "a/b"), "tenants/acme/state/users/parts/a%2Fb"),
        (StateKey("acme", "users", "dev", ".."), "tenants/acme/state/users+dev/parts/%2E."),
    ],
)
def test_a_directory_a_key(home, tmp_path, key, directory):
    where = tmp_path / directory
    assert home.state(key) == where / "state.json"
    assert home.lock(key) == where / "lock"
    assert home.history(key) == where / "history"


def test_a_home_of_nothing_has_nobody(home):
    assert home.tenants() == []
    assert list(home.keys(None)) == list(home.keys("acme")) == []


def test_the_home_knows_every_key_again_in_order(home):
    keys = [
        StateKey("acme", "orders"),
        StateKey("acme", "users"),
        StateKey("acme", "users", None, ".x"),
        StateKey("acme", "users", None, "a/b"),
        StateKey("acme", "users", "dev"),
        StateKey("acme", "users", "dev", "ü"),
    ]
    for key in reversed(keys):
        put(home.state(key))
    put(home.state(StateKey(None, "users")))
    assert list(home.keys("acme")) == keys
    assert list(home.keys(None)) == [StateKey(None, "users")]
    assert home.tenants() == [None, "acme"]


def test_what_is_no_state_is_no_key(home, tmp_path):
    put(home.lock(OWNER))
    put(home.history(OWNER) / "00000001.json")
    put(tmp_path / "tenants/acme/state/stray-file")
    put(tmp_path / "tenants/acme/state/users/parts/stray-file")
    home.state(StateKey("acme", "directory")).mkdir(parents=True)
    assert list(home.keys("acme")) == []


def test_parts_of_a_job_whose_whole_has_gone_are_keys(home):
    part = StateKey("acme", "users", None, "orders")
    put(home.state(part))
    assert list(home.keys("acme")) == [part]


# --- a file that the job names


@pytest.mark.parametrize(
    ("path", "key", "state"),
    [
        ("s/users.json", OWNER, "users.json"),
        ("s/users.json", StateKey("acme", "users", "dev"), "users+dev.json"),
        ("s/users.json", StateKey("acme", "users", None, "a/b"), "users#a%2Fb.json"),
        ("s/users.json", StateKey("acme", "users", "dev", "."), "users+dev#%2E.json"),
        ("s/users.v1.json", StateKey("acme", "users", "dev"), "users.v1+dev.json"),
        ("s/users", StateKey("acme", "users", "dev", "a"), "users+dev#a"),
        ("s/.users", StateKey("acme", "users", "dev"), ".users+dev"),
    ],
)
def test_everything_is_beside_the_file(tmp_path, path, key, state):
    layout = FileLayout(tmp_path / path, OWNER)
    assert layout.state(key) == tmp_path / "s" / state
    assert layout.lock(key) == tmp_path / "s" / f"{state}.lock"
    assert layout.history(key) == tmp_path / "s" / f"{state}.history"


@pytest.mark.parametrize("name", ["users.json", "users.v1.json", "users", ".users"])
def test_the_file_knows_every_key_of_its_job_again(tmp_path, name):
    layout = FileLayout(tmp_path / name, OWNER)
    keys = [
        OWNER,
        StateKey("acme", "users", None, ".x"),
        StateKey("acme", "users", None, "a/b#c"),
        StateKey("acme", "users", "dev"),
        StateKey("acme", "users", "dev", "orders"),
        StateKey("acme", "users", "v1.2"),
    ]
    for key in reversed(keys):
        put(layout.state(key))
    assert sorted(layout.keys("acme"), key=str) == sorted(keys, key=str)
    assert layout.tenants() == ["acme"]
    assert list(layout.keys("beta")) == list(layout.keys(None)) == []


def test_files_of_others_beside_it_are_none_of_its_keys(tmp_path):
    layout = FileLayout(tmp_path / "users.json", OWNER)
    for name in ("users2.json", "users.old.json", "orders.json", "users+.json", "users#.json", "users.txt"):
        put(tmp_path / name)
    for name in ("users#a#b.json", "users+dev.txt", "myusers.json", ".users.json.17"):
        put(tmp_path / name)
    (tmp_path / "users+dir.json").mkdir()
    assert list(layout.keys("acme")) == []


def test_locks_and_damaged_ones_are_no_keys_whatever_the_file_is_called(tmp_path):
    layout = FileLayout(tmp_path / "users", OWNER)
    dev, part = StateKey("acme", "users", "dev"), StateKey("acme", "users", None, "orders")
    for key in (OWNER, dev, part):
        put(layout.state(key))
        put(layout.lock(key))
        put(tmp_path / f"{layout.state(key).name}.damaged")
        put(layout.history(key) / "00000001.json")
    assert list(layout.keys("acme")) == [OWNER, part, dev]


def test_a_file_in_no_directory_has_no_keys(tmp_path):
    assert list(FileLayout(tmp_path / "none" / "users.json", OWNER).keys("acme")) == []


def test_a_job_without_a_tenant_has_a_file_too(tmp_path):
    layout = FileLayout(tmp_path / "users.json", StateKey(None, "users"))
    put(layout.state(StateKey(None, "users", "dev")))
    assert layout.tenants() == [None]
    assert list(layout.keys(None)) == [StateKey(None, "users", "dev")]
