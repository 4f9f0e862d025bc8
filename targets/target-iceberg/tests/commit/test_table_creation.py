"""Loaders that find no table all make it; one is first, and the others take what it has made."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from dativo_protocol.messages import SchemaMessage
from sqlalchemy import event
from target_iceberg.catalogs import open_catalog
from target_iceberg.sqlite_catalog import SqliteCatalog
from target_iceberg.table_creation import create_table

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path
    from sqlite3 import Connection

    from pyiceberg.catalog import Catalog

COLUMNS = pa.schema([("id", pa.int64())])
MESSAGE = SchemaMessage("orders", {"properties": {"id": {"type": "integer"}}}, ())
PATIENCE = 60


def meet_before(statement: str, catalogs: list[Catalog]) -> None:
    """Hold each catalog back at its first such statement until all have come to theirs."""
    barrier = Barrier(len(catalogs))
    for catalog in catalogs:
        held: list[str] = []
        if isinstance(catalog, SqliteCatalog):
            meet_before_writing(catalog, barrier)
            continue

        def hold(_: Any, __: Any, sql: str, *___: Any, held: list[str] = held) -> None:
            if sql.startswith(statement) and not held:
                held.append(sql)
                barrier.wait(PATIENCE)

        event.listen(catalog.engine, "before_cursor_execute", hold)  # type: ignore[attr-defined]


def meet_before_writing(catalog: SqliteCatalog, barrier: Barrier) -> None:
    """Hold it back before its first transaction: it has looked then, and found nothing."""
    begin, held = catalog.transaction, []

    def hold() -> AbstractContextManager[Connection]:
        if not held:
            held.append(begin)
            barrier.wait(PATIENCE)
        return begin()

    catalog.transaction = hold  # type: ignore[method-assign]


@pytest.mark.parametrize("kind", ["default", "sqlite", "postgres"])
@pytest.mark.parametrize("contended", ["iceberg_namespace_properties", "iceberg_tables"])
def test_the_second_takes_what_the_first_has_made(
    kind: str, contended: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    properties = {}
    if kind == "sqlite":
        properties = {"type": "sql", "uri": f"sqlite:///{tmp_path}/tables.db?timeout=60"}
    if kind == "postgres":
        server = request.getfixturevalue("postgres_server")
        properties = {"type": "sql", "uri": server.uri(), "name": f"creation-{contended}"}
    catalogs = [open_catalog(properties, str(tmp_path / "lake"), None) for _ in range(2)]
    if contended == "iceberg_tables":
        catalogs[0].create_namespace("shop")
    meet_before(f"INSERT INTO {contended} ", catalogs)
    with ThreadPoolExecutor(2) as threads:
        made = list(
            threads.map(
                lambda catalog: create_table(catalog, ("shop", "orders"), COLUMNS, MESSAGE, ()), catalogs
            )
        )
    assert made[0].metadata.table_uuid == made[1].metadata.table_uuid
    assert catalogs[0].list_tables("shop") == [("shop", "orders")]
