"""Other writers, and ourselves a second time: nothing is lost, nothing is there twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.limits import CommitLimits
from target_iceberg.commit.marker import read_marker
from target_iceberg.errors import ConflictError, FencedError, StoreError, UnfinishedError

from tests.services.lake import PATIENT, Lake, always, counting, marker, position_deletes

if TYPE_CHECKING:
    from pathlib import Path

    from pyiceberg.table import Table

FOREIGN = 900


def meddle(lake: Lake, identifier: tuple[str, ...], number: int = 0) -> None:
    """Another writer, who knows nothing of us, adds a row with pyiceberg's own append."""
    file = lake.file(identifier, [FOREIGN + number])
    with (
        lake.load(identifier).transaction() as transaction,
        transaction.update_snapshot().fast_append() as append,
    ):
        append.append_data_file(file)


def test_another_process_completes_the_tables_that_are_left(lake: Lake) -> None:
    orders, lines = lake.create("orders"), lake.create("lines")
    commits = [always(each, Change(add=(lake.file(each, [1]),))) for each in (orders, lines)]
    commit_tables(lake.catalog, marker(1), commits[:1])
    commit_tables(lake.catalog, marker(1), commits)
    assert lake.rows(orders) == lake.rows(lines) == [1]


@pytest.mark.parametrize("lake", ["sqlite", "postgres", "rest"], indirect=True)
def test_a_table_in_conflict_holds_back_the_others_of_one_transaction(lake: Lake) -> None:
    """At no time a reader sees one table with the epoch and the other without it."""
    orders, lines = lake.create("orders"), lake.create("lines")
    files = {each: lake.file(each, [1]) for each in (orders, lines)}
    seen = []

    def plan(table: Table) -> Change:
        seen.append([read_marker(lake.load(each).metadata, "nightly") for each in (orders, lines)])
        if len(seen) == 2:  # both are planned, one of them no longer holds
            meddle(lake, lines)
        return Change(add=(files[table.name()],))

    commits = [TableCommit(each, plan) for each in (orders, lines)]
    commit_tables(lake.catalog, marker(1), commits, limits=PATIENT)
    assert seen == [[None, None]] * 4
    assert lake.rows(orders) == [1]
    assert lake.rows(lines) == [1, FOREIGN]


@pytest.mark.parametrize("moved", [True, False])
def test_a_file_that_is_missing_is_a_conflict_if_the_table_has_moved_on(lake: Lake, moved: bool) -> None:
    """Expiry removes what an old snapshot names while a commit reads it; else the table is damaged."""
    orders = lake.create()
    file, attempts = lake.file(orders, [1]), []

    def plan(_: Table) -> Change:
        attempts.append(1)
        if len(attempts) == 1:
            if moved:
                meddle(lake, orders)
            raise StoreError("cannot read the manifests") from FileNotFoundError("snap-1.avro")
        return Change(add=(file,))

    commit = TableCommit(orders, plan)
    if moved:
        commit_tables(lake.catalog, marker(1), [commit], limits=PATIENT)
        assert lake.rows(orders) == [1, FOREIGN]
    else:
        with pytest.raises(StoreError, match="cannot read the manifests"):
            commit_tables(lake.catalog, marker(1), [commit], limits=PATIENT)
        assert len(attempts) == 1


def test_what_an_attempt_in_vain_has_written_is_removed(sqlite_lake: Lake, tmp_path: Path) -> None:
    lake = sqlite_lake
    orders = lake.create()
    file = lake.file(orders, [1])
    commit, heads = counting(orders, lambda _: meddle_once() or Change(add=(file,)))

    def meddle_once() -> None:
        if len(heads) < 4:
            meddle(lake, orders, len(heads))

    commit_tables(lake.catalog, marker(1), [commit], limits=PATIENT)
    table = lake.load(orders)
    used = {table.metadata_location, *(each.metadata_file for each in table.metadata.metadata_log)}
    for snapshot in table.metadata.snapshots:
        used |= {snapshot.manifest_list, *(each.manifest_path for each in snapshot.manifests(table.io))}
    there = {f"file://{path}" for path in tmp_path.rglob("metadata/*")}
    assert there == used
    assert len(heads) == 4


def test_a_zombie_is_fenced_in_the_middle_of_its_attempt(lake: Lake) -> None:
    """It had looked before the others went on: then the head has moved."""
    orders = lake.create()
    late = lake.file(orders, [1])

    def plan(_: Table) -> Change:
        if len(heads) == 1:
            for epoch in (1, 2):
                change = Change(add=(lake.file(orders, [epoch]),))
                commit_tables(lake.catalog, marker(epoch), [always(orders, change)])
        return Change(add=(late,))

    commit, heads = counting(orders, plan)
    with pytest.raises(FencedError):
        commit_tables(lake.catalog, marker(1), [commit], limits=PATIENT)
    assert lake.rows(orders) == [1, 2]


