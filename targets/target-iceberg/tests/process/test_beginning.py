"""A catalog or table that cannot be had ends the run with a clear error, however late that is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from target_iceberg.catalogs import CATALOG_FILE

from tests.singer_messages import record, schema, state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dativo_protocol.testing import Outcome

MESSAGES = (schema(), *(record(id=number) for number in range(10)), state(1))


@pytest.mark.parametrize("messages", [MESSAGES, (state(1),), ()])
def test_a_catalog_that_cannot_be_opened(
    load: Callable[..., Outcome], warehouse: Path, messages: tuple[object, ...]
) -> None:
    warehouse.mkdir()
    (warehouse / CATALOG_FILE).write_bytes(b"no database" * 1000)
    outcome = load(*messages)
    assert outcome.code == 1
    assert "cannot open the catalog: file is not a database" in outcome.stderr
    assert outcome.stdout == b""
    assert not list(warehouse.rglob("*.parquet"))


def test_a_table_that_cannot_be_made(load: Callable[..., Outcome], warehouse: Path) -> None:
    """Its rows are being encoded by then; none of them stays, and no STATE comes out."""
    warehouse.mkdir()
    (warehouse / "default").write_text("in the way")
    outcome = load(*MESSAGES)
    assert outcome.code == 1
    assert "cannot create table default.users" in outcome.stderr
    assert outcome.stdout == b""
    assert not list(warehouse.rglob("*.parquet"))


def test_a_run_goes_on_from_a_table_that_fits_it(
    loaded: Callable[..., Outcome], rows: Callable[..., list[dict[str, int]]]
) -> None:
    for start in (0, 10):
        outcome = loaded(schema(), *(record(id=start + number) for number in range(10)), state(start))
        assert json.loads(outcome.stdout) == start
    assert sorted(row["id"] for row in rows("users")) == list(range(20))
