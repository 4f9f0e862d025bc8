"""Maintenance of a table whose files are in S3, and every reader there."""

from pathlib import Path

import pytest
from target_iceberg.maintenance.orphans import find_orphans
from target_iceberg.maintenance.settings import MaintenanceSettings
from target_iceberg.maintenance.upkeep import Upkeep

from tests.readers import assert_readers_agree
from tests.readers.tables import open_sqlite_catalog
from tests.services.seaweedfs import ACCESS_KEY, BUCKET, SECRET_KEY, running

from .conftest import IDENTIFIER, LIMITS, SCHEMA, Lake, numbered


def test_a_table_in_s3_is_tended(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = running(request.config, tmp_path_factory.mktemp("seaweedfs"))
    catalog = open_sqlite_catalog(
        tmp_path,
        **{
            "warehouse": f"s3://{BUCKET}/{tmp_path.name}",
            "s3.endpoint": server.endpoint,
            "s3.access-key-id": ACCESS_KEY,
            "s3.secret-access-key": SECRET_KEY,
            "s3.region": "us-east-1",
        },
    )
    catalog.create_table(IDENTIFIER, SCHEMA)
    lake = Lake(catalog, tmp_path)
    for first in range(0, 50, 10):
        lake.delete(lake.append(numbered(first, 10)), [0, 1])
    left = f"{lake.table.location()}/data/left.parquet"
    with lake.table.io.new_output(left).create() as sink:
        sink.write(b"left behind")
    settings = MaintenanceSettings(snapshot_days=0, orphan_days=0)
    assert list(find_orphans(catalog, IDENTIFIER, -60.0, set)) == [left]
    report = Upkeep(catalog, settings, set, LIMITS).tend(IDENTIFIER)
    assert (report.compaction.files_before, report.compaction.files_after) == (5, 1)
    assert report.expiry.snapshots == 10
    assert_readers_agree(lake.table, [row for row in numbered(0, 50) if row["id"] % 10 > 1])
