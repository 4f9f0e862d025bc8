"""Targets in S3, beyond being killed: two of them at once, and a store that keeps failing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from dativo_protocol.testing import run, start

from tests.e2e.crash import tap_replay
from tests.paths import BIN
from tests.services.proxy import FaultyProxy
from tests.services.seaweedfs import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.crash.harness import Pipeline

pytestmark = pytest.mark.parametrize("new_place", ["s3"], indirect=True)
KILLED = -9


@pytest.fixture
def proxy(pipeline: Callable[..., Pipeline]) -> Iterator[FaultyProxy]:
    with FaultyProxy(pipeline().place.server.endpoint) as opened:
        yield opened


def uploads(load: Pipeline) -> list[str]:
    """Keys of uploads that are neither completed nor aborted."""
    answer = load.place.client.list_multipart_uploads(Bucket=BUCKET, Prefix=f"{load.place.prefix}/")
    return [upload["Key"] for upload in answer.get("Uploads", ())]


def messages(load: Pipeline) -> bytes:
    lines = [
        tap_replay.line(type="SCHEMA", stream=stream, schema=tap_replay.SCHEMA, key_properties=["n"])
        for stream in ("even", "odd")
    ]
    for number in range(load.tap["records"]):
        values = tap_replay.record(number, 0)
        lines.append(tap_replay.line(type="RECORD", stream=tap_replay.stream_of(number), record=values))
    return b"".join([*lines, tap_replay.line(type="STATE", value={"next": load.tap["records"]})])


def test_of_two_targets_at_once_one_wins_and_the_other_publishes_nothing(
    pipeline: Callable[..., Pipeline],
) -> None:
    load = pipeline()
    config = load.write("config.json", {**load.place.config(), **load.target})
    command = [str(BIN / "target-parquet"), "--config", config]
    data = messages(load)
    with start(command) as slow:
        slow.send(data[:1000])
        slow.wait_for(lambda _: _has_begun(load))
        assert run(command, stdin=data).code == 0
        loser = slow.finish(data=data[1000:])
    assert (loser.code, loser.stdout) == (1, b"")
    assert "another target writes to this destination as pipeline 'default'" in loser.stderr
    load.check({"next": 1000})
    assert load.durable() == {"next": 1000}
    assert uploads(load) == []


def _has_begun(load: Pipeline) -> bool:
    """Whether a run is open: its first request of all leaves this object."""
    answer = load.place.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{load.place.prefix}/.dativo/cond")
    return bool(answer.get("Contents"))


def test_what_a_killed_run_had_staged_stands_in_nobodys_way(pipeline: Callable[..., Pipeline]) -> None:
    """It cannot be told from what a living run stages, so it stays until it is old."""
    load = pipeline()
    assert load.run(fault="epoch.before-prepare").code == KILLED
    staged = uploads(load)
    assert staged
    assert load.durable() == {}
    assert load.run().code == 0
    load.check({"next": 1000})
    assert uploads(load) == staged


def test_a_store_that_keeps_failing_loses_nothing_and_doubles_nothing(
    pipeline: Callable[..., Pipeline], proxy: FaultyProxy
) -> None:
    """Requests are refused, reset, or carried out without an answer, often enough to end most runs."""
    load = pipeline(epoch_max_records=100)
    s3 = {"endpoint_url": proxy.url, "max_attempts": 2, "timeout_seconds": 5.0}
    load.place = replace(load.place, s3=s3)
    failed, state = 0, load.durable()
    for _ in range(60):
        proxy.chance = 0.25 if failed < 8 else 0.02
        ended = load.run(state=state)
        proxy.chance = 0.0
        assert ended.code in (0, 1), ended.stderr
        failed += ended.code
        state = load.durable()
        load.check(state)
        if ended.code == 0:
            break
    load.check({"next": 1000})
    assert failed >= 3
    assert set(proxy.broken()) >= {"500", "reset", "lost"}
