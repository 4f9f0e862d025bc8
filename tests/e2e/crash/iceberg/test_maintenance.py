"""Maintenance beside real loads: no run fails, no row is lost, doubled or brought back.

`DATIVO_MAINTENANCE_SECONDS` says how long loads go on, on every kind of catalog; 120 is what is promised.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.testing import run

from tests.e2e.crash.harness import expected
from tests.e2e.crash.iceberg.places import NAMESPACE
from tests.e2e.crash.iceberg.test_fault_points import CATALOGS, EVERYTHING
from tests.e2e.crash.iceberg.test_meeting import PATIENCE, TARGET, command, messages
from tests.e2e.crash.places import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyiceberg.table import Table

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


@pytest.mark.parametrize("new_place", CATALOGS if EVERYTHING else CATALOGS[1:], indirect=True)
def test_all_that_maintenance_does_is_done_on_every_catalog(pipeline: Callable[..., Pipeline]) -> None:
    """The files that no table names are older than the second load, which counts as old here."""
    tending = {**MAINTENANCE, "orphan_days": 0}
    load = pipeline("append", partition_by=[], epoch_max_records=300, maintenance=tending)
    assert load.run(state={}).code == 0
    left = [leave_a_file(load, stream) for stream in STREAMS]
    load.tap["generation"] = 1
    assert load.run(state={}).code == 0
    planned, done = load.maintain("--dry-run"), load.maintain()
    for report in (*planned, *done):
        assert report["contents"]["data_files"] == report["compaction"]["files_before"] == 4
        assert report["compaction"]["files_after"] == 1
        assert report["expiry"]["snapshots"] >= 3
        assert report["orphans"]["files"] == 1
    for stream, path in zip(STREAMS, left, strict=True):
        with table_of(load, stream) as table:
            assert len(table.metadata.snapshots) == len(list(table.scan().plan_files())) == 1
            assert not table.io.new_input(path).exists()
    load.tap["generation"] = 2
    assert load.run(state={}).code == 0
    assert Counter(load.place.rows()) == wanted(load, "append", 2)
    load.verify()


@contextmanager
def table_of(load: Pipeline, stream: str) -> Iterator[Table]:
    with closing(load.place.open()) as catalog:
        yield catalog.load_table((NAMESPACE, stream))


def leave_a_file(load: Pipeline, stream: str) -> str:
    """Put a file beside those of a table, as a writer that was killed leaves it."""
    with table_of(load, stream) as table:
        path = f"{table.location()}/data/left.parquet"
        with table.io.new_output(path).create() as sink:
            sink.write(b"left behind")
        return path


def wanted(load: Pipeline, method: str, last: int) -> Counter[Any]:
    """The rows of every generation, or of each key the last one."""
    columns = load.place.columns
    if method == "upsert":
        return expected(600, last, columns=columns, keys=load.tap["keys"])
    return sum((expected(600, each, columns=columns) for each in range(last + 1)), Counter())
