"""Connectors that are asked what they are, and answer as they like."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from dativo.connectors import probe
from dativo.connectors.probe import AboutCache, ask
from dativo.errors import ConnectorError

ABOUT = {"name": "tap-x", "version": "1.2", "capabilities": ["state"], "settings": {"properties": {}}}


@pytest.fixture
def tap(tmp_path):
    def tap(script):
        path = tmp_path / "tap-x"
        path.write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        path.chmod(0o755)
        return path

    return tap


def test_an_answer_to_about(tap):
    about = ask(tap(f"echo '{json.dumps(ABOUT)}'"))
    assert (about.name, about.version, about.answered) == ("tap-x", "1.2", True)
    assert about.capabilities == ("about", "state")


def test_an_answer_to_help(tap):
    about = ask(tap('[ "$1" = --help ] || exit 2; echo "--config --catalog --discover" >&2'))
    assert not about.answered
    assert about.capabilities == ("discover", "catalog")


def test_it_is_asked_once(tap, tmp_path):
    asked = tap(f"echo x >> asked; echo '{json.dumps(ABOUT)}'")
    cache = AboutCache(tmp_path / "cache")
    assert cache.about(asked) == cache.about(asked)
    assert (tmp_path / "asked").read_text() == "x\n"


@pytest.mark.parametrize("script", ["echo no idea; exit 1", "echo '[]'", "exit 0"])
def test_what_answers_nothing_is_no_connector(tap, script):
    with pytest.raises(ConnectorError, match="tap-x is no Singer connector that can be used"):
        ask(tap(script))


def test_what_cannot_be_started_is_told(tmp_path):
    with pytest.raises(ConnectorError, match="tap-y cannot be started: No such file or directory"):
        ask(tmp_path / "tap-y")


@pytest.mark.parametrize("where", ["", ">&2"])
def test_one_that_does_not_stop_talking_is_stopped(tap, tmp_path, monkeypatch, where):
    monkeypatch.setattr(probe, "ANSWER_BYTES", 100_000)
    with pytest.raises(ConnectorError, match="`tap-x --about` answered with more than 100,000 bytes"):
        ask(tap(f"echo $$ > pid; exec yes {where}"))
    assert has_gone(int((tmp_path / "pid").read_text()))


def test_one_that_says_nothing_is_stopped_with_what_it_has_started(tap, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "SECONDS", 0.3)
    with pytest.raises(ConnectorError, match=r"`tap-x --about` did not answer within 0\.3 s"):
        ask(tap("sleep 300 & echo $! > pid; wait"))
    assert has_gone(int((tmp_path / "pid").read_text()))


def has_gone(pid):
    """Waits until a process has ended."""
    for _ in range(1000):
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True
        if status.rsplit(")", 1)[1].split()[0] in ("Z", "X"):
            return True
        time.sleep(0.01)
    return False


def test_it_sees_little_of_the_environment(tap, monkeypatch):
    monkeypatch.setenv("PLANTED", "s3cret")
    about = ask(tap(f"""[ -z "$PLANTED" ] && echo '{json.dumps(ABOUT)}'"""))
    assert about.answered
