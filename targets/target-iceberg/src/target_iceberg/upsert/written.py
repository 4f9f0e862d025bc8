"""Files that the attempts at one commit have written beside those of the epoch."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from target_iceberg.upsert.delete_files import write_position_deletes
from target_iceberg.upsert.kernels import content
from target_iceberg.upsert.rewrite import rewrite_without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from target_iceberg.upsert.kernels import Positions
    from target_iceberg.upsert.live_files import LiveFile
    from target_iceberg.upsert.rewrite import Revision

    Rows = tuple[LiveFile, Callable[[], Positions]]


class Written:
    """Delete files and copies by what they are made of, to be used again while that is the same.

    An attempt that seemed to fail may still turn out to have been committed. So nothing is removed but by
    those who know that no attempt stands that needs it: `remove_unused`, `remove_all`.
    """

    def __init__(self) -> None:
        self._files: dict[bytes, DataFile | None] = {}
        self._used: set[bytes] = set()

    def begin_attempt(self) -> None:
        """From now on count what is used."""
        self._used = set()

    def deletes(self, table: Table, group: Sequence[Rows]) -> DataFile:
        """A delete file for the rows of these files, which are of one partition."""
        ordered = sorted(group, key=lambda each: each[0].path)
        name = _name("deletes", ((live.path, now()) for live, now in ordered))
        file = self._once(
            name,
            lambda: write_position_deletes(
                table, ((live.path, now()) for live, now in ordered), group[0][0].file
            ),
        )
        assert file is not None
        return file

    def copy(self, table: Table, file: DataFile, gone: Positions) -> DataFile | None:
        """A copy of a file without these rows; None if none is left."""
        name = _name("copy", [(file.file_path, gone)])
        return self._once(name, lambda: rewrite_without(table, file, gone))

    def revised(
        self, table: Table, file: DataFile, gone: Positions, revise: Revision, *, unsorts: bool
    ) -> DataFile | None:
        """The same with other values; one commit revises files in one way only."""
        name = _name("revised", [(file.file_path, gone)])
        return self._once(name, lambda: rewrite_without(table, file, gone, revise, unsorts=unsorts))

    def keys(self, about: str, write: Callable[[], DataFile]) -> DataFile:
        """The epoch's keys as an equality-delete file; `about` tells what else it depends on."""
        file = self._once(_name(f"keys {about}", []), write)
        assert file is not None
        return file

    def remove_unused(self, io: FileIO) -> None:
        """Remove what the current attempt does not use; no attempt before it can be committed any more."""
        self._remove(io, self._files.keys() - self._used)

    def remove_all(self, io: FileIO) -> None:
        """Remove everything; no attempt is or can be committed."""
        self._remove(io, set(self._files))

    def _remove(self, io: FileIO, names: set[bytes]) -> None:
        from target_iceberg.commit.staging import discard

        files = [self._files.pop(name) for name in names]
        discard(io, [file.file_path for file in files if file is not None])

    def _once(self, name: bytes, write: Callable[[], DataFile | None]) -> DataFile | None:
        self._used.add(name)
        if name not in self._files:
            self._files[name] = write()
        return self._files[name]


def _name(kind: str, rows: Iterable[tuple[str, Positions]]) -> bytes:
    """A name for positions in files, which others do not have."""
    digest = hashlib.blake2b(kind.encode(), digest_size=32)
    for path, positions in rows:
        digest.update(f"{len(path)} {path} {len(positions)} ".encode())
        digest.update(content(positions))
    return digest.digest()
