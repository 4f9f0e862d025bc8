"""A pipeline into Iceberg tables of each kind of catalog, and what starts its targets."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.crash.harness import EPOCHS_BY_RECORDS, Pipeline
from tests.e2e.crash.iceberg.methods import METHODS
from tests.e2e.crash.iceberg.places import BucketWarehouse, LocalWarehouse
from tests.e2e.crash.nursery import Nursery
from tests.services import postgres, seaweedfs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.crash.places import Place

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    started = Nursery("target-iceberg")
    yield started
    started.close()


@pytest.fixture
def new_place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], Place]:
    """Makes an empty warehouse; without a parameter its catalog is SQLite."""
    kind = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        return lambda scratch: LocalWarehouse(scratch / "lake")
    if kind == "postgres":
        return lambda scratch: LocalWarehouse(
            scratch / "lake", _in_postgres(postgres.running(request.config))
        )
    server = seaweedfs.running(request.config, tmp_path_factory.mktemp("seaweedfs"))
    return lambda _: _bucket_of(server)


def _in_postgres(server: postgres.Postgres) -> dict[str, str]:
    return {"type": "sql", "uri": server.uri(), "name": f"crash{next(_numbers)}"}


def _bucket_of(server: seaweedfs.SeaweedFS) -> BucketWarehouse:
    bucket = f"crash-tables-{next(_numbers)}"
    server.client("s3tables").create_table_bucket(name=bucket)
    return BucketWarehouse(server, bucket)


@pytest.fixture
def pipeline(tmp_path: Path, nursery: Nursery, new_place: Callable[[Path], Place]) -> Callable[..., Pipeline]:
    """Makes the pipeline of this test, of one of the methods; keywords are settings of the target."""

    def make(method: str = "append", records: int = 600, **target: Any) -> Pipeline:
        chosen = METHODS[method]
        tap = {"records": records, "state_every": 50, **chosen.tap}
        settings = {**EPOCHS_BY_RECORDS, "epoch_max_records": 200, **chosen.target, **target}
        return Pipeline(new_place(tmp_path), nursery, tmp_path, tap, settings)

    return make
