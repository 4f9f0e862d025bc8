"""What the crash tests are made of: a place to load into, and one run as `dativo run` does it.

A run asks the target for its durable STATE, starts the tap from it, and joins the two by a pipe whose write
end it holds too: the target sees the end of its input only when the tap has exited with 0.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.e2e.crash import tap_replay
from tests.e2e.crash.places import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.e2e.crash.nursery import Nursery
    from tests.e2e.crash.places import Place, Row

TAP = (sys.executable, "-S", "-E", str(Path(__file__).with_name("tap_replay.py")))
EPOCHS_BY_RECORDS = {"epoch_max_bytes": 0, "epoch_max_seconds": 0}
SECONDS = 120.0


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    stdout: bytes
    stderr: str
    seconds: float

    @property
    def states(self) -> list[dict[str, Any]]:
        """The whole lines of its output."""
        return [json.loads(line) for line in self.stdout.split(b"\n")[:-1]]


def expected(
    count: int,
    generation: int = 0,
    *,
    columns: Sequence[str] = COLUMNS,
    streams: int = 2,
    keys: int | None = None,
    widened_at: int | None = None,
) -> Counter[Row]:
    """The rows of the first `count` records, each once; of those with the same key the last one."""
    rows: dict[tuple[str, int], Row] = {}
    for number in range(count):
        values = tap_replay.record(number, generation, keys, widened_at)
        stream = tap_replay.stream_of(number, streams)
        rows[stream, values["n"]] = (stream, *map(values.get, columns))
    return Counter(rows.values())


@dataclass
class Pipeline:
    """One tap and one target, run again and again.

    Attributes:
        place: the destination.
        nursery: starts the targets.
        scratch: directory for configurations.
        tap: settings of the tap.
        target: settings of the target besides the destination.
    """

    place: Place
    nursery: Nursery
    scratch: Path
    tap: dict[str, Any] = field(default_factory=lambda: {"records": 1000, "state_every": 50})
    target: dict[str, Any] = field(default_factory=dict)

    def recover(self, *, fault: str = "", kill_after: float = SECONDS) -> Ended:
        """Ask for the durable STATE."""
        with _Target(self, ["--recover"], fault, subprocess.DEVNULL) as target:
            return target.ended(kill_after)

    def durable(self) -> dict[str, Any]:
        """The STATE to start from; {} if there is none."""
        answer = self.recover()
        assert answer.code == 0, answer.stderr
        return answer.states[0] if answer.states else {}

    def quarantined(self) -> bytes:
        """The lines in quarantine, as `replay` writes them."""
        with _Target(self, ["replay"], "", subprocess.DEVNULL) as target:
            ended = target.ended(SECONDS)
        assert ended.code == 0, ended.stderr
        return ended.stdout

    def replay(self, lines: bytes, *, fault: str = "") -> Ended:
        """Load repaired lines."""
        path = self.scratch / "repaired.singer"
        path.write_bytes(lines)
        with _Target(self, ["replay", "--input", str(path)], fault, subprocess.DEVNULL) as target:
            return target.ended(SECONDS)

    def run(
        self,
        *,
        fault: str = "",
        kill_after: float = SECONDS,
        once: Callable[[], bool] = lambda: True,
        state: Mapping[str, Any] | None = None,
        asleep: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Load from the durable STATE on.

        Args:
            fault: point at which the target dies.
            kill_after: seconds after which it is killed.
            once: what has to happen before those seconds begin.
            state: what recovery has just answered, if it was asked.
            asleep: what happens while it sleeps, if the fault is one that stops it.
        """
        path = self.write("state.json", self.durable() if state is None else state)
        reading, writing = os.pipe()
        with _Target(self, [], fault, reading) as target:
            os.close(reading)
            command = (*TAP, "--config", self.write("tap.json", self.tap), "--state", path)
            with subprocess.Popen(command, stdout=writing) as tap:
                try:
                    target.feed_until_end(tap, writing, kill_after, once, asleep)
                    return target.ended(0.0)
                finally:
                    tap.kill()

    def prepared(self) -> int:
        """Epochs that have been written down so far."""
        entries = [name for name in self.place.internal("ledger") if name.endswith(".json")]
        return max((int(Path(name).stem) for name in entries), default=0)

    def check(self, state: Mapping[str, Any], generation: int = 0) -> None:
        """Hold what is visible against a STATE: every record before it once, no record after it."""
        story = {name: self.tap[name] for name in ("streams", "keys", "widened_at") if name in self.tap}
        wanted = expected(state.get("next", 0), generation, columns=self.place.columns, **story)
        assert Counter(self.place.rows()) == wanted

    def verify(self) -> None:
        """Let the target hold all that is visible against its ledger.

        Files of a table that is upserted to have rows that were replaced, and some are copies of loaded ones.
        """
        with _Target(self, ["verify", "--format", "json"], "", subprocess.DEVNULL) as target:
            answer = target.ended(SECONDS)
        assert answer.code == 0, answer.stderr
        streams = json.loads(answer.stdout)["streams"]
        rows, visible = sum(each["rows"] for each in streams), len(self.place.rows())
        if self.target.get("load_method") == "upsert":
            assert rows >= visible
        else:
            assert [each["unknown"] for each in streams] == [[]] * len(streams)
            assert rows == visible

    def maintain(self, *more: str) -> list[dict[str, Any]]:
        """Let the target tend its tables; returns what it says of each."""
        with _Target(self, ["maintain", "--format", "json", *more], "", subprocess.DEVNULL) as target:
            ended = target.ended(SECONDS)
        assert ended.code == 0, ended.stderr
        tables: list[dict[str, Any]] = json.loads(ended.stdout)["tables"]
        return tables

    def write(self, name: str, document: Mapping[str, Any]) -> str:
        """Write a JSON file into the scratch directory; returns its path."""
        path = self.scratch / name
        path.write_text(json.dumps(document))
        return str(path)


