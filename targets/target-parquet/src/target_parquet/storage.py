"""What a place for files has to offer: staging nobody sees, and publishing that is whole or not at all.

Names are paths relative to the destination, with `/`. The one store so far is `local_store.LocalStore`;
an object store fits by completing multipart uploads where this one renames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa


class StagedFile(Protocol):
    """A file that is being written or waits for publication; readers do not see it."""

    @property
    def sink(self) -> pa.NativeFile:
        """Where its bytes go; `tell()` is its size so far. Closed by whoever writes it."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A finished staged file and the name it shall have."""

    staged: StagedFile
    name: str


class Store(Protocol):
    """A destination, used by one run at a time through this object."""

    @property
    def case_sensitive(self) -> bool:
        """Whether names that differ in case are different places."""

    def open_run(self, run: str) -> None:
        """Claim a staging area for a run, and remove those of runs that died.

        Raises:
            StoreError: the destination cannot be written to.
        """

    def close_run(self) -> None:
        """Give the staging area up, with everything left in it; never raises."""

    def stage(self) -> StagedFile:
        """Open a new staged file.

        Raises:
            StoreError: it cannot be made.
        """

    def make_durable(self, files: Iterable[StagedFile]) -> None:
        """Return once the bytes of these finished files would survive a power cut.

        Raises:
            StoreError: they would not.
        """

    def publish(self, files: Sequence[Publication]) -> None:
        """Let readers see durable staged files, each one whole, none over an existing file.

        Raises:
            StoreError: none of them was published.
        """

    def replace(self, directories: Mapping[str, Sequence[Publication]]) -> None:
        """Put files in the place of everything that is in these directories of the destination.

        Each directory changes at one instant; the names of its files are relative to it.

        Raises:
            StoreError: no directory was changed.
        """

    def newest(self, directory: str, limit: int) -> list[str]:
        """List the `limit` last written Parquet files below a directory, newest first; [] if it is missing.

        Raises:
            StoreError: the directory cannot be read.
        """

    def open_input(self, name: str) -> pa.NativeFile:
        """Open a published file for reading.

        Raises:
            StoreError: it cannot be read.
        """
