"""What an epoch does to one table, worked out from its ledger entry and the table as it is now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from target_iceberg.commit.change import Change
from target_iceberg.data_file import data_file
from target_iceberg.errors import StoreError
from target_iceberg.staged_table import TableShape
from target_iceberg.upsert.epoch_keys import EpochKeys
from target_iceberg.upsert.marking import RetiredVersions
from target_iceberg.upsert.planner import EpochRows, UpsertPlanner
from target_iceberg.upsert.probe import ProbeLimits
from target_iceberg.upsert.settings import UpsertSettings
from target_iceberg.upsert.versions import ActivatedVersion

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from target_parquet.ledger import Entry, StreamEntry
    from target_parquet.storage import Store

    from target_iceberg.settings import Settings


def planned_change(
    settings: Settings, store: Store, entry: Entry, stream: StreamEntry, table: Table
) -> Change:
    """Work it out.

    Raises:
        StoreError: it is another table than the one the files were written for, or cannot be read.
    """
    if str(table.metadata.table_uuid) != stream.extra["uuid"]:
        raise StoreError(
            f"table {'.'.join(stream.extra['table'])} has been dropped and made anew while it was loaded",
            instruction="Run again; the records since the last STATE are sent again.",
        )
    added = tuple(_data_files(stream))
    if stream.extra["method"] == "overwrite":
        change = Change(add=added, remove=tuple(live_files(table, settings.branch)))
    elif stream.aids or {"version", "retired"} & stream.extra.keys():
        change = _replacing(settings, store, stream, table, added)
    else:
        change = Change(add=added)
    summary = {"dativo.run": entry.run, "dativo.rows": str(stream.rows), "dativo.digest": stream.digest}
    summary |= stream.extra.get("origin", {})
    shape, tag = TableShape.from_json(stream.extra["shape"]), settings.tag_of(entry.run)
    return replace(change, evolve=shape.bring_to, summary={**change.summary, **summary}, tag=tag)


def _replacing(
    settings: Settings, store: Store, stream: StreamEntry, table: Table, added: tuple[DataFile, ...]
) -> Change:
    """Let rows go that others replace, or whose version is over."""
    version, retired = stream.extra.get("version"), stream.extra.get("retired")
    limits = UpsertSettings(limits=ProbeLimits(settings.key_bytes, settings.encoders))
    sources = [store.open_input(aid.name) for aid in stream.aids]
    try:
        rows = EpochRows(
            files=added,
            keys=EpochKeys(sources[0]) if sources else None,
            key_ids=tuple(stream.extra["keys"]),
            active=None if version is None else ActivatedVersion(*version),
            retired=None
            if retired is None
            else RetiredVersions(ActivatedVersion(*retired[:2]), *retired[2:]),
        )
        planner = UpsertPlanner(stream.stream, rows, limits, branch=settings.branch)
        return planner(table)
    finally:
        for source in sources:
            source.close()


def _data_files(stream: StreamEntry) -> list[DataFile]:
    location: Any = stream.extra["location"]
    base = stream.directory.removesuffix("/data")
    return [
        data_file(file.extra, f"{location}{file.name.removeprefix(base)}", file.rows, file.bytes)
        for file in stream.files
    ]


def live_files(table: Table, branch: str | None) -> list[DataFile]:
    """Data and delete files of the head of a branch, `main` if None."""
    snapshot = table.snapshot_by_name(branch) if branch else table.current_snapshot()
    if snapshot is None:
        return []
    return [
        entry.data_file
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    ]
