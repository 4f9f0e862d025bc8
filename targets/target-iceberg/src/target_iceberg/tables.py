"""Iceberg tables as a format of what a run writes (`target_parquet.table_format.TableFormat`)."""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING

from target_iceberg.backstage import Backstage, LatePublisher
from target_iceberg.foreseen import ForeseenPlan
from target_iceberg.foresight import Foresight
from target_iceberg.table_plan import IcebergPlan
from target_iceberg.table_writer import TableWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    Args:
        settings: of the user.
        store: the warehouse.
        origin: lines that the snapshots of the run have in their summaries.

    Raises:
        StoreError: the catalog cannot be opened. Where plans can be foreseen it is opened later, and whatever
            takes it raises this.
    """

    def __init__(
        self, settings: Settings, store: Store, origin: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._origin = origin
        self._settings = settings
        self._tables: dict[str, Identifier] = {}
        self._versions_seen: set[str] = set()
        self._backstage = Backstage(settings, store)
        self._foresight = Foresight(settings) if Foresight.is_of_use(settings) else None
        if self._foresight is None:
            self._backstage.opened()
        self.publisher = LatePublisher(self._backstage)

    def plan(self, message: SchemaMessage) -> IcebergPlan | ForeseenPlan:
        """Choose the columns of a stream, in the light of its table; its catalog may still be opening."""
        foreseen = self._foresight.foresee(message) if self._foresight else None
        whole = self._backstage.plan(message, foreseen)
        if foreseen is None:
            return whole.result()
        return foreseen.plan(message, validated=self._settings.validate_records, whole=whole)

    def open_writer(self, plan: ParquetPlan, workshop: Workshop, epoch: Epoch) -> TableWriter:
        """Make ready to write the data files of a table."""
        assert isinstance(plan, (IcebergPlan, ForeseenPlan))
        self._tables[plan.message.stream] = plan.identifier
        return TableWriter(plan, self._settings, workshop, epoch, self._origin)

    def tend(self, epoch: int) -> None:
        """Compact a little and let old snapshots go, every so many epochs of the pipeline."""
        maintenance = self._settings.maintenance
        if maintenance.every_epochs and epoch and epoch % maintenance.every_epochs == 0:
            from target_iceberg.maintenance.upkeep import inline_upkeep

            for identifier in self._tables.values():
                inline_upkeep(
                    self._backstage.opened().catalog, identifier, maintenance, self._settings.branch
                )

    def finish(self) -> None:
        """Publish the branch, if that is to be done when all is well with it.

        A run without any input ends here with an error too, if the catalog cannot be opened.

        Raises:
            MismatchError: rows on the branch are not those that were loaded; it is left as it is.
            StoreError: `main` cannot be moved.
        """
        from target_iceberg.branches import fast_forward
        from target_iceberg.verify import check_branch

        catalog, branch = self._backstage.opened().catalog, self._settings.branch
        if branch is None or self._settings.publish != "after_checks":
            return
        check_branch(self._settings, branch, self._tables)
        for identifier in self._tables.values():
            fast_forward(catalog, identifier, branch)

    def activate_version(self, writer: StreamWriter, stream: str, version: int) -> None:
        """Let the rows of older versions go, or mark them as deleted where there is a column for it."""
        assert isinstance(writer, TableWriter)
        if self._settings.add_record_metadata:
            writer.activate(version)
        elif stream not in self._versions_seen:
            self._versions_seen.add(stream)
            logger.info(
                "stream %s: version %d is active; rows of other versions stay, as add_record_metadata is off",
                stream,
                version,
            )
