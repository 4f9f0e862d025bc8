"""SIGTERM and SIGINT as a request to stop: at once, or once what must be whole is whole (S3)."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from pathlib import Path

import pytest
from dativo_protocol.signals import Stopped, StopRequest
from dativo_protocol.testing import run


@pytest.fixture
def stop():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    request = StopRequest()
    request.install()
    yield request
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_raises_at_once(stop, number, code):
    with pytest.raises(Stopped) as caught:
        send(number)
    assert caught.value.exit_code == stop.exit_code == code
    assert str(caught.value) == f"stopped by {number.name}"


def test_no_handler_of_failures_catches_it():
    assert not issubclass(Stopped, Exception)


def signalled(stop: StopRequest, steps: list[str]) -> None:
    """Receive a signal two holds deep."""
    with stop.hold(lambda: steps.append("told")):
        with stop.hold():
            send(signal.SIGTERM)
            steps.append("inner")
        steps.append("outer")
    steps.append("beyond")


def test_what_is_held_is_finished_first_and_its_action_is_called_at_once(stop):
    steps = []
    with pytest.raises(Stopped):
        signalled(stop, steps)
    assert steps == ["told", "inner", "outer"]


def test_later_signals_do_not_cut_the_ending_short(stop):
    with pytest.raises(Stopped):
        send(signal.SIGINT)
    send(signal.SIGTERM)
    with stop.hold():
        send(signal.SIGINT)
    assert stop.exit_code == 130


def test_a_failure_in_a_held_block_is_not_replaced(stop):
    with pytest.raises(ProcessLookupError), stop.hold():
        os.kill(os.getpid(), signal.SIGTERM) or os.kill(2**31 - 1, signal.SIGTERM)
    assert stop.exit_code == 143


def test_without_a_signal_nothing_happens(stop):
    with stop.hold():
        pass
    assert stop.exit_code is None


def test_waiting_in_a_lock_that_is_delicate_is_cut_short_too(stop):
    waiting: queue.Queue[None] = queue.Queue()
    sender = threading.Timer(0.05, send, [signal.SIGTERM])
    sender.start()
    with pytest.raises(Stopped):
        waiting.get()
    assert waiting.empty()  # a lock left behind would be waited for here
    sender.join()


def test_a_stop_that_was_put_off_comes_instead_of_the_next_block(stop):
    """The action of that block would not be called any more: a target would read on to its end."""
    exec("send(number)", {"__name__": "queue", "send": send, "number": signal.SIGTERM})
    steps = []
    with pytest.raises(Stopped):
        signalled(stop, steps)
    assert steps == []


def test_a_stop_at_any_point_of_an_exchange_between_threads_is_neither_lost_nor_waited_for():
    script = Path(__file__).parent / "executables" / "stopped_everywhere.py"
    outcome = run([sys.executable, script])
    assert outcome.code == 0, outcome.stderr + outcome.stdout.decode()[-200:]
    assert int(outcome.stdout.split()[-2]) > 100


@pytest.mark.parametrize(("when", "code"), [("first", 143), ("meanwhile", 143), ("last", 2)])
def test_one_that_comes_at_the_edge_of_a_process_is_no_defect_of_it(when, code):
    """A tap that dies in its first moments has its target told to stop in the target's first ones."""
    outcome = run([sys.executable, Path(__file__).parent / "executables/stopped_at_the_edges.py", when])
    assert outcome.code == code, outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert ("stopped by SIGTERM" in outcome.stderr) == (code == 143)
