"""A pipeline on a local directory, and what starts its targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.crash.harness import EPOCHS_BY_RECORDS, LocalPlace, Pipeline
from tests.e2e.crash.nursery import Nursery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    started = Nursery()
    yield started
    started.close()


@pytest.fixture
def pipeline(tmp_path: Path, nursery: Nursery) -> Callable[..., Pipeline]:
    """Makes the pipeline of this test; keywords are settings of the target."""

    def make(records: int = 1000, state_every: int = 50, **target: Any) -> Pipeline:
        settings = {**EPOCHS_BY_RECORDS, "epoch_max_records": 200, "partition_by": ["part"], **target}
        tap = {"records": records, "state_every": state_every}
        return Pipeline(LocalPlace(tmp_path / "lake"), nursery, tmp_path, tap, settings)

    return make
