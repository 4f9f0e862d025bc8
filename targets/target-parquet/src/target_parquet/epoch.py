"""What is written but not yet published, of all streams; it is published at once or not at all.

The order is prepare, then commit. Between the two everything that readers will see is on the disk and
listed in `Epoch.files`, so a ledger that makes the step repeatable after a crash has its place there.
What is never committed goes with the store's staging area.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_parquet.storage import Publication

if TYPE_CHECKING:
    from target_parquet.storage import StagedFile, Store


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A whole file that readers do not see yet.

    Attributes:
        stream: whose rows it holds.
        directory: of the stream, relative to the destination.
        path: it shall have, relative to `directory`.
        staged: where it is now.
        rows: in it.
        bytes: of it.
    """

    stream: str
    directory: str
    path: str
    staged: StagedFile
    rows: int
    bytes: int


class Epoch:
    """The files written since the last publication.

    Args:
        store: where they go.
        number: of the epoch in its run, from 1.
    """

    def __init__(self, store: Store, number: int) -> None:
        self.number = number
        self.files: list[WrittenFile] = []
        self._store = store
        self._replaced: list[str] = []

    def replace(self, directory: str) -> None:
        """Let the files of a directory take the place of what it holds now, even if there are none."""
        self._replaced.append(directory)

    def add(self, file: WrittenFile) -> None:
        """Take a file into the epoch."""
        self.files.append(file)

    def prepare(self) -> None:
        """Make the files durable.

        Raises:
            StoreError: nothing is published.
        """
        self._store.make_durable(file.staged for file in self.files)

    def commit(self) -> None:
        """Let readers see the files.

        Raises:
            StoreError: nothing is published.
        """
        replaced: dict[str, list[Publication]] = {directory: [] for directory in self._replaced}
        added = []
        for file in self.files:
            if file.directory in replaced:
                replaced[file.directory].append(Publication(file.staged, file.path))
            else:
                added.append(Publication(file.staged, f"{file.directory}/{file.path}"))
        if replaced:
            self._store.replace(replaced)
        if added:
            self._store.publish(added)
