"""An epoch gets into its tables once, whatever other writers and the catalog do meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, ValidationError
from pyiceberg.table import CommitTableRequest, CommitTableResponse
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.limits import CommitLimits
from target_iceberg.commit.local_files import local_path
from target_iceberg.commit.marker import Marker, read_marker
from target_iceberg.commit.outcomes import Outcome, catalog_errors, outcome_of
from target_iceberg.errors import FencedError, StoreError, UnfinishedError

from tests.services.lake import HURRIED, Lake, always, marker
from tests.services.proxy import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyiceberg.table import Table

    from tests.services.seaweedfs import SeaweedFS

COMMIT = r"/tables/|/transactions/commit"


@pytest.fixture
def proxy(seaweedfs_server: SeaweedFS) -> Iterator[FaultyProxy]:
    with FaultyProxy(seaweedfs_server.catalog_uri) as running:
        yield running


def test_what_another_writer_has_added_meanwhile_stays(lake: Lake) -> None:
    orders = lake.create()
    ours, theirs = lake.file(orders, range(3)), lake.file(orders, range(10, 12))
    planned = []

    def plan(table: Table) -> Change:
        if not planned:
            commit_tables(lake.catalog, None, [always(orders, Change(add=(theirs,)))])
        planned.append(table.metadata.last_sequence_number)
        return Change(add=(ours,))

    commit_tables(lake.catalog, marker(1), [TableCommit(orders, plan)], limits=HURRIED)
    assert lake.rows(orders) == [0, 1, 2, 10, 11]
    assert len(planned) == 2
    assert planned[0] < planned[1]


def test_a_conflict_that_does_not_end_is_given_up_with_nothing_committed(sqlite_lake: Lake) -> None:
    lake, orders = sqlite_lake, sqlite_lake.create()
    ours = lake.file(orders, range(3))

    def plan(_: Table) -> Change:
        commit_tables(lake.catalog, None, [always(orders, Change(add=(lake.file(orders, range(1)),)))])
        return Change(add=(ours,))

    with pytest.raises(StoreError, match="conflicts") as raised:
        commit_tables(lake.catalog, marker(1), [TableCommit(orders, plan)], limits=HURRIED)
    assert not isinstance(raised.value, UnfinishedError)
    assert read_marker(lake.load(orders).metadata, "nightly") is None


def test_an_epoch_that_is_there_is_not_committed_again(lake: Lake) -> None:
    orders = lake.create()
    for _ in range(2):
        commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(lake.file(orders, range(3)),)))])
    assert lake.rows(orders) == [0, 1, 2]


@pytest.mark.parametrize("late", [marker(1), Marker("nightly", 2, "another-hash", None)])
def test_a_target_that_was_overtaken_is_fenced(lake: Lake, late: Marker) -> None:
    orders = lake.create()
    commit_tables(lake.catalog, marker(2), [always(orders, Change(add=(lake.file(orders, range(3)),)))])
    with pytest.raises(FencedError, match="nightly"):
        commit_tables(lake.catalog, late, [always(orders, Change(add=(lake.file(orders, range(5)),)))])
    assert lake.rows(orders) == [0, 1, 2]


@pytest.mark.parametrize("action", ["500", "503", "reset", "lost", "cut", "spoilt"])
def test_an_answer_that_fails_or_gets_lost_doubles_nothing(
    rest_lake: Callable[..., Lake], proxy: FaultyProxy, action: str
) -> None:
    """Before it was carried out or after: the table is asked what it has."""
    lake = rest_lake(proxy.url)
    tables = [lake.create("orders"), lake.create("users")]
    changes = [always(each, Change(add=(lake.file(each, range(3)),))) for each in tables]
    proxy.inject("POST", COMMIT, action, times=2)
    commit_tables(lake.catalog, marker(1), changes, limits=HURRIED)
    assert action in proxy.broken()
    for each in tables:
        assert lake.rows(each) == [0, 1, 2]
        assert len(lake.load(each).metadata.snapshots) == 1
        assert read_marker(lake.load(each).metadata, "nightly") == marker(1)


def test_a_catalog_that_never_says_what_became_of_a_commit_leaves_it_to_the_next_run(
    rest_lake: Callable[..., Lake], proxy: FaultyProxy
) -> None:
    lake = rest_lake(proxy.url)
    orders = lake.create()
    change = always(orders, Change(add=(lake.file(orders, range(3)),)))
    proxy.inject("POST", COMMIT, "lost", times=1)

    def plan(table: Table) -> Change | None:
        proxy.inject("GET", "/tables/", "500", times=10_000)  # from the commit on
        return change.plan(table)

    hurried = replace(HURRIED, seconds=3)
    with pytest.raises(UnfinishedError):
        commit_tables(lake.catalog, marker(1), [TableCommit(orders, plan)], limits=hurried)
    direct = rest_lake()
    commit_tables(direct.catalog, marker(1), [change])
    assert len(direct.load(orders).metadata.snapshots) == 1


def test_metadata_that_cannot_be_read_is_not_tried_again(sqlite_lake: Lake) -> None:
    """The first wait would be an hour."""
    lake, orders = sqlite_lake, sqlite_lake.create()
    ours = lake.file(orders, range(3))
    local_path(lake.load(orders).metadata_location).write_text('{"format-version": 2}')
    patient = CommitLimits(seconds=7200, first_wait=3600, longest_wait=3600)
    with pytest.raises(StoreError, match="cannot commit to shop") as raised:
        commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(ours,)))], limits=patient)
    assert not isinstance(raised.value, UnfinishedError)


@pytest.mark.parametrize(
    ("document", "outcome"),
    [(CommitTableResponse, Outcome.UNKNOWN), (CommitTableRequest, Outcome.REFUSED)],
)
def test_an_answer_that_cannot_be_read_may_hide_a_commit_but_a_request_of_ours_cannot(
    document: type[BaseModel], outcome: Outcome
) -> None:
    with pytest.raises(ValidationError) as raised:
        document.model_validate_json("{}")
    assert isinstance(raised.value, catalog_errors())
    assert outcome_of(raised.value) is outcome