def test_pipelines_do_not_fence_each_other(lake: Lake) -> None:
    orders = lake.create()
    for epoch, pipeline in ((5, "nightly"), (1, "hourly")):
        change = Change(add=(lake.file(orders, [epoch]),))
        commit_tables(lake.catalog, marker(epoch, pipeline), [always(orders, change)])
    assert lake.rows(orders) == [1, 5]
    found = [read_marker(lake.load(orders).metadata, name).epoch for name in ("nightly", "hourly")]
    assert found == [5, 1]


def test_compaction_under_a_load_rebases(lake: Lake) -> None:
    """Rows deleted between planning and commit stay deleted: the plan is made anew or fails."""
    orders = lake.create()
    small = [lake.file(orders, [n]) for n in range(3)]
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=tuple(small)))])
    merged = lake.file(orders, range(3))
    without = lake.file(orders, [0, 2])
    planned = []

    def compact(table: Table) -> Change:
        planned.append(table.current_snapshot().snapshot_id)
        if len(planned) == 1:
            deletes = position_deletes(lake.load(orders), small[1], [0])
            commit_tables(lake.catalog, marker(2), [always(orders, Change(deletes=(deletes,)))])
            return Change(add=(merged,), remove=tuple(small), replace=True)
        return Change(add=(without,), remove=tuple(small), replace=True)

    commit_tables(lake.catalog, None, [TableCommit(orders, compact)], limits=PATIENT)
    assert lake.rows(orders) == [0, 2]
    assert len(planned) == 2
    assert read_marker(lake.load(orders).metadata, "nightly") == marker(2)


def test_an_upsert_whose_files_were_compacted_away_is_planned_anew(lake: Lake) -> None:
    orders = lake.create()
    first = lake.file(orders, [1])
    commit_tables(lake.catalog, marker(1), [always(orders, Change(add=(first,)))])
    new, merged = lake.file(orders, [1]), lake.file(orders, [1])
    commit_tables(lake.catalog, None, [always(orders, Change(add=(merged,), remove=(first,), replace=True))])
    tried = []

    def upsert(table: Table) -> Change:
        hit = merged if tried else first
        tried.append(hit)
        deletes = position_deletes(table, hit, [0])
        return Change(add=(new,), deletes=(deletes,), requires_live=frozenset({hit.file_path}))

    commit_tables(lake.catalog, marker(2), [TableCommit(orders, upsert)], limits=PATIENT)
    assert tried == [first, merged]
    assert lake.rows(orders) == [1]


def test_a_plan_may_ask_to_look_again(lake: Lake) -> None:
    orders = lake.create()
    file = lake.file(orders, [1])

    def plan(_: Table) -> Change:
        if len(heads) < 3:
            raise ConflictError("the head moved while it was read")
        return Change(add=(file,))

    commit, heads = counting(orders, plan)
    commit_tables(lake.catalog, marker(1), [commit], limits=PATIENT)
    assert len(heads) == 3


def test_a_plan_that_fails_after_a_table_has_it_leaves_the_epoch_unfinished(lake: Lake) -> None:
    orders, lines = lake.create("orders"), lake.create("lines")
    commits = [always(each, Change(add=(lake.file(each, [1]),))) for each in (orders, lines)]
    commit_tables(lake.catalog, marker(1), commits[:1])

    def fail(_: Table) -> Change:
        raise StoreError("the disk is full", instruction="Make room.")

    with pytest.raises(UnfinishedError, match="the disk is full") as failure:
        commit_tables(lake.catalog, marker(1), [commits[0], TableCommit(lines, fail)])
    assert failure.value.instruction == "Make room."
    with pytest.raises(StoreError, match="the disk is full") as failure:
        commit_tables(lake.catalog, marker(2), [TableCommit(lines, fail)])
    assert not isinstance(failure.value, UnfinishedError)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_many_writers_of_two_tables(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Each in a connection of its own and with the tables in another order; every epoch lands once."""
    if kind == "sqlite":
        from target_iceberg.catalogs import open_catalog

        lakes = [
            Lake(open_catalog({}, str(tmp_path / "lake"), None), f"file://{tmp_path}/lake") for _ in range(3)
        ]
    else:
        lakes = [request.getfixturevalue("postgres_lake")() for _ in range(3)]
    orders, lines = lakes[0].create("orders"), lakes[0].create("lines")
    epochs = 5
    limits = CommitLimits(attempts=1000, seconds=120, first_wait=0.01, longest_wait=0.2)
    errors: list[BaseException] = []

    def load(number: int) -> None:
        lake = lakes[number]
        tables = (orders, lines) if number % 2 else (lines, orders)
        try:
            for epoch in range(1, epochs + 1):
                ids = [100 * number + epoch]
                commits = [always(each, Change(add=(lake.file(each, ids),))) for each in tables]
                commit_tables(lake.catalog, marker(epoch, f"writer{number}"), commits, limits=limits)
        except BaseException as error:  # noqa: BLE001 -- goes to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    expected = sorted(100 * number + epoch for number in range(3) for epoch in range(1, epochs + 1))
    assert lakes[0].rows(orders) == lakes[0].rows(lines) == expected
