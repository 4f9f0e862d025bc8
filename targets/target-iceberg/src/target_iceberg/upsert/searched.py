"""What searches of one commit have found, so that an attempt after a conflict looks at new files alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_iceberg.upsert.old_deletes import OldDeletes
from target_iceberg.upsert.positions import FileHits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyiceberg.table import Table

    from target_iceberg.upsert.live_files import LiveFile


@dataclass(frozen=True, slots=True)
class _Found:
    deletes: frozenset[str]
    hits: FileHits | None


class SearchedFiles:
    """Hits by file. Data files never change; rows of them go, so that hits may become fewer, never more.

    Attributes:
        searches: files that were searched, over all attempts.
    """

    def __init__(self) -> None:
        self.searches = 0
        self._found: dict[str, _Found] = {}

    def knows(self, live: LiveFile) -> bool:
        """Whether what was found in a file still holds: what had been deleted then is so now."""
        found = self._found.get(live.path)
        return found is not None and found.deletes <= _deletes(live)

    def hits(
        self,
        table: Table,
        files: Sequence[LiveFile],
        search: Callable[[Sequence[LiveFile]], Iterable[FileHits]],
    ) -> list[FileHits]:
        """The hits in these files; those that are not known are searched.

        Raises:
            StoreError: a file cannot be read.
        """
        new = [each for each in files if not self.knows(each)]
        self.searches += len(new)
        by_path = {each.live.path: each for each in search(new)} if new else {}
        for each in new:
            self._found[each.path] = _Found(_deletes(each), by_path.get(each.path))
        old = OldDeletes(table)
        found = (self._as_of_now(each, old) for each in files)
        return [each for each in found if each is not None and each.count]

    def _as_of_now(self, live: LiveFile, old: OldDeletes) -> FileHits | None:
        known = self._found[live.path]
        if known.hits is None:
            return None
        if known.deletes == _deletes(live) and known.hits.live.equality_deletes == live.equality_deletes:
            return known.hits
        hits = FileHits(live, old.positions(live))
        for first, bits in known.hits.portions:
            hits.add(first, bits)
        return hits


def _deletes(live: LiveFile) -> frozenset[str]:
    return frozenset(each.file_path for each in live.deletes)
