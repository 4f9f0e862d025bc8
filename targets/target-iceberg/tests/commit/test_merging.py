"""Many commits: neither the number of manifests nor what a commit writes grows with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyiceberg.manifest import ManifestContent, ManifestFile
from target_iceberg.commit.change import Change
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.merging import MergeRule

from tests.services.lake import Lake, always, live_files, marker, position_deletes

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def manifest() -> Callable[..., ManifestFile]:
    """Makes the entry of a manifest list."""

    def made(files: int, content: ManifestContent = ManifestContent.DATA, spec: int = 0) -> ManifestFile:
        return ManifestFile.from_args(
            content=content, partition_spec_id=spec, added_files_count=files, manifest_length=100 * files
        )

    return made


def test_manifests_of_one_size_class_become_one(manifest: Callable[..., ManifestFile]) -> None:
    rule = MergeRule(enabled=True, fan=3, target_bytes=10_000)
    manifests = [manifest(1), manifest(2), manifest(1), manifest(4), manifest(5), manifest(50)]
    assert [len(group) for group in rule.groups(manifests)] == [3, 1, 1, 1]


def test_manifests_of_other_content_or_spec_never_meet(manifest: Callable[..., ManifestFile]) -> None:
    rule = MergeRule(enabled=True, fan=2, target_bytes=10_000)
    manifests = [manifest(1), manifest(1, ManifestContent.DELETES), manifest(1, spec=1)]
    assert [len(group) for group in rule.groups(manifests)] == [1, 1, 1]


def test_a_manifest_is_not_made_larger_than_the_target(manifest: Callable[..., ManifestFile]) -> None:
    rule = MergeRule(enabled=True, fan=2, target_bytes=250)
    assert [len(group) for group in rule.groups([manifest(1)] * 5)] == [2, 2, 1]
    assert [len(group) for group in rule.groups([manifest(3)] * 4)] == [1, 1, 1, 1]


def test_the_table_can_forbid_it(manifest: Callable[..., ManifestFile]) -> None:
    rule = MergeRule.of({"commit.manifest-merge.enabled": "false"})
    assert [len(group) for group in rule.groups([manifest(1)] * 30)] == [1] * 30


def test_manifests_stay_few_and_every_file_is_in_one(sqlite_lake: Lake) -> None:
    lake, commits = sqlite_lake, 60
    lake.options["commit.manifest.min-count-to-merge"] = "4"
    orders = lake.create()
    counts = []
    for epoch in range(1, commits + 1):
        file = lake.file(orders, [epoch, -epoch])
        deletes = position_deletes(lake.load(orders), file, [1])
        change = Change(add=(file,), deletes=(deletes,))
        commit_tables(lake.catalog, marker(epoch), [always(orders, change)])
        table = lake.load(orders)
        counts.append(len(table.current_snapshot().manifests(table.io)))

    assert max(counts) <= 2 * 3 * 3  # of data and of deletes, at most 3 in each of the classes 1, 4 and 16
    assert max(counts[-20:]) <= max(counts[:20]) + 2 * 3
    assert len(live_files(table)) == 2 * commits
    assert lake.rows(orders) == list(range(1, commits + 1))
    entries = [
        entry
        for each in table.current_snapshot().manifests(table.io)
        for entry in each.fetch_manifest_entry(table.io)
    ]
    sequence = {snapshot.snapshot_id: snapshot.sequence_number for snapshot in table.metadata.snapshots}
    assert all(entry.sequence_number == sequence[entry.snapshot_id] for entry in entries)
    assert table.current_snapshot().summary["total-data-files"] == str(commits)
