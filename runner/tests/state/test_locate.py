"""From what people type to a state: whose it is, where it lies, and what is no name of any."""

from __future__ import annotations

import pytest
from dativo.errors import ProblemsError, StateError
from dativo.home import Home
from dativo.state.locate import States
from dativo.state.places import open_home_store
from dativo.state.store import StateKey

JOB = "name: users\ntenant: acme\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project in the working directory."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "dativo.yaml", "version: 1\n")
    return tmp_path


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def find(job, suffix=None, **environ):
    return States(environ).find(str(job), suffix)


def where(located):
    return located.store.place(located.key)


@pytest.mark.parametrize(
    ("job", "directory"),
    [
        ("users", "_/state/users"),
        ("acme/users", "acme/state/users"),
        ("acme/a.b-c_1", "acme/state/a.b-c_1"),
        ("acme/" + "x" * 128, "acme/state/" + "x" * 128),
        ("globally/users", "globally/state/users"),
    ],
)
def test_a_name_leads_to_the_home_of_the_project(here, job, directory):
    assert where(find(job)) == f"{here}/.dativo/tenants/{directory}/state.json"
    assert str(find(job).key) == job


@pytest.mark.parametrize(
    "job",
    [
        "", "/", "/users", "acme/", "..", "acme/..", "../users", "a/b/c", "acme//users", "users.yaml/",
        ".users", "-users", "us ers", "users\n", "users+dev", "users#a", "ü", "x" * 129, "GLOBAL/users",
        "a__b/users", "acme/users/", "~", "*",
    ],
)  # fmt: skip
def test_what_is_neither_a_file_nor_a_name(here, job):
    with pytest.raises(StateError) as caught:
        find(job)
    assert str(caught.value) == f"{job}: is neither a job file nor a name of a job, as in NAME or TENANT/NAME"


def test_a_suffix_makes_another_key(here):
    located = find("acme/users", "dev")
    assert located.key == StateKey("acme", "users", "dev")
    assert where(located) == f"{here}/.dativo/tenants/acme/state/users+dev/state.json"


def test_a_file_says_whose_it_is_whatever_else_is_wrong_with_it(here):
    path = write(here / "anywhere/else.yaml", JOB + "source: 17\nunknown: {a: '${NOT_SET}'}\n")
    assert find(path).key == StateKey("acme", "users")
    assert find(path, "dev").key == StateKey("acme", "users", "dev")
    assert where(find(path)) == f"{here}/.dativo/tenants/acme/state/users/state.json"


def test_variables_of_a_file_are_those_that_are_given(here):
    path = write(here / "jobs/users.yaml", "name: ${NAME}\ntenant: ${TENANT:-acme}\n")
    assert str(find(path, NAME="users").key) == "acme/users"
    assert str(find(path, NAME="users", TENANT="beta").key) == "beta/users"


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "text", "tenant: acme\n", "name: 5\n", "name: [a]\n", "name: ../users\n", "name: null\n",
        "name: users\ntenant: 5\n", "name: users\ntenant: a/b\n", "name: users\ntenant: global\n",
        "name: users\nstate: here\n", "name: users\nstate: {path: 5}\n", "name: users\nstate: {pth: a}\n",
        "name: users\nstate: {history: -1}\n", "name: users\nstate: {store: 'ftp://h'}\n", "name: 'a\n",
    ],
)  # fmt: skip
def test_a_file_that_does_not_say_whose_state_it_is(here, content):
    path = write(here / "jobs/users.yaml", content)
    with pytest.raises(StateError) as caught:
        find(path)
    assert str(caught.value) == (
        f"{path}: it does not say whose state it is: `name`, `tenant` or `state` is wrong"
    )


def test_a_name_finds_the_file_that_has_it_and_what_that_says_of_its_state(here):
    write(here / "jobs/broken.yaml", "name: [")
    write(here / "jobs/other.yaml", "name: users\nstate: {path: other.json}\n")
    write(here / "jobs/some-file.yaml", JOB + "state: {path: s/users.json}\n")
    assert where(find("acme/users")) == f"{here}/jobs/s/users.json"
    assert where(find("acme/users", "dev")) == f"{here}/jobs/s/users+dev.json"
    assert where(find("users")) == f"{here}/jobs/other.json"
    assert where(find("beta/users")) == f"{here}/.dativo/tenants/beta/state/users/state.json"


def test_a_file_is_of_its_own_project_and_a_name_of_that_of_the_working_directory(here):
    write(here / "inner/dativo.yaml", "version: 1\nhome: kept\n")
    path = write(here / "inner/jobs/users.yaml", JOB)
    assert where(find(path)) == f"{here}/inner/kept/tenants/acme/state/users/state.json"
    assert find(path).project.root == here / "inner"
    assert find("acme/users").project.root == here


@pytest.mark.parametrize("chosen", ["other", "other/dativo.yaml"])
def test_a_project_can_be_chosen(here, chosen):
    write(here / "other/dativo.yaml", "version: 1\n")
    path = write(here / "jobs/users.yaml", JOB)
    states = States({}, here / chosen)
    for job in (str(path), "acme/users"):
        assert states.find(job).project.root == here / "other"


def test_a_project_file_that_is_wrong_is_an_error_with_its_place(here):
    write(here / "dativo.yaml", "version: 1\nhom: x\n")
    with pytest.raises(ProblemsError, match=r"dativo\.yaml:2:1: 'hom' is not known; did you mean 'home'"):
        find("users")
    with pytest.raises(ProblemsError, match=r"dativo\.yaml:2:1: 'hom' is not known; did you mean 'home'"):
        list(States({}).all())


