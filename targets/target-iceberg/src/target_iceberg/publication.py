"""How a prepared epoch gets into its tables, by whichever process and however often it is tried.

First the files stand at their places, where no table names them yet; then every table takes its own in one
commit, which also says that it has this epoch. What the commit does is worked out from the ledger entry and
the table as it is at that moment, so it can be worked out anew after a conflict, or by a later process.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from target_parquet.ledger import digest
from target_parquet.publication import FilePublisher

from target_iceberg.commit.change import TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.marker import Marker, has_epoch
from target_iceberg.table_change import TableChange
from target_iceberg.table_creation import load_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table
    from target_parquet.ledger import Entry, StreamEntry
    from target_parquet.storage import Store

    from target_iceberg.settings import Settings

logger = logging.getLogger(__name__)


class TablePublisher:
    """Publishes epochs of one warehouse (`target_parquet.publication.Publisher`)."""

    def __init__(self, settings: Settings, store: Store, catalog: Catalog) -> None:
        self._settings = settings
        self._store = store
        self._files = FilePublisher(store)
        self._catalog = catalog

    def publish(self, entry: Entry) -> None:
        """Put the files at their places, then commit them to their tables.

        The files of a table that has them already are let be: by now a compaction may have replaced them.
        """
        standings = [self._standing(entry, stream) for stream in entry.streams]
        waiting = _waiting(entry, standings)
        # The commit to a table takes out what is replaced; here files are only added.
        self._files.publish_streams(
            [replace(each, replaces=each.replaces and not each.extra) for each in waiting]
        )
        tables = [stream for stream in waiting if stream.extra]
        if tables:
            self._commit(entry, tables, standings)
        self._store.remove([aid.name for stream in entry.streams for aid in stream.aids])

    def is_lost(self, entry: Entry) -> bool:
        """Ask the tables first: what one of them has is not lost, wherever its files are by now.

        Where none has it, a table that is gone takes the epoch with it: its records are sent again.
        """
        words = {self._standing(entry, stream).word for stream in entry.streams}
        if "has it" in words:
            return False
        return "gone" in words or self._files.is_lost(entry)

    def _commit(self, entry: Entry, streams: Sequence[StreamEntry], standings: Sequence[_Standing]) -> None:
        # What adds no files is held by no condition but the marker: that is read as late as can be.
        adding = {_identifier(each) for each in streams if each.files}
        found = {each.table.name(): each.table for each in standings if each.table is not None}
        with ExitStack() as changes:
            commits = [
                TableCommit(
                    _identifier(each),
                    changes.enter_context(TableChange(self._settings, self._store, entry, each)),
                )
                for each in streams
            ]
            commit_tables(
                self._catalog,
                _marker(entry),
                commits,
                branch=self._settings.branch,
                loaded={name: table for name, table in found.items() if name in adding},
            )

    def _standing(self, entry: Entry, stream: StreamEntry) -> _Standing:
        """Look how far a stream's table is; a file that no table names always waits, to be looked for.

        Raises:
            FencedError: its table is ahead.
            StoreError: the catalog does not say.
        """
        if not stream.extra:
            return _Standing("waits")
        name = _identifier(stream)
        table = load_table(self._catalog, name)
        if table is None or str(table.metadata.table_uuid) != stream.extra["uuid"]:
            return _Standing("gone")
        has_it = has_epoch(table.metadata, _marker(entry), ".".join(name))
        return _Standing("has it" if has_it else "waits", table)


@dataclass(frozen=True, slots=True)
class _Standing:
    """How far a stream's table is, and the table as it was found."""

    word: Literal["has it", "waits", "gone"]
    table: Table | None = None


def _waiting(entry: Entry, standings: Sequence[_Standing]) -> list[StreamEntry]:
    """The streams that are not published; without those whose tables have gone after others had it."""
    some_have_it = any(each.word == "has it" for each in standings)
    waiting: list[StreamEntry] = []
    for stream, standing in zip(entry.streams, standings, strict=True):
        if standing.word == "gone" and some_have_it:
            logger.warning(
                "%d rows of epoch %d go nowhere: other tables have it, but table %s is gone",
                stream.rows,
                entry.epoch,
                ".".join(_identifier(stream)),
            )
        elif standing.word != "has it":
            waiting.append(stream)
    return waiting


def _marker(entry: Entry) -> Marker:
    return Marker(entry.pipeline, entry.epoch, digest(entry.state), entry.state)


def _identifier(stream: StreamEntry) -> tuple[str, ...]:
    return tuple(stream.extra["table"])
