"""Targets that meet at a table: pipelines of their own share it, two of the same pipeline do not."""

from __future__ import annotations

import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.testing import run, start

from tests.e2e.crash.harness import TAP, expected
from tests.e2e.crash.iceberg.methods import METHODS
from tests.e2e.crash.iceberg.test_fault_points import CATALOGS, cases
from tests.paths import BIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.crash.harness import Pipeline

TARGET = str(BIN / "target-iceberg")
PATIENCE = 120


def command(load: Pipeline, **more: Any) -> list[str]:
    """The real executable, started the ordinary way."""
    name = f"target-{more.get('pipeline', 'default')}.json"
    return [TARGET, "--config", load.write(name, {**load.place.config(), **load.target, **more})]


def messages(load: Pipeline, state: dict[str, Any], **more: Any) -> bytes:
    """What the tap writes from a STATE on."""
    tap = load.write(f"tap-{more.get('generation', 0)}.json", {**load.tap, **more})
    arguments = ("--config", tap, "--state", load.write("state.json", state))
    return subprocess.run((*TAP, *arguments), check=True, capture_output=True).stdout


def load_at_once(load: Pipeline) -> None:
    """Run two pipelines side by side, each with records that say whose they are."""
    jobs = [
        (command(load, pipeline=name), messages(load, {}, generation=generation))
        for generation, name in enumerate(("first", "second"))
    ]
    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(lambda job: run(job[0], stdin=job[1], timeout=PATIENCE), jobs))
    for each in ended:
        assert each.code == 0, each.stderr
        assert each.lines[-1] == {"next": 600}


@pytest.mark.parametrize(
    "new_place", cases(CATALOGS, chosen=lambda catalog: catalog != "rest"), indirect=True
)
def test_two_pipelines_append_to_one_table_at_once(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline("append", epoch_max_records=100)
    if not load.place.all_tables_at_once:  # SeaweedFS lets two writers make the same table at the same time
        assert run(command(load), stdin=messages(load, {}, records=0)).code == 0
    load_at_once(load)
    columns = load.place.columns
    wanted = expected(600, 0, columns=columns) + expected(600, 1, columns=columns)
    assert Counter(load.place.rows()) == wanted


def test_two_pipelines_replace_each_others_rows(pipeline: Callable[..., Pipeline]) -> None:
    """Whoever is last, each key is there once, with the last record of one of them."""
    load = pipeline("upsert", epoch_max_records=100)
    load_at_once(load)
    rows = load.place.rows()
    columns = load.place.columns
    assert Counter(row[:2] for row in rows) == Counter(row[:2] for row in expected(600, keys=150))
    assert set(rows) <= {row for n in (0, 1) for row in expected(600, n, columns=columns, keys=150)}


def test_of_two_targets_of_a_pipeline_the_slower_one_is_fenced(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline("append")
    data = messages(load, {})
    with start(command(load)) as slow:
        slow.send(data[:1000])
        slow.wait_for(lambda _: slow.unread == 0)  # it reads once it knows which epoch is next
        assert run(command(load), stdin=data).code == 0
        loser = slow.finish(data=data[1000:])
    assert (loser.code, loser.stdout) == (1, b"")
    assert "another target writes to this destination as pipeline 'default'" in loser.stderr
    load.check({"next": 600})
    assert load.durable() == {"next": 600}


@pytest.mark.parametrize(
    ("new_place", "method", "step", "others"),
    cases(
        CATALOGS,
        ("append", "schema-change", "upsert"),
        (
            "epoch.after-prepare",
            "commit.before",
            "commit.staged",
            "commit.table",
            "commit.after",
            "emit.before",
        ),
        ("recover", "go on"),
        chosen=lambda catalog, method, step, others: (
            catalog == "sqlite" and (method == "upsert" or (step, others) == ("commit.staged", "go on"))
        ),
    ),
    indirect=["new_place"],
)
def test_a_target_that_wakes_up_late_adds_nothing_twice(
    pipeline: Callable[..., Pipeline], method: str, step: str, others: str
) -> None:
    """It sleeps in its second epoch, which is completed by another that takes it for dead."""
    load = pipeline(method)

    def asleep() -> None:
        state = load.durable()
        assert state == {"next": 400}
        load.check(state)
        if others == "go on":
            assert load.run(state=state).code == 0

    passing = METHODS[method].passing(step, 2)
    woken = load.run(fault=f"{step}:{passing}:STOP", state={}, asleep=asleep)
    assert "Traceback" not in woken.stderr
    assert woken.code == (1 if others == "go on" else 0), woken.stderr
    if others == "go on":
        assert "another target writes" in woken.stderr
    assert woken.states[-1]["next"] in ((200, 400) if others == "go on" else (600,))
    load.check({"next": 600})
    assert load.durable() == {"next": 600}
