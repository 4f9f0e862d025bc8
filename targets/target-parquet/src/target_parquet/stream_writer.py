"""The files of one stream, as its rows come in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dativo_protocol.page_encoding import choose_page_encoding

from target_parquet.conform import conform
from target_parquet.epoch import Epoch, WrittenFile
from target_parquet.lane import Lane
from target_parquet.ledger import StreamAction
from target_parquet.metadata import now
from target_parquet.parquet import Encoding, ParquetPart, copy_whole
from target_parquet.part_writer import PartWriter

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa
    from dativo_protocol.page_encoding import PageEncoding
    from dativo_protocol.tally import Tally

    from target_parquet.encoders import Encoders
    from target_parquet.layout import FileNames
    from target_parquet.metadata import Stamps
    from target_parquet.plan import ParquetPlan
    from target_parquet.shared_settings import SharedSettings
    from target_parquet.storage import Store
    from target_parquet.writer_pool import WriterPool


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the writers of all streams share."""

    settings: SharedSettings
    store: Store
    names: FileNames
    pool: WriterPool
    encoders: Encoders
    stamps: Stamps
    tally: Tally


class StreamWriter:
    """Writes one stream; its files go to the epoch that is current when they are opened.

    Args:
        plan: of the stream.
        directory: of the stream, relative to the destination.
        workshop: what all streams share.
        epoch: that the first files belong to.
    """

    def __init__(self, plan: ParquetPlan, directory: str, workshop: Workshop, epoch: Epoch) -> None:
        self._stream = plan.message.stream
        self._directory = directory
        self._workshop = workshop
        self._plan = plan
        self._epoch = epoch
        self._begun: datetime | None = None
        self._parts = 0
        self._writers: dict[str, PartWriter] = {}
        self.begin()

    @property
    def row_schema(self) -> pa.Schema:
        """Of the rows on their way to a file."""
        return self._plan.evolved.file

    def begin(self) -> None:
        """Tell the first epoch what happens to the stream whether rows come or not."""
        if self._workshop.settings.load_method == "overwrite":
            self._epoch.act(self._stream, self._directory, StreamAction(replaces=True))

    def change(self, plan: ParquetPlan) -> None:
        """Go on with another schema; if its files have other columns, they are files of their own."""
        if not plan.evolved.file.equals(self._plan.evolved.file, check_metadata=True):
            self.finish()
        self._plan = plan

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        arrived = now()
        self._begun = self._begun or arrived
        for directory, rows in self._plan.partitioning.split(batch, self.rows_of_file(batch, arrived)):
            self._writer(directory).append(rows)

    def adopt(self, source: Path, rows: int, digest: str) -> int:
        """Take a Parquet file, which has the columns of the stream, as one of its files; returns its rows.

        Args:
            source: the file.
            rows: in it.
            digest: of them.

        Raises:
            StoreError: the destination refuses the bytes.
        """
        self.finish()  # what came before stands in files before this one
        staged = self._workshop.store.stage(self._next_name(""))
        size = copy_whole(source, staged)
        self._epoch.add(WrittenFile(self._stream, self._directory, staged, rows, size, digest))
        return rows

    def finish(self) -> None:
        """Complete all files of the epoch."""
        for writer in self._writers.values():
            writer.finish()
        self._writers.clear()

    def finish_epoch(self, *, overwrite: bool) -> None:
        """Complete what the epoch has of the stream."""
        self.finish()
        if overwrite:
            self.finish_empty()

    def finish_empty(self) -> None:
        """Write a file without rows if there is no other, so that an empty table still has its columns.

        A table with partitions goes without: a file above the partitions would be none of theirs.
        """
        if not self._parts and not self._workshop.settings.partition_columns(self._stream):
            self.finish_part("", self.open_part("", self._plan.evolved.file.empty_table()))

    def next_epoch(self, epoch: Epoch) -> None:
        """Let files opened from now on belong to another epoch."""
        self._epoch = epoch
        self._begun = None

    def rows_of_file(self, batch: pa.RecordBatch, arrived: datetime) -> pa.RecordBatch:
        """Arrange a batch as the columns of a file, with those that the target fills itself."""
        stamps = []
        if self._workshop.settings.add_record_metadata:
            begun = self._begun or arrived
            stamps = self._workshop.stamps.columns(batch.num_rows, received_at=arrived, batched_at=begun)
        return conform(batch, stamps, self._plan.evolved)

    def _writer(self, directory: str) -> PartWriter:
        writer = self._writers.get(directory)
        if writer is None:
            writer = self._writers[directory] = PartWriter(
                self.row_schema,
                partial(self._open_lane, directory),
                self._workshop.encoders,
                self._workshop.pool,
            )
        return writer

    def _open_lane(self, directory: str) -> Lane:
        return Lane(
            self._workshop.settings.file_bytes,
            partial(self.open_part, directory),
            partial(self.finish_part, directory),
            self._workshop.pool,
            self._workshop.encoders,
        )

    def open_part(self, directory: str, rows: pa.Table, pages: PageEncoding | None = None) -> ParquetPart:
        """Begin the next file of a partition ("" for none) for rows like these."""
        settings = self._workshop.settings
        return ParquetPart(
            self._workshop.store.stage(self._next_name(directory)),
            self._plan.evolved.file,
            Encoding(settings.compression, settings.level, pages or choose_page_encoding(rows)),
        )

    def _next_name(self, directory: str) -> str:
        """Name the next file in a partition, "" for none."""
        self._parts += 1
        file = self._workshop.names.name(self._stream, self._epoch.number, self._parts)
        return "/".join(filter(None, (self._directory, directory, file)))

    def finish_part(self, directory: str, part: ParquetPart) -> None:  # noqa: ARG002 -- for tables
        """Close a file of a partition ("" for none) and take it into the epoch."""
        size = part.close()
        self._epoch.add(WrittenFile(self._stream, self._directory, part.staged, part.rows, size, part.digest))
