"""The target killed at every step of an epoch, and of its recovery, with each kind of catalog."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.crash.iceberg.methods import ADDING, METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.e2e.crash.harness import Pipeline

KILLED = -9
CATALOGS = ("sqlite", "postgres", "rest")
STEPS = (
    "epoch.before-prepare",
    "epoch.after-prepare",
    "commit.before",
    "commit.file",
    "commit.staged",
    "commit.table",
    "commit.after",
    "emit.before",
    "emit.after",
    "done.after",
)
OF_TABLES = ("commit.file", "commit.staged", "commit.table")
"""Steps whose passing depends on how many tables there are."""
ELSEWHERE = {
    ("postgres", "append", "commit.table"),
    ("postgres", "overwrite", "commit.table"),
    ("postgres", "upsert", "commit.staged"),
    ("postgres", "schema-change", "commit.after"),
    ("rest", "append", "commit.table"),
    ("rest", "overwrite", "commit.table"),
    ("rest", "upsert", "commit.file"),
    ("rest", "schema-change", "commit.staged"),
}
"""What every run of the tests looks at beside SQLite."""


RECOVERIES = {
    ("sqlite", "append", "epoch.after-prepare", "recover.before"),
    ("sqlite", "append", "commit.file", "commit.table"),
    ("sqlite", "schema-change", "commit.staged", "commit.staged"),
    ("sqlite", "upsert", "epoch.after-prepare", "commit.file"),
    ("sqlite", "upsert", "commit.staged", "commit.table"),
    ("sqlite", "upsert", "commit.table", "recover.after"),
    ("postgres", "upsert", "commit.table", "commit.table"),
    ("rest", "append", "commit.table", "commit.table"),
}
"""The same of recoveries."""
EVERYTHING = os.environ.get("DATIVO_CRASH_ICEBERG") == "full"


def cases(*axes: Iterable[Any], chosen: Callable[..., bool]) -> list[Any]:
    """The combinations that are chosen, or every one with `DATIVO_CRASH_ICEBERG=full`."""
    found = [values for values in itertools.product(*axes) if EVERYTHING or chosen(*values)]
    return found if len(axes) > 1 else [value for (value,) in found]


@pytest.mark.parametrize(
    ("new_place", "method", "step", "epoch"),
    cases(
        CATALOGS,
        ADDING,
        STEPS,
        (1, 2),
        chosen=lambda catalog, method, step, epoch: (
            epoch == 2
            and (
                (catalog == "sqlite" and (method != "one-table" or step in OF_TABLES))
                or (catalog, method, step) in ELSEWHERE
            )
        ),
    ),
    indirect=["new_place"],
)
def test_a_run_goes_on_exactly_where_it_was_killed(
    pipeline: Callable[..., Pipeline], method: str, step: str, epoch: int
) -> None:
    load = pipeline(method)
    passing = METHODS[method].passing(step, epoch)
    assert load.run(fault=f"{step}:{passing}").code == KILLED
    state = load.durable()
    assert state == ({"next": 200 * reached} if (reached := epoch - (step == STEPS[0])) else {})
    load.check(state)
    ended = load.run(state=state)
    assert ended.code == 0, ended.stderr
    load.check({"next": 600})
    load.verify()
    assert load.durable() == {"next": 600}
    assert load.place.internal("runs") == []


@pytest.mark.parametrize(
    ("new_place", "step"),
    cases(
        CATALOGS,
        STEPS,
        chosen=lambda catalog, step: catalog == "sqlite" or (catalog, "overwrite", step) in ELSEWHERE,
    ),
    indirect=["new_place"],
)
def test_overwriting_leaves_all_old_tables_or_all_new_ones(
    pipeline: Callable[..., Pipeline], step: str
) -> None:
    """Also before anybody has recovered, where the catalog takes several tables at once."""
    load = pipeline("overwrite")
    assert load.run().code == 0
    load.tap["generation"] = 1
    assert load.run(fault=step).code == KILLED
    if load.place.all_tables_at_once:
        assert len({row[2] for row in load.place.rows()}) == 1
    assert load.durable() == {}
    load.check({"next": 600}, generation=int(step != STEPS[0]))
    load.tap["generation"] = 2
    ended = load.run(state={})
    assert ended.code == 0, ended.stderr
    load.check({"next": 600}, generation=2)
    load.verify()
    assert load.place.internal("runs") == []


@pytest.mark.parametrize(
    ("new_place", "method", "died_at", "step"),
    cases(
        CATALOGS,
        ADDING,
        ("epoch.after-prepare", "commit.file", "commit.staged", "commit.table", "commit.after"),
        ("recover.before", "commit.file", "commit.staged", "commit.table", "recover.after"),
        chosen=lambda *values: values in RECOVERIES,
    ),
    indirect=["new_place"],
)
def test_a_recovery_that_is_killed_is_recovered(
    pipeline: Callable[..., Pipeline], method: str, died_at: str, step: str
) -> None:
    load = pipeline(method)
    second = METHODS[method].passing(died_at, 2)
    assert load.run(fault=f"{died_at}:{second}").code == KILLED
    assert load.recover(fault=step).code in (0, KILLED)
    assert load.recover(fault=step).code in (0, KILLED)
    assert load.durable() == {"next": 400}
    load.check({"next": 400})
    load.verify()
    assert load.run().code == 0
    load.check({"next": 600})


@pytest.mark.parametrize("method", cases(ADDING, chosen=lambda method: method in ("append", "upsert")))
def test_a_pipeline_killed_in_every_run_arrives(pipeline: Callable[..., Pipeline], method: str) -> None:
    """Each time at another step, so that each run adds an epoch or nothing."""
    load = pipeline(method, epoch_max_records=100)
    code = KILLED
    for step in (*STEPS, *STEPS):
        state = load.durable()
        load.check(state)
        code = load.run(fault=step, state=state).code
        if code != KILLED:
            break
    assert code == 0
    load.check({"next": 600})
    load.verify()


def test_no_file_is_left_that_no_table_names(pipeline: Callable[..., Pipeline]) -> None:
    """A killed run leaves nothing for the removal of orphans to find, wherever it was killed."""
    load = pipeline("append", epoch_max_records=100)
    for step in STEPS:
        assert load.run(fault=step).code == KILLED or load.durable() == {"next": 600}
    load.check({"next": 600})
    assert load.place.data_files() == load.place.live_data_files()
