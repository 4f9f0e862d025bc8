"""Files that nothing names go when they are old; what the table or the ledger names never does."""

import json
import os
from pathlib import Path

import pytest
from dativo_protocol.digest import combine_digests
from target_iceberg.commit.change import Change
from target_iceberg.errors import StoreError
from target_iceberg.maintenance.orphans import find_orphans, remove_orphans
from target_iceberg.maintenance.places import place_of
from target_iceberg.maintenance.promised import promised_places
from target_parquet.ledger import Entry, FileEntry, Ledger, StreamAction, StreamEntry
from target_parquet.local_store import LocalStore

from tests.readers import assert_readers_agree

from .conftest import IDENTIFIER, Lake, numbered

HOUR = 3600.0


def nothing() -> set[str]:
    return set()


def age_all(directory: Path, hours: float) -> None:
    for path in directory.rglob("*"):
        changed = path.stat().st_mtime - hours * HOUR
        os.utime(path, (changed, changed))


def old_orphan(lake: Lake, name: str = "data/left.parquet") -> Path:
    path = Path(place_of(lake.table.location())) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left behind")
    age_all(path.parent, 2)
    return path


def orphans(lake: Lake) -> set[str]:
    found = find_orphans(lake.catalog, IDENTIFIER, HOUR, nothing)
    return {place_of(each) for each in found}


def test_an_old_file_goes_and_the_table_stays_whole(lake: Lake) -> None:
    file = lake.append(numbered(0, 10))
    lake.delete(file, [0])
    left, torn = old_orphan(lake), old_orphan(lake, "metadata/0-torn.metadata.json")
    nested = old_orphan(lake, "data/day=2024-01-01/left.parquet")
    age_all(lake.directory, 2)
    done = remove_orphans(lake.catalog, IDENTIFIER, HOUR, nothing)
    assert (done.files, done.bytes) == (3, 33)
    assert not any(path.exists() for path in (left, torn, nested))
    assert remove_orphans(lake.catalog, IDENTIFIER, HOUR, nothing).files == 0
    assert_readers_agree(lake.table, numbered(1, 9))


def test_a_young_file_stays(lake: Lake) -> None:
    lake.append(numbered(0, 1))
    path = old_orphan(lake)
    os.utime(path)
    assert orphans(lake) == set()


def test_files_of_older_snapshots_are_no_orphans(lake: Lake) -> None:
    file = lake.append(numbered(0, 1))
    lake.change(lambda _: Change(remove=(file,)))
    age_all(lake.directory, 2)
    assert orphans(lake) == set()


def test_other_files_in_the_table_s_directory_are_not_ours_to_judge(lake: Lake) -> None:
    lake.append(numbered(0, 1))
    old_orphan(lake, "README.txt")
    old_orphan(lake, "metadata/version-hint.text")
    age_all(lake.directory, 2)
    assert orphans(lake) == set()


def test_a_data_path_that_tables_may_share_is_left_alone(lake: Lake) -> None:
    lake.append(numbered(0, 1))
    shared = lake.directory / "shared"
    shared.mkdir()
    (shared / "of-another-table.parquet").write_bytes(b"rows")
    age_all(shared, 2)
    with lake.table.transaction() as transaction:
        transaction.set_properties({"write.data.path": shared.as_uri()})
    assert orphans(lake) == set()


def test_metadata_of_another_table_in_the_same_place_stops_it(lake: Lake) -> None:
    lake.append(numbered(0, 1))
    lake.catalog.rename_table(IDENTIFIER, ("made", "renamed"))
    renamed = lake.catalog.load_table(("made", "renamed"))
    lake.catalog.create_table(IDENTIFIER, renamed.schema())
    lake.append(numbered(5, 1))
    age_all(lake.directory, 2)
    with pytest.raises(StoreError, match="another table"):
        remove_orphans(lake.catalog, IDENTIFIER, HOUR, nothing)
    assert_readers_agree(renamed, numbered(0, 1))


def test_files_that_the_ledger_names_stay_until_they_are_committed(lake: Lake) -> None:
    lake.append(numbered(0, 1))
    path = old_orphan(lake, "data/run-1-0.parquet")
    store = LocalStore(lake.directory)
    store.open_run("run")
    name = path.relative_to(lake.directory).as_posix()
    file = FileEntry({"path": "run/0"}, name, 1, 11, combine_digests([]))
    stream = StreamEntry.of("t", "made/t/data", (file,), StreamAction())
    Ledger(store, "pipeline").prepare(Entry(1, "run", "pipeline", "append-only", None, None, (stream,)))
    warehouse = lake.directory.as_uri()
    assert promised_places(store, warehouse) == {str(path)}
    assert not find_orphans(lake.catalog, IDENTIFIER, HOUR, lambda: promised_places(store, warehouse))
    assert orphans(lake) == {str(path)}


def test_a_file_committed_while_orphans_are_looked_for_is_none(lake: Lake) -> None:
    file = lake.append(numbered(0, 1))
    lake.change(lambda _: Change(remove=(file,)))
    for each in list(lake.table.metadata.snapshots)[:1]:
        lake.table.maintenance.expire_snapshots().by_id(each.snapshot_id).commit()
    age_all(lake.directory, 2)

    def committed_meanwhile() -> set[str]:
        lake.change(lambda _: Change(add=(file,)))
        return set()

    found = find_orphans(lake.catalog, IDENTIFIER, HOUR, committed_meanwhile)
    assert place_of(file.file_path) not in {place_of(each) for each in found}
    assert_readers_agree(lake.table, numbered(0, 1))


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("file:///a/b c%20.parquet", "/a/b c%20.parquet"),
        ("file:/a/b", "/a/b"),
        ("/a/b", "/a/b"),
        ("s3://bucket/a", "bucket/a"),
        ("s3a://bucket/a", "bucket/a"),
    ],
)
def test_one_place_has_several_locations(location: str, place: str) -> None:
    assert place_of(location) == place


def test_metadata_files_of_the_log_stay(lake: Lake) -> None:
    for first in range(3):
        lake.append(numbered(first, 1))
    age_all(lake.directory, 2)
    assert orphans(lake) == set()
    assert len([path for path in lake.on_disk("metadata") if path.endswith(".metadata.json")]) >= 4
    assert json.loads(Path(place_of(lake.table.metadata_location)).read_text())["metadata-log"]