class _Target:
    """A target that runs; whatever happens it has ended in the end."""

    def __init__(self, pipeline: Pipeline, arguments: Sequence[str], fault: str, source: int) -> None:
        self._began = time.monotonic()
        self._nursery = pipeline.nursery
        self._out = tempfile.TemporaryFile(dir=pipeline.scratch)  # noqa: SIM115 -- closed on leaving
        self._errors = tempfile.TemporaryFile(dir=pipeline.scratch)  # noqa: SIM115 -- closed on leaving
        config = pipeline.write("target.json", {**pipeline.place.config(), **pipeline.target})
        environment = {"DATIVO_FAULT": fault} if fault else {}
        files = (source, self._out.fileno(), self._errors.fileno())
        self.pid = self._nursery.start(["--config", config, *arguments], environment, files)
        self._handle = os.pidfd_open(self.pid)
        self._code: int | None = None

    def __enter__(self) -> _Target:
        return self

    def __exit__(self, *_: object) -> None:
        if self._code is None:
            self.kill()
            self._nursery.reap(self.pid)
        for file in (self._out, self._errors):
            file.close()
        os.close(self._handle)

    def kill(self) -> None:
        signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def has_ended(self, seconds: float) -> bool:
        """Wait so long for its end."""
        return bool(select.select([self._handle], [], [], seconds)[0])

    def ended(self, kill_after: float) -> Ended:
        """Wait for its end, which comes after `kill_after` seconds at the latest."""
        if not self.has_ended(kill_after):
            self.kill()
        self._code = self._nursery.reap(self.pid)
        seconds = time.monotonic() - self._began
        return Ended(self._code, _content(self._out), _content(self._errors).decode(), seconds)

    def _is_asleep(self) -> bool:
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def feed_until_end(
        self,
        tap: subprocess.Popen[bytes],
        writing: int,
        kill_after: float,
        once: Callable[[], bool],
        asleep: Callable[[], None],
    ) -> None:
        """Give it the end of its input when the tap has ended well; return when it has ended or has to."""
        deadline, fed = math.inf, False
        while time.monotonic() < deadline and not self.has_ended(0.001):
            if self._is_asleep():
                asleep()
                signal.pidfd_send_signal(self._handle, signal.SIGCONT)
            if deadline == math.inf and once():
                deadline = time.monotonic() + kill_after
            if not fed and (code := tap.poll()) is not None:
                fed = True
                os.close(writing)
                if code != 0:
                    signal.pidfd_send_signal(self._handle, signal.SIGTERM)
        if not fed:
            os.close(writing)


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
