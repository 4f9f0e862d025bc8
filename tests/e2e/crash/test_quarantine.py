"""The target killed while an epoch has bad records, and while repaired ones are loaded."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.e2e.crash import tap_replay
from tests.e2e.crash.harness import expected
from tests.e2e.crash.test_fault_points import KILLED, STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.e2e.crash.harness import Pipeline

BAD_EVERY = 7
RECORDS = 400

pytestmark = pytest.mark.parametrize("new_place", ["local", "s3"], indirect=True)
every_step = pytest.mark.parametrize("died_at", STEPS)


@pytest.fixture
def leaky(pipeline: Callable[..., Pipeline]) -> Pipeline:
    """A pipeline with bad records in every epoch."""
    made = pipeline(records=RECORDS, epoch_max_records=100, on_invalid="quarantine")
    made.tap["bad_every"] = BAD_EVERY
    return made


def check(load: Pipeline, state: Mapping[str, int]) -> None:
    """Every record before the STATE is once in a stream if it is good, and once in quarantine if not."""
    count = state.get("next", 0)
    bad = [number for number in range(count) if number % BAD_EVERY == 0]
    rows = expected(count)
    for stream, number, *values in list(rows):
        if number in bad:
            del rows[stream, number, *values]
    assert Counter(load.place.rows()) == rows
    assert Counter(records_of(load.quarantined())) == Counter(tap_replay.bad_line(n, 0) for n in bad)


def records_of(lines: bytes) -> list[bytes]:
    return [line for line in lines.splitlines(keepends=True) if line.startswith(b'{"type": "RECORD"')]


def repaired(lines: bytes) -> bytes:
    return re.sub(rb'"n": "(\d+)"', rb'"n": \1', lines)


@every_step
def test_bad_records_come_with_their_epoch_or_not_at_all(leaky: Pipeline, died_at: str) -> None:
    assert leaky.run(fault=f"{died_at}:2").code == KILLED
    check(leaky, leaky.durable())
    ended = leaky.run()
    assert ended.code == 0, ended.stderr
    check(leaky, {"next": RECORDS})


@every_step
def test_a_replay_loads_its_records_and_empties_the_quarantine_or_does_neither(
    leaky: Pipeline, died_at: str
) -> None:
    assert leaky.run().code == 0
    lines = leaky.quarantined()
    assert len(records_of(lines)) == len(range(0, RECORDS, BAD_EVERY))
    assert leaky.replay(repaired(lines), fault=died_at).code == KILLED
    assert leaky.durable() == {"next": RECORDS}
    if died_at == "epoch.before-prepare":
        check(leaky, {"next": RECORDS})
    else:
        leaky.check({"next": RECORDS})
        assert leaky.quarantined() == b""
    again = leaky.replay(repaired(lines))
    assert again.code == 0, again.stderr
    leaky.check({"next": RECORDS})
    assert leaky.quarantined() == b""


def test_a_stream_that_is_overwritten_and_the_quarantine_are_published_together(leaky: Pipeline) -> None:
    leaky.target["load_method"] = "overwrite"
    assert leaky.run(fault="commit.file:2").code == KILLED
    assert leaky.durable() == {}
    check(leaky, {"next": RECORDS})
