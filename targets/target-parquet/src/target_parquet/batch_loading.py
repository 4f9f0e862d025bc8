"""The files of a BATCH message into a stream: as they are, column by column or line by line (B1..B5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_protocol.digest import Digest
from dativo_protocol.events import BatchEvent, EndEvent

from target_parquet.batch_files import SOURCE_KEY, columnar_batches, open_parquet
from target_parquet.batch_rules import NO_RULES, Rules, rules_of
from target_parquet.batch_sources import opened_batch_file
from target_parquet.errors import BatchFileError
from target_parquet.reading import read_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa
    from dativo_protocol.events import InvalidEvent
    from dativo_protocol.messages import BatchMessage
    from dativo_protocol.tally import Tally

    from target_parquet.batch_sources import BatchFile
    from target_parquet.plan import ParquetPlan
    from target_parquet.shared_settings import SharedSettings
    from target_parquet.stream_writer import StreamWriter


@dataclass(frozen=True, slots=True)
class BatchLoading:
    """Takes the rows of one BATCH message.

    Attributes:
        message: that names the files.
        plan: of the stream.
        writer: takes the rows.
        refuse: takes those that are invalid.
        settings: of the user.
        read: takes the local files that have been read.
        tally: of the run; every row of a file counts as read.
    """

    message: BatchMessage
    plan: ParquetPlan
    writer: StreamWriter
    refuse: Callable[[InvalidEvent], None]
    settings: SharedSettings
    read: list[Path]
    tally: Tally

    def run(self, line: int) -> int:
        """Load the files one after the other; returns how many rows were taken.

        Args:
            line: of the message, for errors.

        Raises:
            BatchFileError: a file cannot be read, or its columns do not fit.
        """
        stream, format_ = self.message.stream, self.message.encoding.format
        if format_ not in ("jsonl", "parquet", "arrow"):
            raise BatchFileError(f"line {line}, stream {stream!r}: unknown batch format {format_!r}")
        rows = 0
        for uri in self.message.manifest:
            with opened_batch_file(uri, stream, self.settings.s3) as file:
                rows += self._load(file)
            if not file.is_copy:
                self.read.append(file.path)
        return rows

    def _load(self, file: BatchFile) -> int:
        if self.message.encoding.format == "jsonl":
            from target_parquet.batch_lines import line_events

            options = read_options(self.settings)
            return self._take(line_events(file, self.message, self.plan, options))
        rules = rules_of(self.plan.message) if self.settings.validate_records else NO_RULES
        if self.message.encoding.format == "parquet" and (rows := self._adopted(file, rules)):
            return rows
        return self._take(self._row_events(file, rules))

    def _take(self, events: Iterator[BatchEvent | InvalidEvent | EndEvent]) -> int:
        rows = 0
        for event in events:
            if isinstance(event, BatchEvent):
                self.writer.write(event.batch)
                rows += event.batch.num_rows
            elif isinstance(event, EndEvent):
                self.tally.read += event.records + event.invalid
            else:
                self.refuse(event)
        return rows

    def _adopted(self, file: BatchFile, rules: Rules) -> int:
        """Take a file as it is, if it can be; returns how many rows it has, or 0."""
        from target_parquet.batch_adoption import is_adoptable

        with open_parquet(file, self.message) as found:
            size = file.path.stat().st_size
            if not is_adoptable(found, size, self.plan, self.settings, rules):
                return 0
        digest = Digest(self.plan.schema)
        for batch in self._batches(file):
            digest.update(batch)  # so every page is read: what is broken must not become part of the table
        self.tally.read += found.metadata.num_rows
        return self.writer.adopt(file.path, found.metadata.num_rows, digest.value())

    def _row_events(self, file: BatchFile, rules: Rules) -> Iterator[BatchEvent | InvalidEvent]:
        from target_parquet.batch_lines import row_events

        row = 0
        for batch in self._batches(file):
            self.tally.read += batch.num_rows
            if rules.are_kept_by(batch):
                yield BatchEvent(self.message.stream, batch)
            else:
                options = read_options(self.settings)
                yield from row_events(_record(batch), row, file, self.message, self.plan, options)
            row += batch.num_rows

    def _batches(self, file: BatchFile) -> Iterator[pa.RecordBatch]:
        return columnar_batches(file, self.message, self.plan.schema, self.settings.batch_size_rows)


def _record(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Leave out the columns that come with messages rather than in their records."""
    return batch.select([field.name for field in batch.schema if SOURCE_KEY not in (field.metadata or {})])
