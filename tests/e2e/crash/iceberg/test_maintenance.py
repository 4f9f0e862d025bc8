"""Maintenance beside real loads: no run fails, no row is lost, doubled or brought back.

`DATIVO_MAINTENANCE_SECONDS` says how long loads go on, on every kind of catalog; 120 is what is promised.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.testing import run

from tests.e2e.crash.harness import expected
from tests.e2e.crash.iceberg.test_fault_points import CATALOGS
from tests.e2e.crash.iceberg.test_meeting import PATIENCE, TARGET, command, messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.crash.harness import Pipeline

SECONDS = float(os.environ.get("DATIVO_MAINTENANCE_SECONDS", "0"))
"""For which loads follow one another; one of them with 0."""

MAINTENANCE = {"small_files": 2, "snapshot_days": 0, "every_epochs": 0}
EVERY_SECOND = 1.0


class Keeper(threading.Thread):
    """Tends the tables again and again while they are loaded, a second between the beginnings at least."""

    def __init__(self, config: str) -> None:
        super().__init__()
        self._config = config
        self.over = threading.Event()
        self.began = threading.Event()
        self.seen: Counter[str] = Counter()
        self.problems: list[str] = []

    def run(self) -> None:
        while not self.over.is_set():
            again = time.monotonic() + EVERY_SECOND
            ended = run([TARGET, "maintain", "--format", "json", "--config", self._config], timeout=PATIENCE)
            self.seen["maintained"] += 1
            self.seen["conflicts"] += ended.stderr.count("is tried again")
            if ended.code != 0:
                self.problems.append(ended.stderr)
            else:
                tables = json.loads(ended.stdout)["tables"]
                self.seen["compacted"] += sum(each["compaction"]["files_before"] > 0 for each in tables)
            self.began.set()
            self.over.wait(max(0.0, again - time.monotonic()))


def cases() -> list[Any]:
    every = [(catalog, method) for catalog in CATALOGS for method in ("append", "upsert")]
    return every if SECONDS else [("sqlite", "upsert")]


@pytest.mark.parametrize(("new_place", "method"), cases(), indirect=["new_place"])
def test_loads_beside_maintenance_every_second_fail_never_and_lose_nothing(
    pipeline: Callable[..., Pipeline], method: str, record_property: Callable[[str, object], None]
) -> None:
    load = pipeline(method, maintenance=MAINTENANCE)
    generation = 0
    keeper = Keeper(command(load)[-1])
    assert run(command(load), stdin=messages(load, {}), timeout=PATIENCE).code == 0
    keeper.start()
    try:
        assert keeper.began.wait(PATIENCE)
        until = time.monotonic() + SECONDS
        while not generation or time.monotonic() < until:
            generation += 1
            ended = run(command(load), stdin=messages(load, {}, generation=generation), timeout=PATIENCE)
            assert ended.code == 0, ended.stderr
            keeper.seen["conflicts"] += ended.stderr.count("is tried again")
    finally:
        keeper.over.set()
        keeper.join()
    assert keeper.problems == []
    rows = load.place.rows()
    record_property("seen", dict(keeper.seen))
    print(f"{generation + 1} runs, {len(rows)} rows, {dict(keeper.seen)}")
    assert keeper.seen["compacted"] > 0
    assert Counter(rows) == wanted(load, method, generation)


def wanted(load: Pipeline, method: str, last: int) -> Counter[Any]:
    """The rows of every generation, or of each key the last one."""
    columns = load.place.columns
    if method == "upsert":
        return expected(600, last, columns=columns, keys=load.tap["keys"])
    return sum((expected(600, each, columns=columns) for each in range(last + 1)), Counter())
