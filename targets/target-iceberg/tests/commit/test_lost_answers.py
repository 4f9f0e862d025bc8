"""A database that has committed and whose answer never arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from target_iceberg.commit.change import Change
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.marker import read_marker

from tests.services.lake import PATIENT, Lake, counting, marker
from tests.services.severed import SeveringProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.services.postgres import Postgres


@pytest.fixture
def proxy(postgres_server: Postgres) -> Iterator[SeveringProxy]:
    with SeveringProxy(postgres_server.port) as opened:
        yield opened


@pytest.mark.parametrize("word", [b"COMMIT", b"UPDATE iceberg_tables"])
def test_a_connection_cut_after_the_database_has_answered_doubles_nothing(
    postgres_lake: Callable[..., Lake], proxy: SeveringProxy, word: bytes
) -> None:
    """Once the transaction is committed by then, once it is rolled back: the tables tell."""
    lake = postgres_lake(proxy.port)
    tables = [lake.create("orders"), lake.create("lines")]
    files = {each: lake.file(each, [1, 2]) for each in tables}
    lake.catalog.engine.dispose()
    plans = [counting(each, lambda table: Change(add=(files[table.name()],))) for each in tables]
    proxy.cut_after(word)
    # The next transaction that commits anything is ours: loading a table only reads.
    commit_tables(lake.catalog, marker(1), [commit for commit, _ in plans], limits=PATIENT)

    assert proxy.cuts == 1
    assert [len(heads) for _, heads in plans] == ([1, 1] if word == b"COMMIT" else [2, 2])
    for each in tables:
        table = lake.load(each)
        assert lake.rows(each) == [1, 2]
        assert len(table.metadata.snapshots) == 1
        assert read_marker(table.metadata, "nightly") == marker(1)
