"""Iceberg tables as a format of what a run writes (`target_parquet.table_format.TableFormat`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from target_iceberg.branches import fast_forward
from target_iceberg.catalogs import open_catalog
from target_iceberg.publication import TablePublisher
from target_iceberg.table_plan import IcebergPlan, TablePlanner
from target_iceberg.table_writer import TableWriter
from target_iceberg.verify import check_branch

if TYPE_CHECKING:
    from dativo_protocol.messages import SchemaMessage
    from target_parquet.epoch import Epoch
    from target_parquet.plan import ParquetPlan
    from target_parquet.storage import Store
    from target_parquet.stream_writer import StreamWriter, Workshop

    from target_iceberg.names import Identifier
    from target_iceberg.settings import Settings

logger = logging.getLogger(__name__)


class IcebergTables:
    """One table a stream.

    Raises:
        StoreError: the catalog cannot be opened.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        catalog = open_catalog(settings.catalog, settings.warehouse, settings.s3)
        self._settings = settings
        self._catalog = catalog
        self._tables: dict[str, Identifier] = {}
        self._versions_seen: set[str] = set()
        self._planner = TablePlanner(settings, catalog)
        self.publisher = TablePublisher(settings, store, catalog)

    def plan(self, message: SchemaMessage) -> IcebergPlan:
        """Choose the columns of a stream, in the light of its table."""
        return self._planner.plan(message)

    def open_writer(self, plan: ParquetPlan, workshop: Workshop, epoch: Epoch) -> TableWriter:
        """Make ready to write the data files of a table."""
        assert isinstance(plan, IcebergPlan)
        self._tables[plan.message.stream] = plan.identifier
        return TableWriter(plan, self._settings, workshop, epoch)

    def tend(self, epoch: int) -> None:
        """Compact a little and let old snapshots go, every so many epochs of the pipeline."""
        maintenance = self._settings.maintenance
        if maintenance.every_epochs and epoch and epoch % maintenance.every_epochs == 0:
            from target_iceberg.maintenance.upkeep import inline_upkeep

            for identifier in self._tables.values():
                inline_upkeep(self._catalog, identifier, maintenance, self._settings.branch)

    def finish(self) -> None:
        """Publish the branch, if that is to be done when all is well with it.

        Raises:
            MismatchError: rows on the branch are not those that were loaded; it is left as it is.
            StoreError: `main` cannot be moved.
        """
        branch = self._settings.branch
        if branch is None or self._settings.publish != "after_checks":
            return
        check_branch(self._settings, branch, self._tables)
        for identifier in self._tables.values():
            fast_forward(self._catalog, identifier, branch)

    def activate_version(self, writer: StreamWriter, stream: str, version: int) -> None:
        """Let the rows of older versions go, if rows are deleted for good at all."""
        assert isinstance(writer, TableWriter)
        if self._settings.hard_delete:
            writer.activate(version)
        elif stream not in self._versions_seen:
            self._versions_seen.add(stream)
            logger.info(
                "stream %s: version %d is active; rows of other versions stay, as hard_delete is off",
                stream,
                version,
            )
