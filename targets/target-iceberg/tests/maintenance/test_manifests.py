"""Many manifests become few, sorted by partition; files, rows and their ages stay as they are."""

from typing import Any

from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import IdentityTransform
from target_iceberg.commit.change import Change
from target_iceberg.maintenance.manifests import plan_manifests, regroup_manifests
from target_iceberg.maintenance.report import Manifests
from target_iceberg.maintenance.settings import MaintenanceSettings

from tests.readers import assert_readers_agree

from .conftest import IDENTIFIER, LIMITS, SCHEMA, Lake, numbered

FEW = MaintenanceSettings(manifests=2)


def regrouped(lake: Lake, settings: MaintenanceSettings = FEW) -> Manifests:
    return regroup_manifests(lake.catalog, IDENTIFIER, settings, LIMITS)


def entries(lake: Lake) -> list[tuple[Any, ...]]:
    """What is told of every file of the head, but for the manifest it is told in."""
    table = lake.table
    snapshot = table.current_snapshot()
    assert snapshot is not None
    return sorted(
        (entry.data_file.file_path, entry.sequence_number, entry.snapshot_id, entry.data_file.content)
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io)
    )


def test_many_become_few_and_every_file_keeps_its_age(lake: Lake) -> None:
    for first in range(0, 30, 10):
        lake.delete(lake.append(numbered(first, 10)), [0])
    before = entries(lake)
    assert plan_manifests(lake.table, FEW) == Manifests(6, 2)
    assert regrouped(lake) == Manifests(6, 2)
    assert entries(lake) == before
    assert_readers_agree(lake.table, [row for row in numbered(0, 30) if row["id"] % 10])
    summary = lake.table.inspect.snapshots()["summary"].to_pylist()[-1]
    assert dict(summary)["total-records"] == "30"


def test_what_is_in_order_is_left_alone(lake: Lake) -> None:
    for first in range(3):
        lake.append(numbered(first, 1))
    assert regrouped(lake, MaintenanceSettings()) == Manifests()
    regrouped(lake)
    before = lake.table.metadata_location
    assert regrouped(lake) == Manifests()
    assert lake.table.metadata_location == before


def test_files_of_a_partition_come_together(lake: Lake) -> None:
    lake.catalog.drop_table(IDENTIFIER)
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "name"))
    lake.catalog.create_table(IDENTIFIER, SCHEMA, partition_spec=spec)
    rows = [{"id": number, "name": name} for number in range(3) for name in ("b", None, "a")]
    for row in rows:
        lake.append([row], row["name"])
    with lake.table.transaction() as transaction:
        sizes = lake.table.inspect.manifests()["length"].to_pylist()
        transaction.set_properties({"commit.manifest.target-size-bytes": str(sum(sizes) * 4 // 10)})
    regrouped(lake)
    table = lake.table
    snapshot = table.current_snapshot()
    assert snapshot is not None
    names = [
        {entry.data_file.partition[0] for entry in manifest.fetch_manifest_entry(table.io)}
        for manifest in snapshot.manifests(table.io)
    ]
    assert sorted(names, key=str) == sorted([{None}, {"a"}, {"b"}], key=str)
    assert_readers_agree(table, rows)


def test_files_that_were_removed_do_not_come_back(lake: Lake) -> None:
    files = [lake.append(numbered(first, 1)) for first in range(3)]
    lake.change(lambda _: Change(remove=(files[1],)))
    regrouped(lake)
    assert_readers_agree(lake.table, [*numbered(0, 1), *numbered(2, 1)])
