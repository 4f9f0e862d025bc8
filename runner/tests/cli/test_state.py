"""`dativo state`: what is shown, what changes, and that nothing is lost by a change."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from dativo.audit.verify import entries
from dativo.cli import cli
from dativo.errors import RunnerError, StateBusy, StateError
from dativo.home import Home
from dativo.state.owner import this_process
from dativo.state.parts import part_key, taken_apart
from dativo.state.places import open_home_store
from dativo.state.run_state import held_state
from dativo.state.store import StateKey

STATE = '{"bookmarks": {"users": {"v": 1.50}, "orders": {"v": 2}}}'
OTHER = '{"bookmarks": {"users": {"v": 9}}}'
KEY = StateKey("acme", "users")


@pytest.fixture
def owner():
    return this_process("20260131T120000Z-1f2e3d")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project in the working directory, with one job in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dativo.yaml").write_text("version: 1\n")
    (tmp_path / "jobs").mkdir()
    job(tmp_path, "users")
    return tmp_path


def job(directory, name, more=""):
    # Neither connector is installed, and one variable is not set: a state can be seen to all the same.
    (directory / f"jobs/{name}.yaml").write_text(
        f"name: {name}\ntenant: acme\nsource: {{connector: tap-none, config: {{a: '${{NOT_SET}}'}}}}\n"
        f"target: {{connector: target-none}}\n{more}"
    )


@pytest.fixture
def store(here):
    return open_home_store(Home(here / ".dativo"))


def state(*arguments, given=None):
    """Output of `dativo state …`; errors of the runner as they are."""
    done = CliRunner().invoke(cli, ["state", *map(str, arguments)], input=given, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


@pytest.mark.parametrize("name", ["jobs/users.yaml", "acme/users"])
def test_a_job_is_its_file_or_its_name(here, store, name):
    assert "the state is number 1 now" in state("set", name, given=STATE)
    assert state("get", name) == STATE + "\n"
    assert state("get", name, "users") == '{"v": 1.50}\n'
    assert store.read(KEY).text == STATE


def test_a_job_by_name_keeps_its_state_where_its_file_says(here):
    job(here, "apart", "state: {path: ../own/apart.json}\n")
    state("set", "acme/apart", given=STATE)
    assert (here / "own/apart.json").is_file()
    assert "acme/apart" in state("list")


def test_the_list_says_how_old_and_of_which_run(here, store):
    assert state("list") == "nothing is stored here yet\n"
    state("set", "acme/users", given=STATE)
    state("set", "other", given=OTHER)
    lines = state("list").splitlines()
    assert lines[0].split()[:3] == ["other", "seq", "1"]
    assert lines[1].endswith("2 streams")
    assert " s ago" in lines[1]
    [one] = json.loads(state("list", "--tenant", "acme", "--json"))
    assert (one["job"], one["seq"], one["streams"]) == ("acme/users", 1, ["orders", "users"])


def test_a_damaged_state_is_listed_and_can_be_cleared(here, store):
    state("set", "acme/users", given=STATE)
    path = here / ".dativo/tenants/acme/state/users/state.json"
    path.write_text("{")
    assert "damaged" in state("list")
    with pytest.raises(StateError, match="damaged"):
        state("get", "acme/users")
    state("clear", "acme/users", "--yes")
    assert store.read(KEY) is None


@pytest.mark.parametrize("command", [["rollback"], ["rollback", "1"], ["set"], ["import"]])
def test_a_damaged_state_is_put_aside_for_a_good_one(here, store, command):
    state("set", "acme/users", given=STATE)
    path = here / ".dativo/tenants/acme/state/users/state.json"
    path.write_text("{")
    state(command[0], "acme/users", *command[1:], given=STATE)
    assert (store.read(KEY).text, store.read(KEY).seq) == (STATE, 2)
    assert path.with_name("state.json.damaged").read_text() == "{"


@pytest.mark.parametrize("command", [["set", "--stream", "users"], ["import", "--merge"], ["edit"]])
def test_a_part_of_a_damaged_state_cannot_be_changed(here, store, command):
    state("set", "acme/users", given=STATE)
    path = here / ".dativo/tenants/acme/state/users/state.json"
    path.write_text("{")
    with pytest.raises(StateError, match="damaged"):
        state(*command, "acme/users", given=STATE)
    assert path.read_text() == "{"


def test_setting_keeps_what_was_before(store):
    state("set", "acme/users", given=STATE)
    state("set", "acme/users", given=f'{{"type": "STATE", "value": {OTHER}}}')
    history = state("history", "acme/users").splitlines()
    assert [line.split()[1] for line in history] == ["2", "1"]
    assert history[0].endswith("set")
    assert store.version(KEY, 1) == STATE


def test_one_stream_at_a_time(store):
    state("set", "acme/users", given=STATE)
    state("set", "acme/users", "--stream", "orders", given='{"v": 3.10}\n')
    assert state("get", "acme/users", "orders") == '{"v": 3.10}\n'
    state("clear", "acme/users", "orders", "--yes")
    assert json.loads(store.read(KEY).text) == {"bookmarks": {"users": {"v": 1.5}}}
    assert '"v": 1.50' in store.read(KEY).text


def test_clearing_asks_for_a_word(store):
    state("set", "acme/users", given=STATE)
    with pytest.raises(Exception, match="say so with --yes"):
        state("clear", "acme/users")
    assert store.read(KEY) is not None


def test_changes_are_in_the_audit_log_of_their_tenant(here, store):
    state("set", "acme/users", given=STATE)
    state("clear", "acme/users", "--yes")
    state("set", "beta/users", given=STATE)
    noted = list(entries(store.layout.home.tenant("acme").audit))
    assert [(each["job"], each["event"], each["facts"]["what"]) for each in noted] == [
        ("acme/users", "state.changed", "set"),
        ("acme/users", "state.changed", "clear"),
    ]
    assert noted[0]["run"] in state("history", "acme/users")


def test_what_is_set_wrong_changes_nothing(store):
    state("set", "acme/users", given=STATE)
    for wrong in ("", "[]", "{", '{"type": "STATE", "value": 1}'):
        with pytest.raises(StateError):
            state("set", "acme/users", given=wrong)
    with pytest.raises(StateError, match="cut or not JSON"):
        state("set", "acme/users", "--stream", "x", given="{")
    assert store.read(KEY).text == STATE


def test_rollback_goes_back_and_can_be_taken_back(store):
    for text in (STATE, OTHER):
        state("set", "acme/users", given=text)
    assert "rolled back to 1, the state is number 3 now" in state("rollback", "acme/users")
    assert store.read(KEY).text == STATE
    assert "rolled back to 2" in state("rollback", "acme/users", 2)
    assert store.read(KEY).text == OTHER
    state("clear", "acme/users", "--yes")
    assert "rolled back to 4, the state is number 5" in state("rollback", "acme/users")
    assert store.read(KEY).text == OTHER


def test_copy_and_move(here, store):
    state("set", "acme/users", given=STATE)
    state("copy", "acme/users", "acme/people")
    assert state("get", "acme/people") == STATE + "\n"
    state("move", "acme/users", "beta/users")
    assert state("get", "beta/users") == STATE + "\n"
    with pytest.raises(StateError, match="acme/users: nothing is stored in"):
        state("get", "acme/users")
    assert state("history", "acme/users").startswith("seq 1")
    with pytest.raises(StateError, match="nothing is stored"):
        state("move", "acme/users", "beta/users")


@pytest.mark.parametrize("to", ["acme/users", "jobs/users.yaml"])
@pytest.mark.parametrize("command", ["copy", "move"])
def test_a_state_is_not_put_in_its_own_place(store, command, to):
    state("set", "acme/users", given=STATE)
    with pytest.raises(StateError, match=f"^acme/users and {to} are one and the same state"):
        state(command, "acme/users", to)
    assert store.read(KEY).seq == 1


@pytest.mark.parametrize("job", ["../evil", "../../x", "a/../../b", "a/b/c", "..", "/x", "acme/", "größe"])
def test_what_cannot_be_a_name_leads_nowhere(here, job):
    with pytest.raises(StateError, match="is neither a job file nor a name of a job"):
        state("set", job, given=STATE)
    assert not (here / ".dativo").exists()


def test_a_job_file_whose_name_leads_elsewhere_is_refused(here):
    (here / "evil.yaml").write_text("name: ../../beta/state/users\n")
    with pytest.raises(StateError, match="does not say whose state it is"):
        state("set", "evil.yaml", given=STATE)


@pytest.mark.parametrize("suffix", ["../x", "/../../../../stolen", "ü", ".", "a" * 129])
def test_a_suffix_that_leads_elsewhere_is_refused(here, suffix):
    for command in (["state", "get", "acme/users", "--suffix"], ["run", "users", "--state-id-suffix"]):
        with pytest.raises(click.BadParameter, match="it must be at most 128 of A-Z"):
            cli.main([*command, suffix], standalone_mode=False)
    assert not (here / ".dativo").exists()


def test_a_suffix_is_a_state_of_its_own(store):
    state("set", "acme/users", "--suffix", "dev", given=OTHER)
    assert store.read(StateKey("acme", "users", "dev")).text == OTHER
    assert store.read(KEY) is None
    assert "acme/users+dev" in state("list")


def test_export_and_import_are_each_others_way_back(here, store):
    state("set", "acme/users", given=STATE)
    state("export", "acme/users", here / "out.json")
    assert json.loads((here / "out.json").read_text())["format"] == "dativo-state"
    state("import", "acme/copy", here / "out.json")
    assert state("get", "acme/copy") == STATE + "\n"
    meltano = state("export", "acme/users", "--meltano")
    assert json.loads(meltano) == {"singer_state": json.loads(STATE)}
    state("import", "acme/third", given=meltano)
    assert state("get", "acme/third") == STATE + "\n"
    state("import", "acme/third", "--merge", given=OTHER)
    assert state("get", "acme/third", "users") == '{"v": 9}\n'
    assert state("get", "acme/third", "orders") == '{"v": 2}\n'


def test_the_editor_gets_the_state_and_what_it_saves_is_stored(here, store, monkeypatch):
    state("set", "acme/users", given=STATE)
    editor = here / "editor"
    editor.write_text('#!/bin/sh\ncp "$1" seen; sed -i s/1.50/7.250/ "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    state("edit", "acme/users")
    assert '"v": 1.50' in (here / "seen").read_text()
    assert '"v": 7.250' in store.read(KEY).text
    editor.write_text("#!/bin/sh\ntrue\n")
    assert "nothing changed" in state("edit", "acme/users")


@pytest.mark.parametrize(
    "change",
    [["set"], ["import"], ["clear", "--yes"], ["rollback"], ["clear", "orders", "--yes"], ["edit"]],
    ids=" ".join,
)
def test_nothing_changes_while_a_run_holds_the_state(store, owner, change, monkeypatch):
    monkeypatch.setenv("VISUAL", "true")
    state("set", "acme/users", given=STATE)
    command, *rest = change
    with store.lock(KEY, owner), pytest.raises(StateBusy, match=f"by run {owner.run}"):
        state(command, "acme/users", *rest, given=OTHER)
    assert store.read(KEY).text == STATE


def test_unlock_says_who_holds_it_and_ends_them(store, owner):
    assert state("unlock", "acme/users") == "acme/users is held by nobody\n"
    ready = os.pipe()
    with store.lock(KEY, owner) as held:
        code = f"import os, time; os.write({ready[1]}, b'x'); time.sleep(300)"
        orphan = subprocess.Popen([sys.executable, "-c", code], pass_fds=[held.fd, ready[1]])
        os.read(ready[0], 1)
    try:
        shown = state("unlock", "acme/users")
        assert f"held by pid {orphan.pid}" in shown
        assert "say --yes" in shown
        assert "they have ended" in state("unlock", "acme/users", "--yes")
        assert orphan.wait(10) == -15
    finally:
        orphan.kill()
        os.close(ready[0])
        os.close(ready[1])
    state("set", "acme/users", given=STATE)


def test_a_file_that_does_not_say_whose_state_it_is(here):
    (here / "x.yaml").write_text("name: [1]\n")
    with pytest.raises(RunnerError, match=r"x\.yaml: it does not say whose state it is"):
        state("get", "x.yaml")


def test_the_command_itself_ends_with_the_code_of_the_error(project, owner):
    job = project.job([{"state": {"n": 1}}])
    assert project.dativo("run", job).returncode == 0
    assert project.dativo("state", "get", job).stdout == '{"n": 1}\n'
    with open_home_store(Home(project.directory / ".dativo")).lock(StateKey(None, "users"), owner):
        done = project.dativo("state", "clear", job, "--yes")
    assert done.returncode == StateBusy.exit_code == 75
    assert "dativo: users is being run since" in done.stderr


@pytest.fixture
def apart(store, owner):
    """A job whose streams were loaded at once."""
    with held_state(store, KEY, owner.run) as held:
        held.write(taken_apart("{}", ["orders", "users"]))
        for stream, bookmark in (("orders", 2), ("users", 1.5)):
            part = held.part(stream)
            part.write(json.dumps({"bookmarks": {stream: {"v": bookmark}}}))
        held.sum_up_parts()
    return store


def bookmarks():
    return json.loads(state("get", "acme/users"))["bookmarks"]


def test_a_job_in_parts_is_shown_as_one(apart):
    assert bookmarks() == {"orders": {"v": 2}, "users": {"v": 1.5}}
    assert state("get", "acme/users", "users").strip() == '{"v": 1.5}'
    (line,) = state("list").splitlines()
    assert "2 streams, 2 in parts" in line
    (facts,) = json.loads(state("list", "--json"))
    assert facts["parts"].keys() == {"orders", "users"}
    assert "dativo_parts" not in state("export", "acme/users")


def test_a_job_in_parts_is_changed_as_one(apart):
    state("set", "acme/users", "--stream", "orders", given='{"v": 7}')
    assert bookmarks() == {"orders": {"v": 7}, "users": {"v": 1.5}}
    assert apart.read(part_key(KEY, "orders")).text == '{"bookmarks": {"orders": {"v": 7}}}'
    state("clear", "acme/users", "users", "--yes")
    assert bookmarks() == {"orders": {"v": 7}}
    state("rollback", "acme/users")
    state("rollback", "acme/users", "2")
    assert bookmarks() == {"orders": {"v": 2}, "users": {"v": 1.5}}
    assert apart.read(part_key(KEY, "orders")).text == '{"bookmarks": {"orders": {"v": 2}}}'


def test_a_job_in_parts_is_copied_and_cleared_as_one(apart):
    state("copy", "acme/users", "acme/people")
    assert apart.read(StateKey("acme", "people")).text == state("get", "acme/users").strip()
    state("clear", "acme/users", "--yes")
    assert list(apart.keys("acme")) == [StateKey("acme", "people")]
    state("rollback", "acme/users")
    assert bookmarks() == {"orders": {"v": 2}, "users": {"v": 1.5}}
