"""The snapshot of a change: its manifests, its manifest list, its summary.

pyiceberg's own producers cannot add delete files, take several snapshots for a change that adds and removes,
and keep their state in private fields. This one makes a single snapshot from a `Change` and rests on what
pyiceberg offers for reading and writing manifests.
"""

from __future__ import annotations

import time
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from pyiceberg.manifest import (
    DataFileContent,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    write_manifest_list,
)
from pyiceberg.table import TableProperties
from pyiceberg.table.locations import load_location_provider
from pyiceberg.table.snapshots import (
    Operation,
    Snapshot,
    SnapshotSummaryCollector,
    Summary,
    update_snapshot_summaries,
)
from pyiceberg.utils.concurrent import ExecutorFactory

from target_iceberg.commit.manifests import ManifestWriter
from target_iceberg.commit.merging import MergeRule
from target_iceberg.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile, ManifestFile
    from pyiceberg.table.metadata import TableMetadata

    from target_iceberg.commit.change import Change

FORMAT_VERSION: Final = 2
_NAMED_IN_AN_ERROR = 3


class SnapshotProducer:
    """Makes one snapshot on top of another.

    Attributes:
        written: paths of all metadata files it has written, whether it succeeded or not.
    """

    def __init__(
        self, metadata: TableMetadata, io: FileIO, snapshot_id: int, parent: Snapshot | None
    ) -> None:
        self.written: list[str] = []
        self._metadata = metadata
        self._io = io
        self._snapshot_id = snapshot_id
        self._parent = parent
        self._commit_id = uuid4()
        self._schema = metadata.schema()
        self._specs = metadata.specs()
        self._locations = load_location_provider(metadata.location, metadata.properties)
        self._compression: Any = metadata.properties.get(
            TableProperties.WRITE_AVRO_COMPRESSION, TableProperties.WRITE_AVRO_COMPRESSION_DEFAULT
        )

    def produce(self, change: Change, summary: Mapping[str, str]) -> Snapshot:
        """Write the manifests of a change and their list.

        Raises:
            ConflictError: a file that has to be live is not.
            OSError: a manifest cannot be read or written.
        """
        existing = (
            [each for each in self._parent.manifests(self._io) if _is_live(each)] if self._parent else []
        )
        self._require_live(existing, change.requires_live)
        kept = self._without(existing, change.remove)
        added = self._added(ManifestContent.DATA, change.add, change.data_sequence_number)
        added += self._added(ManifestContent.DELETES, change.deletes, None)
        manifests = self._regrouped([*added, *kept]) if change.regroup else self._merged([*added, *kept])
        sequence_number = self._metadata.next_sequence_number()
        return Snapshot.model_validate(
            {
                "snapshot-id": self._snapshot_id,
                "parent-snapshot-id": self._parent.snapshot_id if self._parent else None,
                "manifest-list": self._write_list(manifests, sequence_number),
                "sequence-number": sequence_number,
                "timestamp-ms": max(int(time.time() * 1000), self._metadata.last_updated_ms),
                "summary": self._summary(change, {**change.summary, **summary}),
                "schema-id": self._metadata.current_schema_id,
            }
        )

    def _existing(self) -> list[ManifestFile]:
        return [each for each in self._parent.manifests(self._io) if _is_live(each)] if self._parent else []

    def _require_live(self, manifests: Sequence[ManifestFile], paths: frozenset[str]) -> None:
        missing = set(paths)
        for manifest in manifests:
            if not missing:
                return
            if manifest.content == ManifestContent.DATA:
                missing -= {entry.data_file.file_path for entry in self._entries(manifest)}
        _conflict_if_any(missing)

    def _without(self, manifests: Sequence[ManifestFile], remove: Sequence[DataFile]) -> list[ManifestFile]:
        """These manifests, with the files that go marked as deleted."""
        if not remove:
            return list(manifests)
        wanted: dict[tuple[ManifestContent, int], set[str]] = defaultdict(set)
        for file in remove:
            wanted[_content_of(file), file.spec_id].add(file.file_path)
        kept: list[ManifestFile] = []
        found: set[str] = set()
        for manifest in manifests:
            paths = wanted.get((manifest.content, manifest.partition_spec_id), set())
            entries = self._entries(manifest) if paths else []
            gone = {entry.data_file.file_path for entry in entries} & paths
            found |= gone
            kept.append(self._rewritten(manifest, entries, gone) if gone else manifest)
        _conflict_if_any(set(chain.from_iterable(wanted.values())) - found)
        return kept

    def _rewritten(
        self, manifest: ManifestFile, entries: Iterable[ManifestEntry], gone: set[str]
    ) -> ManifestFile:
        with self._writer(manifest.content, manifest.partition_spec_id) as writer:
            for entry in entries:
                if entry.data_file.file_path in gone:
                    writer.delete(entry)
                else:
                    writer.existing(entry)
        return writer.to_manifest_file()

    def _added(
        self, content: ManifestContent, files: Sequence[DataFile], sequence_number: int | None
    ) -> list[ManifestFile]:
        by_spec: dict[int, list[DataFile]] = defaultdict(list)
        for file in files:
            by_spec[file.spec_id].append(file)
        return [
            self._added_of_spec(content, spec, by_spec[spec], sequence_number) for spec in sorted(by_spec)
        ]

    def _added_of_spec(
        self, content: ManifestContent, spec_id: int, files: Iterable[DataFile], sequence_number: int | None
    ) -> ManifestFile:
        with self._writer(content, spec_id) as writer:
            for file in files:
                writer.add(
                    ManifestEntry.from_args(
                        status=ManifestEntryStatus.ADDED, sequence_number=sequence_number, data_file=file
                    )
                )
        return writer.to_manifest_file()

    def _merged(self, manifests: Sequence[ManifestFile]) -> list[ManifestFile]:
        groups = MergeRule.of(self._metadata.properties).groups(manifests)
        return [group[0] if len(group) == 1 else self._merge(group) for group in groups]

    def _merge(self, group: Sequence[ManifestFile]) -> ManifestFile:
        """One manifest of many; what other snapshots have deleted is left out."""
        fetched = ExecutorFactory.get_or_create().map(self._all_entries, group)
        with self._writer(group[0].content, group[0].partition_spec_id) as writer:
            for entry in chain.from_iterable(fetched):
                ours = entry.snapshot_id == self._snapshot_id
                if entry.status == ManifestEntryStatus.DELETED:
                    if ours:
                        writer.delete(entry)
                elif ours and entry.status == ManifestEntryStatus.ADDED:
                    writer.add(entry)
                else:
                    writer.existing(entry)
        return writer.to_manifest_file()

    def _regrouped(self, manifests: Sequence[ManifestFile]) -> list[ManifestFile]:
        """All entries in manifests of the size wanted; files of a partition come to stand in one of them."""
        groups: dict[tuple[ManifestContent, int], list[ManifestFile]] = defaultdict(list)
        for each in manifests:
            groups[each.content, each.partition_spec_id].append(each)
        target = MergeRule.of(self._metadata.properties).target_bytes
        return [
            written
            for (content, spec_id), members in groups.items()
            for written in self._sorted_by_partition(content, spec_id, members, target)
        ]

    def _sorted_by_partition(
        self, content: ManifestContent, spec_id: int, members: Sequence[ManifestFile], target: int
    ) -> Iterable[ManifestFile]:
        entries = sorted(chain.from_iterable(map(self._entries, members)), key=_by_partition)
        in_each = max(1, len(entries) * target // max(1, sum(each.manifest_length for each in members)))
        for start in range(0, len(entries), in_each):
            with self._writer(content, spec_id) as writer:
                for entry in entries[start : start + in_each]:
                    writer.existing(entry)
            yield writer.to_manifest_file()

    def _entries(self, manifest: ManifestFile) -> list[ManifestEntry]:
        return manifest.fetch_manifest_entry(self._io, discard_deleted=True)

    def _all_entries(self, manifest: ManifestFile) -> list[ManifestEntry]:
        return manifest.fetch_manifest_entry(self._io, discard_deleted=False)

    def _writer(self, content: ManifestContent, spec_id: int) -> ManifestWriter:
        path = self._locations.new_metadata_location(f"{self._commit_id}-m{len(self.written)}.avro")
        self.written.append(path)
        return ManifestWriter(
            content,
            self._specs[spec_id],
            self._schema,
            self._io.new_output(path),
            self._snapshot_id,
            self._compression,
        )

    def _write_list(self, manifests: list[ManifestFile], sequence_number: int) -> str:
        path = self._locations.new_metadata_location(f"snap-{self._snapshot_id}-0-{self._commit_id}.avro")
        self.written.append(path)
        with write_manifest_list(
            format_version=FORMAT_VERSION,
            output_file=self._io.new_output(path),
            snapshot_id=self._snapshot_id,
            parent_snapshot_id=self._parent.snapshot_id if self._parent else None,
            sequence_number=sequence_number,
            avro_compression=self._compression,
        ) as writer:
            writer.add_manifests(manifests)
        return path

    def _summary(self, change: Change, more: Mapping[str, str]) -> Summary:
        limit = self._metadata.properties.get(TableProperties.WRITE_PARTITION_SUMMARY_LIMIT, "0")
        collector = SnapshotSummaryCollector(int(limit))
        for file in chain(change.add, change.deletes):
            collector.add_file(file, self._schema, self._specs[file.spec_id])
        for file in change.remove:
            collector.remove_file(file, self._schema, self._specs[file.spec_id])
        operation = _operation(change)
        counted = (
            Operation.OVERWRITE if operation == Operation.REPLACE else operation
        )  # it sums no REPLACE up
        summary = update_snapshot_summaries(
            Summary(operation=counted, **{**more, **collector.build()}),
            self._parent.summary if self._parent else None,
        )
        return Summary(operation=operation, **summary.additional_properties)


def _operation(change: Change) -> Operation:
    if change.replace:
        return Operation.REPLACE
    if not change.add:
        return Operation.DELETE
    return Operation.OVERWRITE if change.remove or change.deletes else Operation.APPEND


def _by_partition(entry: ManifestEntry) -> tuple[list[tuple[bool, Any]], int]:
    """The values of its partition, nulls first, then its age."""
    partition = entry.data_file.partition
    values = [partition[at] for at in range(len(partition))]
    return [(value is not None, value or 0) for value in values], entry.sequence_number or 0


def _content_of(file: DataFile) -> ManifestContent:
    return ManifestContent.DATA if file.content == DataFileContent.DATA else ManifestContent.DELETES


def _is_live(manifest: ManifestFile) -> bool:
    return manifest.has_added_files() or manifest.has_existing_files()


def _conflict_if_any(missing: set[str]) -> None:
    if missing:
        named = ", ".join(sorted(missing)[:_NAMED_IN_AN_ERROR])
        raise ConflictError(f"{len(missing)} files are no longer part of the table: {named}")
