"""How a prepared epoch becomes visible; for plain files, by the store alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from target_parquet.errors import StoreError, UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_parquet.ledger import Entry, StreamEntry
    from target_parquet.storage import Store


class Publisher(Protocol):
    """Makes what the ledger names visible, by whichever process and however often it is called."""

    def publish(self, entry: Entry) -> None:
        """Let readers see the files of a prepared entry; may be repeated.

        Raises:
            UnfinishedError: some of it may be published.
            StoreError: nothing of it is published.
        """

    def is_lost(self, entry: Entry) -> bool:
        """Whether nothing of an entry is published and something of it cannot be.

        Raises:
            UnfinishedError: something of it is published, and something else cannot be.
        """


class FilePublisher:
    """Publishes files that readers find by listing a directory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def publish(self, entry: Entry) -> None:
        """Replace directories first, then add files (see `Publisher`)."""
        self.publish_streams(entry.streams)

    def publish_streams(self, streams: Sequence[StreamEntry]) -> None:
        """Publish some of an entry's streams."""
        replaced = {each.directory: each.publications for each in streams if each.replaces}
        added = [file for each in streams if not each.replaces for file in each.publications]
        if replaced:
            self._store.replace(replaced)
        if added:
            try:
                self._store.publish(added)
            except StoreError as error:
                if not replaced:
                    raise
                instruction = f"{error.instruction} {UnfinishedError.default_instruction}"
                raise UnfinishedError(error.message, instruction=instruction) from error

    def is_lost(self, entry: Entry) -> bool:
        """Look where the files are (see `Publisher`)."""
        places = {file.name: self._store.whereabouts(file) for file in entry.publications}
        gone = [name for name, place in places.items() if place == "gone"]
        if gone and "published" in places.values():
            raise UnfinishedError(
                f"epoch {entry.epoch} of pipeline {entry.pipeline!r} is published in part, and {len(gone)} "
                f"of its {len(places)} staged files are gone, such as that of {gone[0]}",
                instruction="Put them back, or remove the published files of this epoch, which its ledger "
                "entry names, to let it be loaded again.",
            )
        return bool(gone)