def test_the_move_of_an_old_file_is_told_of(here, owner):
    old = write(
        here / ".dativo/state/users.json",
        '{"format": "dativo-state", "version": 1, "job": "users", "state": {"n": 1}}',
    )
    said = []
    located = States({}, say=said.append).find("users")
    with located.store.lock(located.key, owner):
        assert located.store.read(located.key).text == '{"n": 1}'
    assert said == [f"the state has moved from {old} to {where(located)}"]


# --- all of them


def test_all_are_those_of_the_home_and_of_files_of_jobs_each_once(here):
    home = open_home_store(Home(here / ".dativo"))
    for key in (StateKey(None, "gone"), StateKey("acme", "users"), StateKey("acme", "users", "dev")):
        home.write(key, "{}", run="r", after=None)
    home.write(StateKey("acme", "users", None, "a part"), "{}", run="r", after=None)
    write(here / "jobs/a.yaml", "name: a\nstate: {path: s/a.json}\n")
    write(here / "jobs/again.yaml", "name: a\nstate: {path: s/a.json}\n")
    write(here / "jobs/b.yaml", f"name: b\nstate: {{store: 'file:{here}/elsewhere'}}\n")
    write(here / "jobs/c.yaml", f"name: c\nstate: {{store: 'file:{here}/elsewhere'}}\n")
    write(here / "jobs/users.yaml", JOB)
    write(here / "jobs/broken.yaml", "name: [")
    for job, suffix in (("a", None), ("a", "dev"), ("b", None)):
        located = find(job, suffix)
        located.store.write(located.key, "{}", run="r", after=None)
    assert [(str(each.key), where(each)) for each in States({}).all()] == [
        ("gone", f"{here}/.dativo/tenants/_/state/gone/state.json"),
        ("acme/users", f"{here}/.dativo/tenants/acme/state/users/state.json"),
        ("acme/users+dev", f"{here}/.dativo/tenants/acme/state/users+dev/state.json"),
        ("a", f"{here}/jobs/s/a.json"),
        ("a+dev", f"{here}/jobs/s/a+dev.json"),
        ("b", f"{here}/elsewhere/tenants/_/state/b/state.json"),
    ]


def test_a_project_of_nothing_has_none(here):
    assert list(States({}).all()) == []
    assert not (here / ".dativo").exists()


# --- which store a job has


@pytest.mark.parametrize(
    ("project", "state", "place"),
    [
        ("", "", "{here}/.dativo/tenants/acme/state/users/state.json"),
        ("home: kept", "", "{here}/kept/tenants/acme/state/users/state.json"),
        ("state: {{store: 'file:of-all'}}", "", "{here}/of-all/tenants/acme/state/users/state.json"),
        (
            "state: {{store: 'file:of-all'}}\ntenants: {{acme: {{state: {{store: 'file:of-acme'}}}}}}",
            "",
            "{here}/of-acme/tenants/acme/state/users/state.json",
        ),
        (
            "state: {{store: 'file:of-all'}}\ntenants: {{beta: {{state: {{store: 'file:of-beta'}}}}}}",
            "",
            "{here}/of-all/tenants/acme/state/users/state.json",
        ),
        (
            "tenants: {{acme: {{state: {{store: 'file:of-acme'}}}}}}",
            "state: {{store: 'file:of-job'}}",
            "{here}/of-job/tenants/acme/state/users/state.json",
        ),
        ("state: {{store: 'file:of-all'}}", "state: {{path: ../u.json}}", "{here}/jobs/../u.json"),
        ("", "state: {{path: '{here}/abs/u.json'}}", "{here}/abs/u.json"),
        ("", "state: {{path: ~/u.json}}", "{here}/at-home/u.json"),
        ("", "state: {{path: u.json, store: 'file:x'}}", "{here}/jobs/u.json"),
        ("", "state: {{store: 'file:~/x'}}", "{here}/at-home/x/tenants/acme/state/users/state.json"),
    ],
)
def test_the_nearest_that_says_where_counts(here, monkeypatch, project, state, place):
    monkeypatch.setenv("HOME", f"{here}/at-home")
    write(here / "dativo.yaml", "version: 1\n" + project.format(here=here))
    path = write(here / "jobs/users.yaml", JOB + state.format(here=here))
    assert where(find(path)) == place.format(here=here)


@pytest.mark.parametrize("where_said", ["project", "job"])
def test_a_secret_in_the_url_of_a_store_is_refused(here, where_said):
    said = "state: {store: 'postgresql://u:${secret:pg}@h/d'}\n"
    write(here / "dativo.yaml", "version: 1\n" + (said if where_said == "project" else ""))
    path = write(here / "jobs/users.yaml", JOB + (said if where_said == "job" else ""))
    with pytest.raises(StateError) as caught:
        find(path)
    assert str(caught.value) == (
        "state.store: …${secret:pg}…: give the URL without a secret, and the secret to the environment"
    )


@pytest.mark.parametrize("history", [0, 1, 3])
@pytest.mark.parametrize(
    "place", ["history: {}", "history: {}, path: u.json", "history: {}, store: 'file:x'"]
)
def test_a_job_says_how_many_are_kept_and_the_newest_always_is(here, place, history):
    path = write(here / "jobs/users.yaml", JOB + f"state: {{{place.format(history)}}}\n")
    store, key = find(path).store, StateKey("acme", "users")
    stored = None
    for number in range(5):
        stored = store.write(key, f'{{"n": {number}}}', run="r", after=stored)
        store.keep(key, "run")
    assert [each.seq for each in store.versions(key)] == [5, 4, 3, 2, 1][: max(history, 1)]
