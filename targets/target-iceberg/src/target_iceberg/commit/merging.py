"""Which manifests are merged with which, so that neither their number nor the work of a commit grows.

Iceberg's own rule waits for a hundred small manifests and then rewrites everything up to the target size.
Here manifests are put into size classes instead, as in a log-structured merge tree: where a class has `fan`
of them they become one of the next class. Of n entries each is rewritten log(n) times, there are never more
than about `fan` manifests in each of log(n) classes, and no single commit pays for all the others.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.table import TableProperties
from pyiceberg.utils.properties import property_as_bool, property_as_int

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.manifest import ManifestFile
    from pyiceberg.typedef import Properties

DEFAULT_FAN = 10


@dataclass(frozen=True, slots=True)
class MergeRule:
    """How manifests are merged.

    Attributes:
        enabled: whether they are at all.
        fan: number of manifests of one class that makes a merge.
        target_bytes: size of a manifest that is never merged any more.
    """

    enabled: bool
    fan: int
    target_bytes: int

    @classmethod
    def of(cls, properties: Properties) -> MergeRule:
        """The rule that the table's properties ask for."""
        fan = property_as_int(properties, TableProperties.MANIFEST_MIN_MERGE_COUNT, DEFAULT_FAN)
        size = property_as_int(
            properties,
            TableProperties.MANIFEST_TARGET_SIZE_BYTES,
            TableProperties.MANIFEST_TARGET_SIZE_BYTES_DEFAULT,
        )
        enabled = property_as_bool(properties, TableProperties.MANIFEST_MERGE_ENABLED, default=True)
        return cls(enabled, max(2, fan or DEFAULT_FAN), size or 1)

    def groups(self, manifests: Sequence[ManifestFile]) -> list[list[ManifestFile]]:
        """Manifests that become one, in their order; those that stay as they are stand alone.

        Those of different content or partition spec never meet.
        """
        if not self.enabled:
            return [[each] for each in manifests]
        classes: dict[tuple[int, int, int], list[ManifestFile]] = defaultdict(list)
        for each in manifests:
            classes[each.content, each.partition_spec_id, self._size_class(each)].append(each)
        groups: list[list[ManifestFile]] = []
        for (_, _, size_class), members in classes.items():
            if size_class < 0 or len(members) < self.fan:
                groups += [[each] for each in members]
            else:
                groups += self._bins(members)
        return groups

    def _size_class(self, manifest: ManifestFile) -> int:
        """Power of `fan` that its entries reach; -1 if it is as large as manifests should be."""
        if manifest.manifest_length >= self.target_bytes:
            return -1
        entries, size_class = _live_files(manifest), 0
        while entries >= self.fan:
            entries, size_class = entries // self.fan, size_class + 1
        return size_class

    def _bins(self, members: list[ManifestFile]) -> list[list[ManifestFile]]:
        bins: list[list[ManifestFile]] = [[]]
        length = 0
        for each in members:
            if bins[-1] and length + each.manifest_length > self.target_bytes:
                bins.append([])
                length = 0
            bins[-1].append(each)
            length += each.manifest_length
        return bins


def _live_files(manifest: ManifestFile) -> int:
    return (manifest.added_files_count or 0) + (manifest.existing_files_count or 0)
