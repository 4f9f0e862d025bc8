"""Commits to Glue, one table after the other.

The other tests of commits go there too with `DATIVO_CRASH_ICEBERG=full`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.marker import read_marker
from target_iceberg.commit.outcomes import Outcome, outcome_of
from target_iceberg.errors import StoreError, UnfinishedError

from tests.services import glue
from tests.services.lake import HURRIED, Lake, always, counting, marker
from tests.services.proxy import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyiceberg.table import Table

UPDATE = "UpdateTable"


@pytest.fixture
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyProxy]:
    with FaultyProxy(glue.running(request.config, tmp_path_factory.mktemp("glue")).endpoint) as running:
        yield running


@pytest.mark.parametrize("action", ["500", "lost"])
def test_an_answer_that_fails_or_gets_lost_doubles_nothing(
    glue_lake: Callable[..., Lake], proxy: FaultyProxy, action: str
) -> None:
    """boto sends the request again, with the version it was for: refused if the first one arrived."""
    lake = glue_lake(proxy.url)
    tables = [lake.create("orders"), lake.create("lines")]
    changes = [always(each, Change(add=(lake.file(each, range(3)),))) for each in tables]
    proxy.inject("POST", UPDATE, action, times=1)
    commit_tables(lake.catalog, marker(1), changes, limits=HURRIED)
    assert proxy.broken() == [action]
    for each in tables:
        assert lake.rows(each) == [0, 1, 2]
        assert len(lake.load(each).metadata.snapshots) == 1
        assert read_marker(lake.load(each).metadata, "nightly") == marker(1)


def test_a_conflict_that_may_be_our_own_commit_is_not_taken_for_a_no(
    glue_lake: Callable[..., Lake], proxy: FaultyProxy
) -> None:
    """The request that boto has sent again is refused, and there is no time left to look at the table."""
    lake = glue_lake(proxy.url)
    orders = lake.create()
    change = always(orders, Change(add=(lake.file(orders, range(3)),)))
    proxy.inject("POST", UPDATE, "lost", times=1)
    with pytest.raises(UnfinishedError):
        commit_tables(lake.catalog, marker(1), [change], limits=replace(HURRIED, attempts=1))
    commit_tables(lake.catalog, marker(1), [change], limits=HURRIED)
    assert lake.rows(orders) == [0, 1, 2]


def test_a_conflict_that_was_looked_at_leaves_no_doubt(glue_lake: Callable[..., Lake]) -> None:
    lake = glue_lake()
    orders = lake.create()
    ours = lake.file(orders, [1])
    plans = []

    def plan(_: Table) -> Change:
        plans.append(True)
        if len(plans) == 2:
            raise StoreError("there is no room")
        commit_tables(lake.catalog, None, [always(orders, Change(add=(lake.file(orders, [2]),)))])
        return Change(add=(ours,))

    with pytest.raises(StoreError, match="no room") as raised:
        commit_tables(lake.catalog, marker(1), [TableCommit(orders, plan)], limits=HURRIED)
    assert not isinstance(raised.value, UnfinishedError)


def test_of_two_updates_of_one_version_the_second_is_planned_anew(
    glue_lake: Callable[..., Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer commits when ours has looked at the table for the last time: Glue alone can tell."""
    lake = glue_lake()
    orders = lake.create()
    ours, theirs = lake.file(orders, [1]), lake.file(orders, [2])
    other = glue_lake()
    commit, heads = counting(orders, lambda _: Change(add=(ours,)))
    update = lake.catalog._update_glue_table
    conflicts = []

    def late(*arguments: object, **more: object) -> None:
        if not conflicts:
            conflicts.append(more["version_id"])
            commit_tables(other.catalog, None, [always(orders, Change(add=(theirs,)))])
        update(*arguments, **more)

    monkeypatch.setattr(lake.catalog, "_update_glue_table", late)
    commit_tables(lake.catalog, marker(1), [commit], limits=HURRIED)
    assert len(conflicts) == 1
    assert len(heads) == 2
    assert lake.rows(orders) == [1, 2]


def test_a_table_may_begin_with_a_branch_but_no_other_writers_branch_is_replaced(
    glue_lake: Callable[..., Lake],
) -> None:
    lake = glue_lake()
    orders = lake.create()
    ours, theirs = lake.file(orders, [1]), lake.file(orders, [2])
    planned = []

    def plan(_: Table) -> Change:
        if not planned:
            planned.append(True)
            commit_tables(lake.catalog, None, [always(orders, Change(add=(theirs,)))], branch="audit")
        return Change(add=(ours,))

    commit_tables(lake.catalog, marker(1), [TableCommit(orders, plan)], branch="audit", limits=HURRIED)
    assert lake.rows(orders) == []
    assert lake.rows(orders, "audit") == [1, 2]


def test_what_glue_refuses_is_not_tried_again() -> None:
    def answered(code: str) -> Outcome:
        return outcome_of(ClientError({"Error": {"Code": code, "Message": "no"}}, UPDATE))

    assert answered("AccessDeniedException") is Outcome.REFUSED
    assert answered("ThrottlingException") is answered("InternalServiceException") is Outcome.UNKNOWN


def test_a_table_that_is_missing_is_an_error_at_once(glue_lake: Callable[..., Lake]) -> None:
    lake = glue_lake()
    with pytest.raises(StoreError, match=f"{lake.namespace}.nowhere"):
        commit_tables(lake.catalog, marker(1), [always((lake.namespace, "nowhere"), Change())])
