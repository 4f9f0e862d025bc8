"""Signals as an error in calls, and as something to read in the loop."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import pytest
from dativo.errors import Interrupted
from dativo.run.signals import STOP_SIGNALS, SignalInbox, raise_on_stop_signals


@pytest.fixture(autouse=True)
def handlers():
    """No stop signal is ignored, as under `nohup`; afterwards every handler is as it was."""
    before = {signum: signal.getsignal(signum) for signum in (*STOP_SIGNALS, signal.SIGCHLD)}
    usual = {signum: signal.SIG_DFL if was is signal.SIG_IGN else was for signum, was in before.items()}
    for signum, handler in usual.items():
        signal.signal(signum, handler)
    yield usual
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.mark.parametrize("signum", STOP_SIGNALS)
def test_a_stop_signal_is_an_error_with_its_exit_code(signum):
    raise_on_stop_signals()
    with pytest.raises(Interrupted) as caught:
        os.kill(os.getpid(), signum)
    assert caught.value.exit_code == 128 + signum


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise_on_stop_signals()
    os.kill(os.getpid(), signal.SIGHUP)
    with SignalInbox() as inbox:
        os.kill(os.getpid(), signal.SIGHUP)
        assert inbox.take() == []


def test_in_the_loop_signals_wait_to_be_taken_in_order():
    with SignalInbox() as inbox:
        assert inbox.take() == []
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert select.select([inbox], [], [], 5)[0] == [inbox]
        assert inbox.take() == [signal.SIGTERM, signal.SIGINT]
        assert inbox.take() == []
        assert select.select([inbox], [], [], 0)[0] == []


def test_a_signal_that_nobody_took_is_heard_after_the_loop():
    """Else a stop that comes while a try ends is forgotten, and the next try begins."""
    raise_on_stop_signals()
    with pytest.raises(Interrupted) as caught, SignalInbox():
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.signum == signal.SIGTERM


def test_one_that_was_taken_is_not_heard_twice():
    raise_on_stop_signals()
    with SignalInbox() as inbox:
        os.kill(os.getpid(), signal.SIGTERM)
        assert inbox.take() == [signal.SIGTERM]


def test_the_end_of_a_child_wakes_the_loop_and_is_no_reason_to_stop():
    with SignalInbox() as inbox:
        child = subprocess.Popen([sys.executable, "-c", ""])
        assert select.select([inbox], [], [], 20)[0] == [inbox]
        assert inbox.take() == []
        child.wait()


def test_everything_is_as_before_afterwards(handlers):
    with SignalInbox():
        assert signal.getsignal(signal.SIGTERM) != handlers[signal.SIGTERM]
    assert {signum: signal.getsignal(signum) for signum in handlers} == handlers
    assert signal.set_wakeup_fd(-1) == -1
