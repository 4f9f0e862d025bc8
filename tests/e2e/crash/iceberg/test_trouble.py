"""Tables and catalogs that go away or refuse in the middle: what is visible stays exact."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from dativo_protocol.testing import run, start

from tests.e2e.crash.iceberg.places import NAMESPACE
from tests.e2e.crash.iceberg.test_fault_points import CATALOGS, cases
from tests.e2e.crash.iceberg.test_meeting import command, messages
from tests.e2e.crash.test_trouble import as_nobody, critical, public

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.crash.harness import Pipeline
    from tests.e2e.crash.places import Row

__all__ = ["public"]
KILLED = -9


def drop(load: Pipeline, stream: str) -> None:
    with closing(load.place.open()) as catalog:
        catalog.drop_table((NAMESPACE, stream))


def numbers(load: Pipeline, stream: str) -> list[int]:
    """The records that a table has, in order."""
    rows: list[Row] = load.place.rows()
    return sorted(row[1] for row in rows if row[0] == stream)


@pytest.mark.parametrize(
    "new_place", cases(CATALOGS, chosen=lambda catalog: catalog == "sqlite"), indirect=True
)
def test_a_table_dropped_while_it_is_loaded_stops_the_run(pipeline: Callable[..., Pipeline]) -> None:
    """The next run goes on: the table begins anew with what is sent again, the other one lacks nothing."""
    load = pipeline("append")
    data = messages(load, {})
    half = data.index(b'{"type": "STATE", "value": {"next": 250}}')
    with start(command(load)) as target:
        target.send(data[:half])
        assert target.read_line() == b'{"next": 200}\n'
        drop(load, "even")
        ended = target.finish(data=data[half:])
    assert (ended.code, ended.lines) == (1, [{"next": 200}])
    assert f"{NAMESPACE}.even" in critical(ended.stderr)
    completed = load.durable()
    assert completed in ({"next": 200}, {"next": 400})
    assert load.run(state=completed).code == 0
    assert numbers(load, "odd") == list(range(1, 600, 2))
    assert numbers(load, "even") == list(range(completed["next"], 600, 2))


@pytest.mark.parametrize(
    ("new_place", "stream", "step"),
    cases(
        CATALOGS,
        ("even", "odd"),
        ("epoch.after-prepare", "commit.table"),
        chosen=lambda catalog, stream, step: (
            catalog == "sqlite" or (catalog, stream, step) == ("rest", "odd", "commit.table")
        ),
    ),
    indirect=["new_place"],
)
def test_a_table_dropped_before_its_epoch_is_completed_stands_in_nobodys_way(
    pipeline: Callable[..., Pipeline], stream: str, step: str
) -> None:
    load = pipeline("append")
    passing = 3 if step == "commit.table" else 2
    assert load.run(fault=f"{step}:{passing}").code == KILLED
    drop(load, stream)
    state = load.durable()
    assert state in ({"next": 200}, {"next": 400})
    assert load.run(state=state).code == 0
    for each, first in (("even", 0), ("odd", 1)):
        begin = state["next"] + first if each == stream else first
        assert numbers(load, each) == list(range(begin, 600, 2))


def test_a_catalog_that_cannot_be_written_stops_the_run_before_it_begins(
    pipeline: Callable[..., Pipeline], public: Path
) -> None:
    load = pipeline("append", records=400)
    load.place.root.mkdir()
    load.place.root.chmod(0o777)
    assert run(as_nobody(command(load)), stdin=messages(load, {})).code == 0
    catalog = load.place.root / "catalog.db"
    before = catalog.stat().st_mode
    catalog.chmod(0o444)
    load.tap["records"] = 600
    refused = run(as_nobody(command(load)), stdin=messages(load, {"next": 400}))
    assert (refused.code, refused.lines) == (1, [])
    assert "readonly database" in critical(refused.stderr)
    load.check({"next": 400})
    catalog.chmod(before)
    assert run(as_nobody(command(load)), stdin=messages(load, {"next": 400})).code == 0
    load.check({"next": 600})
