"""A pipeline into a local directory or into S3, and what starts its targets."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.crash.harness import EPOCHS_BY_RECORDS, Pipeline
from tests.e2e.crash.nursery import Nursery
from tests.e2e.crash.places import LocalPlace, Place, S3Place
from tests.services.seaweedfs import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_prefixes = itertools.count(1)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    started = Nursery()
    yield started
    started.close()


@pytest.fixture
def new_place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], Place]:
    """Makes an empty destination; without a parameter it is local, in the scratch directory it is given."""
    if getattr(request, "param", "local") == "local":
        return lambda scratch: LocalPlace(scratch / "lake")
    server = running(request.config, tmp_path_factory.mktemp("seaweedfs"))
    return lambda _: S3Place(server, server.client(), f"crash-{next(_prefixes)}")


@pytest.fixture
def pipeline(tmp_path: Path, nursery: Nursery, new_place: Callable[[Path], Place]) -> Callable[..., Pipeline]:
    """Makes the pipeline of this test; keywords are settings of the target."""

    def make(records: int = 1000, state_every: int = 50, **target: Any) -> Pipeline:
        settings = {**EPOCHS_BY_RECORDS, "epoch_max_records": 200, "partition_by": ["part"], **target}
        tap = {"records": records, "state_every": state_every}
        return Pipeline(new_place(tmp_path), nursery, tmp_path, tap, settings)

    return make


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On S3, where a run takes seconds, kill at every step once; `DATIVO_CRASH_S3=full` does all of it."""
    if os.environ.get("DATIVO_CRASH_S3") == "full":
        return
    spared = [item for item in items if _is_one_of_many(item)]
    config.hook.pytest_deselected(items=spared)
    items[:] = [item for item in items if item not in spared]


def _is_one_of_many(item: pytest.Item) -> bool:
    values = getattr(getattr(item, "callspec", None), "params", {})
    if values.get("new_place") != "s3" or item.path.parent != Path(__file__).parent:
        return False
    killed_in_every_run = item.name.startswith("test_a_pipeline_killed_in_every_run")
    return (
        values.get("passing", 1) != 1
        or values.get("partition_by") == []
        or values.get("died_at", "commit.file") != "commit.file"
        or (killed_in_every_run and values["step"] != "commit.file")
    )
