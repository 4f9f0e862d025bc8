"""What makes a stream's files a table: the seam between a run of epochs and the format of what it writes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from target_parquet.layout import Directories
from target_parquet.plan import ParquetPlan, Planner
from target_parquet.publication import FilePublisher, Publisher
from target_parquet.stream_writer import StreamWriter

if TYPE_CHECKING:
    from dativo_protocol.messages import SchemaMessage

    from target_parquet.epoch import Epoch
    from target_parquet.settings import Settings
    from target_parquet.storage import Store
    from target_parquet.stream_writer import Workshop

logger = logging.getLogger(__name__)


class TableFormat(Protocol):
    """Plans and writes the streams of one run, and publishes its epochs.

    Attributes:
        publisher: of the epochs.
    """

    @property
    def publisher(self) -> Publisher:
        """Makes epochs visible."""

    def plan(self, message: SchemaMessage) -> ParquetPlan:
        """Choose the columns of a stream; called on the decode thread.

        Raises:
            SchemaError: the stream cannot be stored.
            StoreError: what is there already cannot be read.
        """

    def open_writer(self, plan: ParquetPlan, workshop: Workshop, epoch: Epoch) -> StreamWriter:
        """Make ready to write the rows of a stream.

        Raises:
            LayoutError: there is no place for it.
        """

    def activate_version(self, writer: StreamWriter, stream: str, version: int) -> None:
        """Retire the rows of older versions with the next commit, where the format can (M5)."""

    def tend(self, epoch: int) -> None:
        """Look after the tables between two epochs, if the one with this number calls for it; never fails."""

    def finish(self) -> None:
        """Do what is left to do when a run has ended well and its last STATE has left.

        Raises:
            StoreError: it could not be done; what was committed stays.
        """


class PlainFiles:
    """One directory of Parquet files a stream."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._planner = Planner(settings, store)
        self._directories = Directories(case_sensitive=store.case_sensitive)
        self._versions_seen: set[str] = set()
        self.publisher = FilePublisher(store)

    def plan(self, message: SchemaMessage) -> ParquetPlan:
        """Choose the columns of a stream, in the light of the files it has already."""
        return self._planner.plan(message)

    def open_writer(self, plan: ParquetPlan, workshop: Workshop, epoch: Epoch) -> StreamWriter:
        """Give a stream its directory."""
        return StreamWriter(plan, self._directories.of(plan.message.stream), workshop, epoch)

    def activate_version(self, writer: StreamWriter, stream: str, version: int) -> None:  # noqa: ARG002
        """Note it: files keep the rows of every version, told apart by `_sdc_table_version`."""
        if stream not in self._versions_seen:
            self._versions_seen.add(stream)
            logger.info(
                "stream %s: version %d is active; rows of other versions stay in their files", stream, version
            )

    def tend(self, epoch: int) -> None:
        """Files need no care."""

    def finish(self) -> None:
        """Nothing is left to do."""
