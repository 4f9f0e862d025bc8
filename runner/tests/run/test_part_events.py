"""What the process of one stream tells, as the run it belongs to tells it on."""

from __future__ import annotations

import os

import pytest
from dativo.errors import StateConflict
from dativo.home import Home
from dativo.observe.events import (
    Attempted,
    Counted,
    Ended,
    Exited,
    Fill,
    Logged,
    PipesSampled,
    StateStored,
    Ticked,
    UsageSampled,
)
from dativo.observe.log_lines import LogLine, Metric
from dativo.observe.observer import Observer
from dativo.run.frames import write_frame
from dativo.run.part_events import PartEvents, Use
from dativo.state.places import open_store
from dativo.state.run_state import held_state
from dativo.state.store import StateKey

KEY = StateKey("acme", "users")
LINE = LogLine("ERROR", "it hurts")
METRIC = Metric("counter", "record_count", 5, {"stream": "a"})


class Kept:
    """A sink that keeps what it is told."""

    def __init__(self):
        self.events = []

    def take(self, event):
        self.events.append(event)

    def close(self):
        pass


class Run:
    """A run that began at 100 and is 50 seconds old, with streams of its own."""

    def __init__(self, state):
        self.now = 100.0
        self.sink, self.use, self.whole = Kept(), Use(), state
        self.observer = Observer([self.sink], pytest.fail, clock=lambda: self.now)
        self.now = 150.0

    def stream(self, name):
        return PartEvents(name, self.whole.part(name), self.observer, self.use)

    @property
    def told(self):
        told, self.sink.events = self.sink.events, []
        return told


@pytest.fixture
def store(tmp_path):
    return open_store(f"file:{tmp_path}/states", Home(tmp_path / ".dativo"))


@pytest.fixture
def run(store):
    with held_state(store, KEY, "r1") as state:
        yield Run(state)


def framed(*events):
    """What a process writes to tell these."""
    reader, writer = os.pipe()
    for event in events:
        write_frame(writer, event)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        return file.read()


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Logged(3.0, "tap-x", LINE), Logged(50.0, "tap-x", LINE, "a")),
        (Logged(3.0, None, LINE), Logged(50.0, None, LINE, "a")),
        (Counted(3.0, "tap-x", METRIC), Counted(50.0, "tap-x", METRIC)),
        (PipesSampled(3.0, (Fill("t", "u", 0.5),)), PipesSampled(50.0, (Fill("t", "u", 0.5),))),
        (Attempted(9.0, 2, 2.5, "failed", "x", 1), Attempted(50.0, 2, 43.5, "failed", "x", 1, "a")),
        (UsageSampled(3.0, "tap-x", 7, 0.5, 9), UsageSampled(50.0, "tap-x", 7, 0.5)),
        (Exited(3.0, "tap-x", -9), Exited(50.0, "tap-x", -9)),
    ],
)
def test_each_event_is_told_on_by_the_clock_of_the_run(run, event, told):
    run.stream("a").heard(framed(event))
    assert run.told == [told]


def test_what_only_its_own_process_needs_is_not_told_on(run):
    part = run.stream("a")
    part.heard(framed(Ticked(1.0)))
    assert (run.told, part.ended) == ([], None)


def test_its_end_is_kept_and_is_not_the_end_of_the_run(run):
    part, ended = run.stream("a"), Ended(3.0, "failed", "it hurts", 1, retryable=True)
    part.heard(framed(ended))
    assert part.ended == ended
    assert run.told == []


def test_states_are_stored_as_those_of_the_stream_and_counted(run, store):
    part = run.stream("a")
    part.heard(framed(StateStored(1.0, '{"n": 1}', 77), StateStored(2.0, '{"n": 2}')))
    stored = part.state.stored
    assert (stored.text, part.states) == ('{"n": 2}', 2)
    assert part.state.read() == '{"n": 2}'
    assert run.whole.read() is None
    first, second = run.told
    assert (first.at, first.text, second.text) == (50.0, '{"n": 1}', '{"n": 2}')
    assert (first.seq, second.seq) == (1, 2)


def test_streams_store_beside_each_other(run):
    one, other = run.stream("a"), run.stream("b")
    one.heard(framed(StateStored(1.0, '{"n": 1}')))
    other.heard(framed(StateStored(1.0, '{"n": 5}')))
    assert (one.state.read(), other.state.read()) == ('{"n": 1}', '{"n": 5}')


def test_a_state_that_somebody_else_has_replaced_is_an_error(run):
    part, intruder = run.stream("a"), run.whole.part("a")
    part.heard(framed(StateStored(1.0, '{"n": 1}')))
    intruder.read()
    intruder.write('{"n": 9}')
    with pytest.raises(StateConflict):
        part.heard(framed(StateStored(2.0, '{"n": 2}')))
    assert part.states == 1


@pytest.mark.parametrize("size", [1, 5, 64])
def test_events_arrive_in_whatever_pieces(run, size):
    part = run.stream("a")
    data = framed(Logged(1.0, "tap-x", LINE), Counted(2.0, "tap-x", METRIC), Exited(3.0, "tap-x", 0))
    for at in range(0, len(data), size):
        part.heard(data[at : at + size])
    assert [type(event) for event in run.told] == [Logged, Counted, Exited]


def test_use_is_summed_up_over_all_streams(run):
    one, other = run.stream("a"), run.stream("b")
    one.heard(framed(UsageSampled(1.0, "tap-x", 100, 1.5)))
    other.heard(framed(UsageSampled(1.0, "tap-x", 40, 2.0), UsageSampled(1.0, "target-y", 7, 0.5)))
    assert [(each.side, each.memory, each.cpu) for each in run.told] == [
        ("tap-x", 100, 1.5),
        ("tap-x", 140, 3.5),
        ("target-y", 7, 0.5),
    ]


def test_memory_is_that_of_now_and_cpu_never_less_than_before(run):
    part = run.stream("a")
    part.heard(framed(UsageSampled(1.0, "tap-x", 100, 5.0), UsageSampled(2.0, "tap-x", 60, 0.1)))
    assert [(each.memory, each.cpu) for each in run.told] == [(100, 5.0), (60, 5.0)]


def test_who_has_ended_uses_no_memory_but_what_it_did_counts(run):
    one, other = run.stream("a"), run.stream("b")
    one.heard(framed(UsageSampled(1.0, "tap-x", 100, 1.0), Exited(2.0, "tap-x", 0)))
    other.heard(framed(UsageSampled(3.0, "tap-x", 40, 2.0)))
    assert run.told[-1] == UsageSampled(50.0, "tap-x", 40, 3.0)
    assert run.use.of("tap-x") == (40, 3.0)
    assert run.use.of("nobody") == (0, 0)


@pytest.mark.parametrize(
    ("codes", "told"),
    [([0, 0], [0, 0]), ([0, 3], [0, 3]), ([3, 0], [3, 3]), ([-9, 2], [-9, -9]), ([0, 2, -9], [0, 2, 2])],
)
def test_of_many_exit_codes_the_first_that_is_not_0_stands(run, codes, told):
    for number, code in enumerate(codes):
        run.stream(f"s{number}").heard(framed(Exited(1.0, "target-y", code)))
    assert [each.returncode for each in run.told] == told
    assert run.use.exits == {"target-y": told[-1]}
