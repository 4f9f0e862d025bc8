"""The state of a job taken apart and put together, with a target that keeps none (no process is started)."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml
from dativo.connectors.registry import load_registry
from dativo.errors import ConnectorError
from dativo.home import Home
from dativo.jobs.ready import load_job
from dativo.observe.connector_log import ConnectorLog
from dativo.observe.console import Console
from dativo.run.division import Division
from dativo.run.recover import (
    asked_target,
    is_object,
    keeps_state,
    may_start_early,
    name_pipeline,
    pipeline_of,
)
from dativo.run.session import open_session
from dativo.secrets.redact import Redactor
from dativo.state.parts import parts_of
from dativo.state.places import open_store
from dativo.state.run_state import held_state

WHOLE = '{"bookmarks": {"a": {"v": 1.10}, "b": {"v": 2}}, "sent": 3}'


class Here:
    """A session of a job, its state held, and what is said on the console."""

    def __init__(self, session, state, store):
        self.session, self.state, self.store = session, state, store
        self.said = io.StringIO()
        console = Console(self.said)
        self.asked = (session, state, ConnectorLog(console, Redactor([])), console)

    @property
    def division(self):
        return Division(*self.asked)

    def write(self, text):
        self.state.read()
        self.state.write(text)

    @property
    def config(self):
        """What the target is called with."""
        argv = self.session.command(self.session.target).argv
        return json.loads(Path(argv[argv.index("--config") + 1]).read_text())


@pytest.fixture
def open_here(project, monkeypatch, tmp_path):
    """Opens a job whose target can what the test says."""
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    opened = []

    def open_here(*capabilities, settings=None, **changes):
        registry = yaml.safe_load(project.registry.read_text())
        registry["connectors"][1]["capabilities"] = list(capabilities)
        if settings is not None:
            (project.directory / "target.json").write_text(json.dumps(settings))
            registry["connectors"][1]["settings"] = "target.json"
        project.registry.write_text(yaml.safe_dump(registry))
        ready = load_job(project.job([], **changes), load_registry([project.registry]), {})
        store = open_store(f"file:{tmp_path}/states", Home(tmp_path / ".dativo"))
        session, state = open_session(ready), held_state(store, ready.key, "r1")
        opened.extend([session, state])
        return Here(session.__enter__(), state.__enter__(), store)

    yield open_here
    for each in reversed(opened):
        each.__exit__(None, None, None)


def test_each_stream_gets_its_own_bookmark_and_the_whole_says_so(open_here):
    here = open_here()
    here.write(WHOLE)
    here.division.take_apart(["b", "a"])
    assert here.state.part("a").read() == '{"bookmarks": {"a": {"v": 1.10}}, "sent": 3}'
    assert here.state.part("b").read() == '{"bookmarks": {"b": {"v": 2}}, "sent": 3}'
    whole = here.state.read()
    assert parts_of(whole) == ("a", "b")
    assert json.loads(whole)["bookmarks"] == json.loads(WHOLE)["bookmarks"]


def test_without_a_state_the_streams_start_from_nothing(open_here):
    here = open_here()
    here.division.take_apart(["a"])
    assert here.state.part("a").read() is None
    assert here.state.read() == '{"dativo_parts": ["a"]}'


def test_a_stream_that_has_a_state_of_its_own_keeps_it(open_here):
    here = open_here()
    here.write(WHOLE)
    here.division.take_apart(["a"])
    part = here.state.part("a")
    part.read()
    part.write('{"bookmarks": {"a": {"v": 9}}}')
    here.division.take_apart(["a", "b"])
    assert here.state.part("a").read() == '{"bookmarks": {"a": {"v": 9}}}'
    assert here.state.part("b").read() == '{"bookmarks": {"b": {"v": 2}}, "sent": 3}'
    assert parts_of(here.state.read()) == ("a", "b")


def test_taking_apart_again_changes_nothing(open_here):
    here = open_here()
    here.write(WHOLE)
    here.division.take_apart(["a", "b"])
    before = here.state.stored.seq
    here.division.take_apart(["b"])
    here.state.read()
    assert here.state.stored.seq == before


def test_a_state_in_many_lines_is_one_line_afterwards(open_here):
    here = open_here()
    here.write('{\r\n "bookmarks": {\n  "a": {"t": "x\\ny"}\n }\n}')
    here.division.take_apart(["a"])
    for text in (here.state.read(), here.state.part("a").read()):
        assert "\n" not in text
        assert "\r" not in text
        assert json.loads(text)["bookmarks"] == {"a": {"t": "x\ny"}}


def test_put_together_the_parts_decide_about_their_own_streams(open_here):
    here = open_here()
    here.write(WHOLE)
    here.division.take_apart(["a", "b"])
    part = here.state.part("a")
    part.read()
    part.write('{"bookmarks": {"a": {"v": 9}, "b": {"v": 0}}, "sent": 4}')
    here.division.put_together()
    assert json.loads(here.state.read()) == {"bookmarks": {"a": {"v": 9}, "b": {"v": 2}}, "sent": 3}
    assert here.said.getvalue() == "users: the states of 2 streams are one again\n"
    assert here.state.part("a").read() is None


@pytest.mark.parametrize("text", [None, WHOLE])
def test_what_is_whole_stays_as_it_is(open_here, text):
    here = open_here()
    if text:
        here.write(text)
    here.division.put_together()
    assert here.state.read() == text
    assert here.said.getvalue() == ""


@pytest.mark.parametrize(
    ("capabilities", "ask", "keeps"),
    [((), True, False), (("recover",), True, True), (("recover",), False, False), (("about",), True, False)],
)
def test_a_destination_is_asked_if_it_can_and_the_job_lets_it(open_here, capabilities, ask, keeps):
    here = open_here(*capabilities, state={"ask_target": ask})
    assert keeps_state(here.session) is keeps


PIPELINE = {"properties": {"pipeline": {"type": "string"}}}


@pytest.mark.parametrize(
    ("config", "settings", "name"),
    [
        ({}, PIPELINE, "acme/users"),
        ({"pipeline": "mine"}, PIPELINE, "mine"),
        ({"pipeline": "mine"}, {"properties": {}}, "mine"),
        ({"pipeline": 5}, PIPELINE, "5"),
        ({}, {"properties": {}}, None),
    ],
)
def test_the_name_that_the_destination_keeps_a_state_under(open_here, config, settings, name):
    here = open_here("recover", settings=settings, tenant="acme", target={"config": config})
    assert pipeline_of(here.session, here.asked[2]) == name
    assert here.division.pipeline("orders") == (name and f"{name}#orders")


def test_a_target_that_keeps_no_state_has_no_name_for_it(open_here):
    here = open_here(settings=PIPELINE)
    assert here.division.pipeline("orders") is None


def test_the_name_is_put_beside_the_settings_of_the_target(open_here):
    here = open_here()
    before = here.config
    name_pipeline(here.session, None)
    assert here.config == before == {"path": "loaded"}
    name_pipeline(here.session, "one")
    name_pipeline(here.session, "two")
    assert here.config == {"path": "loaded", "pipeline": "two"}


@pytest.mark.parametrize(("anew", "start"), [(False, WHOLE), (True, None)])
def test_nobody_asked_a_run_starts_from_what_is_stored(open_here, anew, start):
    here = open_here()
    here.write(WHOLE)
    with asked_target(*here.asked, anew=anew) as found:
        assert (found.guess, found.settled(pytest.fail)) == (start, start)


def test_loaded_anew_the_destination_is_not_asked_but_told_its_name(open_here):
    here = open_here("recover", settings=PIPELINE)
    here.write(WHOLE)
    with asked_target(*here.asked, anew=True) as found:
        assert (found.guess, found.settled(pytest.fail)) == (None, None)
    assert here.config["pipeline"] == "users"


def test_settings_that_are_no_schema_are_an_error_of_the_target(open_here, project):
    here = open_here("recover", settings=[])
    with pytest.raises(ConnectorError, match="holds no JSON Schema"):
        pipeline_of(here.session, here.asked[2])


@pytest.mark.parametrize(
    ("engine", "capabilities", "early"),
    [
        ("native", [], True),
        ("native", ["state", "catalog"], True),
        ("native", ["log-based"], False),
        ("singer", [], False),
        ("singer", ["log-based"], False),
    ],
)
def test_only_a_tap_that_does_no_harm_is_started_on_a_guess(open_here, project, engine, capabilities, early):
    registry = yaml.safe_load(project.registry.read_text())
    registry["connectors"][0] |= {"engine": engine, "capabilities": capabilities}
    project.registry.write_text(yaml.safe_dump(registry))
    assert may_start_early(open_here().session.tap.program) is early


@pytest.mark.parametrize(
    ("text", "is_state"),
    [
        ("{}", True),
        (' {"a": [1]} ', True),
        ("[]", False),
        ("5", False),
        ("null", False),
        ('"{}"', False),
        ("", False),
        ("{", False),
        ("{} {}", False),
        pytest.param("[" * 100_000, False, id="deep"),
    ],
)
def test_a_state_is_an_object(text, is_state):
    assert is_object(text) is is_state
