"""target-iceberg at its gate: recovery is over when it says where it stands; kept out, it leaves nothing."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest
from dativo_protocol.testing import Running, run, start

from tests.singer_messages import record, schema, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dativo_protocol.testing import Outcome


@contextmanager
def kept(command: list[str]) -> Iterator[tuple[Running, IO[bytes]]]:
    """The executable at a gate, and the end of the pipe that opens it."""
    reading, writing = os.pipe()
    with (
        os.fdopen(writing, "wb", buffering=0) as gate,
        start(command, env={"DATIVO_GATE_FD": str(reading)}, pass_fds=(reading,)) as process,
    ):
        os.close(reading)
        yield process, gate


def lines(*messages: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in messages)


def ids(rows: Callable[..., list[dict[str, int]]]) -> list[int]:
    return sorted(row["id"] for row in rows("users"))


@pytest.fixture
def one(loaded: Callable[..., Outcome]) -> None:
    loaded(schema(), record(id=1), state({"next": 1}))


@pytest.mark.usefixtures("one")
def test_it_says_what_recover_says_and_loads(
    command: Callable[..., list[str]], rows: Callable[..., list[dict[str, int]]]
) -> None:
    with kept(command()) as (process, gate):
        assert process.read_line() == run([*command(), "--recover"]).stdout == b'{"next": 1}\n'
        gate.write(b"x")
        outcome = process.finish(data=lines(schema(), record(id=2), state({"next": 2})))
    assert outcome.code == 0, outcome.stderr
    assert ids(rows) == [1, 2]


@pytest.mark.usefixtures("one")
def test_it_has_recovered_when_it_answers(
    command: Callable[..., list[str]], rows: Callable[..., list[dict[str, int]]]
) -> None:
    killed = run(
        command(),
        stdin=lines(schema(), record(id=2), state({"next": 2})),
        env={"DATIVO_FAULT": "epoch.after-prepare"},
    )
    assert killed.code == -signal.SIGKILL
    with kept(command()) as (process, gate):
        assert process.read_line() == b'{"next": 2}\n'
        assert ids(rows) == [1, 2]
        gate.write(b"x")
        outcome = process.finish(data=lines(schema(), record(id=3), state({"next": 3})))
    assert outcome.code == 0, outcome.stderr
    assert ids(rows) == [1, 2, 3]


@pytest.mark.usefixtures("one")
def test_kept_out_it_leaves_nothing(command: Callable[..., list[str]], warehouse: Path) -> None:
    def held() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in warehouse.rglob("*") if path.is_file()}

    before = held()
    with kept(command()) as (process, gate):
        process.send(lines(schema("others"), record("others", id=2), state({"next": 2})))
        assert process.read_line() == b'{"next": 1}\n'
        gate.close()
        assert process.finish().code == 0
    assert held() == before
