"""What an epoch does to one table, worked out from its ledger entry and the table as it is now."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from target_iceberg.commit.change import Change
from target_iceberg.data_file import data_file
from target_iceberg.errors import FencedError, StoreError, UnfinishedError
from target_iceberg.staged_table import TableShape

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table, Transaction
    from target_parquet.ledger import Entry, StreamEntry
    from target_parquet.storage import Store

    from target_iceberg.settings import Settings
    from target_iceberg.upsert.planner import UpsertPlanner
    from target_iceberg.upsert.settings import UpsertSettings


class TableChange:
    """Works it out for every attempt at one commit; the block around the attempts ends with their outcome.

    Args:
        settings: of the user.
        store: that has the files of the entry.
        entry: of the ledger.
        stream: of the entry, whose table it is.
    """

    def __init__(self, settings: Settings, store: Store, entry: Entry, stream: StreamEntry) -> None:
        self._settings = settings
        self._store = store
        self._entry = entry
        self._stream = stream
        self._added = tuple(_data_files(stream))
        self._shape = TableShape.from_json(stream.extra["shape"])
        self._sources = ExitStack()
        self._planner: UpsertPlanner | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sources.close()
        failed = isinstance(value, StoreError) and not isinstance(value, (FencedError, UnfinishedError))
        if failed and self._planner is not None:
            self._planner.give_up()

    def __call__(self, table: Table) -> Change:
        """What to commit to the table as it is now.

        Raises:
            StoreError: it is another table than the one the files were written for, or cannot be read.
        """
        extra = self._stream.extra
        if str(table.metadata.table_uuid) != extra["uuid"]:
            raise StoreError(
                f"table {'.'.join(extra['table'])} has been dropped and made anew while it was loaded",
                instruction="Run again; the records since the last STATE are sent again.",
            )
        if extra["method"] == "overwrite":
            from target_iceberg.upsert.live_files import all_files, head_of

            gone = all_files(table, head_of(table, self._settings.branch))
            change = Change(add=self._added, remove=tuple(gone))
        elif self._stream.aids or {"version", "retired"} & extra.keys():
            change = self._replacing()(table)
        else:
            change = Change(add=self._added)
        return self._as_of_epoch(change)

    def _as_of_epoch(self, change: Change) -> Change:
        """The change with what every epoch does to its table and says about itself."""

        def evolve(transaction: Transaction) -> None:
            self._shape.bring_to(transaction)
            if change.evolve is not None:
                change.evolve(transaction)

        summary = {
            "dativo.run": self._entry.run,
            "dativo.rows": str(self._stream.rows),
            "dativo.digest": self._stream.digest,
            **self._stream.extra.get("origin", {}),
        }
        tag = self._settings.tag_of(self._entry.run)
        return replace(change, evolve=evolve, summary={**change.summary, **summary}, tag=tag)

    def _replacing(self) -> UpsertPlanner:
        """Lets rows go that others replace, or whose version is over."""
        from target_iceberg.upsert.epoch_keys import EpochKeys
        from target_iceberg.upsert.marking import RetiredVersions
        from target_iceberg.upsert.planner import EpochRows, UpsertPlanner
        from target_iceberg.upsert.versions import ActivatedVersion

        if self._planner is None:
            version, retired = (self._stream.extra.get(name) for name in ("version", "retired"))
            sources = [
                self._sources.enter_context(self._store.open_input(aid.name)) for aid in self._stream.aids
            ]
            rows = EpochRows(
                files=self._added,
                keys=EpochKeys(sources[0]) if sources else None,
                key_ids=tuple(self._stream.extra["keys"]),
                active=None if version is None else ActivatedVersion(*version),
                retired=None
                if retired is None
                else RetiredVersions(ActivatedVersion(*retired[:2]), *retired[2:]),
                spec=self._shape.spec,
            )
            self._planner = UpsertPlanner(
                self._stream.stream, rows, self._upsert_settings(), branch=self._settings.branch
            )
        return self._planner

    def _upsert_settings(self) -> UpsertSettings:
        from target_iceberg.upsert.probe import ProbeLimits
        from target_iceberg.upsert.settings import UpsertSettings

        settings = self._settings
        return UpsertSettings(
            limits=ProbeLimits(settings.key_bytes, settings.encoders),
            probe_bytes=settings.probe_bytes,
        )


def _data_files(stream: StreamEntry) -> list[DataFile]:
    location: Any = stream.extra["location"]
    base = stream.directory.removesuffix("/data")
    return [
        data_file(file.extra, f"{location}{file.name.removeprefix(base)}", file.rows, file.bytes)
        for file in stream.files
    ]
