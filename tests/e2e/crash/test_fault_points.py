"""The target killed at every step of an epoch, and of its recovery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.crash.places import LocalPlace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.crash.harness import Pipeline

STEPS = (
    "epoch.before-prepare",
    "epoch.after-prepare",
    "commit.before",
    "commit.file",
    "commit.after",
    "emit.before",
    "emit.after",
    "done.after",
)
KILLED = -9

pytestmark = pytest.mark.parametrize("new_place", ["local", "s3"], indirect=True)
every_step = pytest.mark.parametrize("step", STEPS)


def names_below(pipeline: Pipeline, directory: str) -> list[str]:
    return pipeline.place.internal(directory)


@every_step
@pytest.mark.parametrize("passing", [1, 2, 4])
def test_appending_goes_on_exactly_where_it_was_killed(
    pipeline: Callable[..., Pipeline], step: str, passing: int
) -> None:
    load = pipeline()
    assert load.run(fault=f"{step}:{passing}").code == KILLED
    state = load.durable()
    load.check(state)
    ended = load.run()
    assert ended.code == 0, ended.stderr
    assert ended.states[-1] == {"next": 1000}
    load.check({"next": 1000})
    load.verify()
    assert names_below(load, "runs") == []


@every_step
def test_a_pipeline_killed_in_every_run_arrives(pipeline: Callable[..., Pipeline], step: str) -> None:
    """Every run is killed in its second epoch, so that each one adds a little."""
    load = pipeline(records=800)
    passing = 5 if step == "commit.file" else 2
    code = KILLED
    for _ in range(10):
        load.check(load.durable())
        code = load.run(fault=f"{step}:{passing}").code
        if code != KILLED:
            break
    assert code == 0
    load.check({"next": 800})
    load.verify()


@every_step
@pytest.mark.parametrize("partition_by", [[], ["part"]])
def test_overwriting_leaves_the_whole_old_or_the_whole_new_table(
    pipeline: Callable[..., Pipeline], step: str, partition_by: list[str]
) -> None:
    load = pipeline(load_method="overwrite", partition_by=partition_by)
    assert load.run().code == 0
    load.tap["generation"] = 1
    assert load.run(fault=step).code == KILLED
    assert load.durable() == {}
    prepared = step != "epoch.before-prepare"
    load.check({"next": 1000}, generation=int(prepared))
    load.verify()
    load.tap["generation"] = 2
    ended = load.run()
    assert ended.code == 0, ended.stderr
    load.check({"next": 1000}, generation=2)
    load.verify()
    assert names_below(load, "runs") == []


def test_streams_that_are_replaced_one_after_the_other_are_completed(
    pipeline: Callable[..., Pipeline],
) -> None:
    load = pipeline(load_method="overwrite")
    assert load.run().code == 0
    load.tap["generation"] = 1
    assert load.run(fault="commit.file:1").code == KILLED
    assert {generation for _, _, generation, _, _ in load.place.rows()} == {0, 1}
    load.durable()
    load.check({"next": 1000}, generation=1)


@pytest.mark.parametrize("load_method", ["append-only", "overwrite"])
@pytest.mark.parametrize("died_at", ["epoch.after-prepare", "commit.file", "commit.after", "emit.after"])
@pytest.mark.parametrize("step", ["recover.before", "commit.file", "recover.after"])
def test_a_recovery_that_is_killed_is_recovered(
    pipeline: Callable[..., Pipeline], load_method: str, died_at: str, step: str
) -> None:
    load = pipeline(load_method=load_method)
    assert load.run(fault=died_at).code == KILLED
    everything_stands = load_method == "overwrite" and step == "commit.file" and died_at in AFTER_PUBLICATION
    nothing_to_publish = everything_stands and isinstance(load.place, LocalPlace)
    assert load.recover(fault=step).code == (0 if nothing_to_publish else KILLED)
    assert load.recover(fault=step).code in (0, KILLED)
    state = load.durable()
    load.check({"next": 1000} if load_method == "overwrite" else state)
    assert load.run().code == 0
    load.check({"next": 1000})


AFTER_PUBLICATION = ("commit.after", "emit.after")


@pytest.mark.parametrize("step", ["epoch.after-prepare", "commit.file", "emit.after"])
def test_a_run_recovers_by_itself_when_nobody_asks(pipeline: Callable[..., Pipeline], step: str) -> None:
    """As with a runner that knows no `--recover`: what is prepared is published, nothing is lost."""
    load = pipeline(records=200)
    assert load.run(fault=step).code == KILLED
    load.tap["records"] = 0
    with_nothing_new = load.run()
    assert with_nothing_new.code == 0, with_nothing_new.stderr
    load.check({"next": 200})


@pytest.mark.parametrize("killed", [False, True])
def test_the_ledger_hands_old_epochs_to_the_manifest(
    pipeline: Callable[..., Pipeline], *, killed: bool
) -> None:
    """Sixteen at a time, once they are two epochs behind; the newest ones keep their STATE."""
    load = pipeline(epoch_max_records=50)
    if killed:
        assert load.run(fault="tidy.kept").code == KILLED
        load.verify()
    ended = load.run()
    assert ended.code == 0, ended.stderr
    assert names_below(load, "ledger/default") == [
        f"00000000{n}.{kind}" for n in (17, 18, 19, 20) for kind in ("done", "json")
    ]
    manifest = "0000000001-0000000016.json"
    assert [Path(name).name for name in names_below(load, "manifest") if "." in name] == [manifest]
    load.verify()
    entry: dict[str, Any] = json.loads(load.place.read(".dativo/ledger/default/0000000020.json"))
    assert json.loads(entry["state"]) == {"next": 1000}
    assert sum(stream["rows"] for stream in entry["streams"]) == 50
    kept: dict[str, Any] = json.loads(load.place.read(f".dativo/manifest/default/{manifest}"))
    assert [epoch["epoch"] for epoch in kept["epochs"]] == list(range(1, 17))
