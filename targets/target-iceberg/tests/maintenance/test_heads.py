"""Branches are tended without standing in the way of what waits there to be published."""

from typing import Any

import pytest
from target_iceberg.branches import fast_forward
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.maintenance.compaction import compact
from target_iceberg.maintenance.expiry import expire
from target_iceberg.maintenance.heads import Heads
from target_iceberg.maintenance.report import Compaction, TableReport
from target_iceberg.maintenance.settings import MaintenanceSettings
from target_iceberg.maintenance.upkeep import Upkeep, inline_upkeep

from tests.readers.tables import write_data_file

from .conftest import IDENTIFIER, LIMITS, Lake, numbered

SETTINGS = MaintenanceSettings(small_files=2, snapshot_days=0)
AUDIT = Heads(loaded="audit")


def append(lake: Lake, branch: str | None, first: int) -> None:
    file = write_data_file(lake.table, numbered(first, 1))
    commit = TableCommit(IDENTIFIER, lambda _: Change(add=(file,)))
    commit_tables(lake.catalog, None, [commit], branch=branch, limits=LIMITS)


def tended(lake: Lake, heads: Heads) -> TableReport:
    return Upkeep(lake.catalog, SETTINGS, set, LIMITS, heads).tend(IDENTIFIER)


def files(lake: Lake, branch: str) -> int:
    return len(list(lake.table.scan().use_ref(branch).plan_files()))


def ids(lake: Lake, branch: str) -> list[Any]:
    return sorted(lake.table.scan().use_ref(branch).to_arrow()["id"].to_pylist())


@pytest.fixture
def audited(lake: Lake) -> Lake:
    """Three files on `main`, three more on the branch."""
    for first in range(3):
        append(lake, None, first)
    for first in range(3, 6):
        append(lake, "audit", first)
    return lake


def test_a_branch_that_is_loaded_is_tended_and_can_be_published(audited: Lake) -> None:
    report = tended(audited, AUDIT)
    assert report.branches == ("audit",)
    assert (report.contents.data_files, report.compaction.files_before) == (6, 6)
    assert (files(audited, "main"), files(audited, "audit")) == (3, 1)
    assert ids(audited, "main") == [0, 1, 2]
    fast_forward(audited.catalog, IDENTIFIER, "audit")
    assert ids(audited, "main") == list(range(6))


def test_inline_upkeep_beside_a_load_of_a_branch_leaves_it_publishable(audited: Lake) -> None:
    inline_upkeep(audited.catalog, IDENTIFIER, SETTINGS, "audit")
    assert (files(audited, "main"), files(audited, "audit")) == (3, 1)
    append(audited, "audit", 6)
    fast_forward(audited.catalog, IDENTIFIER, "audit")
    assert ids(audited, "main") == list(range(7))


def test_main_follows_a_compaction_of_the_branch_where_it_was(audited: Lake) -> None:
    fast_forward(audited.catalog, IDENTIFIER, "audit")
    tended(audited, AUDIT)
    assert (files(audited, "main"), files(audited, "audit")) == (1, 1)
    append(audited, "audit", 6)
    fast_forward(audited.catalog, IDENTIFIER, "audit")
    assert ids(audited, "main") == list(range(7))


def test_main_does_not_follow_beyond_a_compaction_to_rows_that_wait(audited: Lake) -> None:
    fast_forward(audited.catalog, IDENTIFIER, "audit")
    compact(audited.catalog, IDENTIFIER, SETTINGS, 1 << 40, LIMITS, branch="audit")
    append(audited, "audit", 6)
    AUDIT.let_main_follow(audited.catalog, IDENTIFIER, LIMITS)
    assert files(audited, "main") == 1
    assert ids(audited, "main") == list(range(6))
    before = audited.table.metadata_location
    AUDIT.let_main_follow(audited.catalog, IDENTIFIER, LIMITS)
    assert audited.table.metadata_location == before


def test_branches_that_have_parted_are_both_tended(audited: Lake) -> None:
    append(audited, None, 7)
    report = tended(audited, AUDIT)
    assert report.branches == ("main", "audit")
    assert (files(audited, "main"), files(audited, "audit")) == (1, 1)
    assert (ids(audited, "main"), ids(audited, "audit")) == ([0, 1, 2, 7], list(range(6)))


def test_a_named_branch_alone_is_tended(audited: Lake) -> None:
    assert tended(audited, Heads(("main",), "audit")).branches == ("main",)
    assert (files(audited, "main"), files(audited, "audit")) == (1, 6)


def test_a_branch_that_is_not_there_is_left_so(audited: Lake) -> None:
    assert tended(audited, Heads(("nowhere",))).compaction == Compaction()
    compact(audited.catalog, IDENTIFIER, SETTINGS, 1 << 40, LIMITS, branch="nowhere")
    assert set(audited.table.metadata.refs) == {"main", "audit"}
    assert files(audited, "main") == 3


def test_a_plan_says_what_would_be_done_to_the_branch(audited: Lake) -> None:
    plan = Upkeep(audited.catalog, SETTINGS, set, LIMITS, AUDIT).plan(IDENTIFIER)
    assert (plan.branches, plan.compaction.files_before, plan.compaction.files_after) == (("audit",), 6, 1)
    assert files(audited, "audit") == 6


def test_expiry_keeps_every_file_that_a_branch_needs(audited: Lake) -> None:
    compact(audited.catalog, IDENTIFIER, SETTINGS, 1 << 40, LIMITS)
    expire(audited.catalog, IDENTIFIER, SETTINGS, LIMITS)
    assert (ids(audited, "main"), ids(audited, "audit")) == ([0, 1, 2], list(range(6)))
    audited.table.manage_snapshots().remove_branch("audit").commit()
    done = expire(audited.catalog, IDENTIFIER, SETTINGS, LIMITS)
    assert done.snapshots == 1
    assert len(audited.on_disk()) == 1
