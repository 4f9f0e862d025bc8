"""The destination of one run: streams in, Parquet files out, published epoch by epoch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dativo_protocol.tally import Tally

from target_parquet import faults
from target_parquet.bad_records import BadRecords
from target_parquet.encoders import Encoders
from target_parquet.epoch import Epoch, Writer
from target_parquet.errors import StoreError
from target_parquet.layout import FileNames, new_run_id
from target_parquet.ledger import Ledger, live_tokens
from target_parquet.metadata import Stamps, now
from target_parquet.names import SIDE_STREAMS
from target_parquet.plan import ParquetPlan
from target_parquet.quarantine import Quarantine
from target_parquet.recovery import recover, state_to_start_from
from target_parquet.stream_writer import Workshop
from target_parquet.summary import Summary
from target_parquet.warm_up import load_for_writing
from target_parquet.writer_pool import WriterPool

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from dativo_protocol.events import InvalidEvent, StreamPlan
    from dativo_protocol.messages import BatchMessage, SchemaMessage

    from target_parquet.shared_settings import SharedSettings
    from target_parquet.storage import Store
    from target_parquet.stream_writer import StreamWriter
    from target_parquet.table_format import TableFormat

logger = logging.getLogger(__name__)


class ParquetLoader:
    """Loads one run into a store (`dativo_protocol.target.Loader`).

    Args:
        settings: of the user.
        store: the destination.
        format_: of what is written into it.

    Attributes:
        standing: the STATE that the tap had to start from when this was opened, None for none.

    Raises:
        StoreError: the destination cannot be written to.
    """

    def __init__(self, settings: SharedSettings, store: Store, format_: TableFormat) -> None:
        run = new_run_id()
        store.open_run(run)
        self._settings = settings
        self._store = store
        self._format = format_
        self._final = False
        self._epoch = self._first_epoch(run)
        self.tally = Tally()
        pool = WriterPool(settings.memory.buffer_bytes)
        names = FileNames(settings.file_template, run)
        self._workshop = Workshop(
            settings, store, names, pool, Encoders(settings.encoders), Stamps(now()), self.tally
        )
        self._streams: dict[str, StreamWriter] = {}
        self._plans: dict[str, ParquetPlan] = {}
        self._read: list[Path] = []
        self._summary = Summary()
        self._taken = 0
        self.quarantine = Quarantine(settings.pipeline, self._workshop, self._epoch)
        self._bad = BadRecords(settings, self.quarantine, self.tally)

    def plan(self, message: SchemaMessage) -> ParquetPlan:
        """Choose the columns of a stream, in the light of what it has already."""
        return self._format.plan(message)

    def open_stream(self, plan: StreamPlan) -> None:
        """Make a stream ready for batches of this plan; called again when its SCHEMA changes."""
        assert isinstance(plan, ParquetPlan)
        stream = plan.message.stream
        self._plans[stream] = plan
        if stream in self._streams:
            self._streams[stream].change(plan)
        else:
            load_for_writing()
            self._streams[stream] = self._format.open_writer(plan, self._workshop, self._epoch)

    def write(self, stream: str, batch: pa.RecordBatch) -> None:
        """Take the next rows of a stream."""
        self._taken += batch.num_rows
        self._streams[stream].write(batch)

    def activate_version(self, stream: str, version: int) -> None:
        """Retire the rows of other versions, where the format can (M5)."""
        if self._settings.process_activate_version_messages:
            self._format.activate_version(self._streams[stream], stream, version)

    def load_batch_file(self, message: BatchMessage, line: int) -> int:
        """Take the rows of the files a BATCH message names (B1..B4)."""
        from target_parquet.batch_loading import BatchLoading

        plan, writer = self._plans[message.stream], self._streams[message.stream]
        loading = BatchLoading(message, plan, writer, self.invalid, self._settings, self._read, self.tally)
        rows = loading.run(line)
        self._taken += rows
        return rows

    def invalid(self, event: InvalidEvent) -> None:
        """Do with a bad record what `on_invalid` says."""
        self._bad.take(event, self._plans)

    def commit(self, state: bytes | None, *, final: bool) -> None:
        """Publish everything taken since the last commit."""
        overwrite = self._settings.load_method == "overwrite"
        if overwrite and not final:
            raise StoreError("streams are overwritten at the end of a run, not in the middle of it")
        self._bad.budget.check(self._taken)
        for writer in self._streams.values():
            writer.finish_epoch(overwrite=overwrite)
        self.quarantine.finish()
        self._final = final
        self._account()
        self._epoch.prepare(state)
        self._epoch.commit()
        self._summary.add(self._epoch.files)
        faults.passing("emit.before")

    def emitted(self) -> None:
        """Close the epoch whose STATE has just left, and open the next one."""
        faults.passing("emit.after")
        standing = self._epoch.done()
        self._clean_up()
        self._epoch = Epoch(self._writer, standing)
        self._format.tend(standing.epoch)
        if self._final:
            self._summary.log(self._settings.destination)
            self._workshop.encoders.close()
            self._store.close_run()
            self._format.finish()
        for writer in self._streams.values():
            writer.next_epoch(self._epoch)
        self.quarantine.next_epoch(self._epoch)

    def abort(self) -> None:
        """Drop everything unpublished, but for what the ledger has promised to publish."""
        self._workshop.encoders.close()
        self._workshop.pool.abandon()
        self._store.close_run(keep_staged=self._epoch.give_up())

    def _clean_up(self) -> None:
        """Let go of the batch files whose rows are published."""
        read, self._read = self._read, []
        for path in read if self._settings.clean_up_batch_files else ():
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                logger.warning("cannot remove the batch file %s: %s", path, error)

    def _account(self) -> None:
        """Count the rows of the epoch's files as written; at the end of a run nothing may be missing.

        Raises:
            StoreError: something is, and nothing of the epoch is published.
        """
        self.tally.written += sum(file.rows for file in self._epoch.files if file.stream not in SIDE_STREAMS)
        if self._final and self.tally.missing:
            raise StoreError(
                f"the counts do not add up ({self.tally})", instruction="This is a defect, please report it."
            )

    def _first_epoch(self, run: str) -> Epoch:
        """Complete what a run that died had prepared, then tidy up behind such runs."""
        ledger = Ledger(self._store, self._settings.pipeline)
        publisher = self._format.publisher
        self._writer = Writer(self._store, ledger, publisher, run, self._settings.load_method)
        try:
            standing = recover(ledger, publisher)
            self._store.clean_up(lambda: live_tokens(self._store))
        except BaseException:
            self._store.close_run()
            raise
        self.standing = state_to_start_from(self._settings, standing.state)
        return Epoch(self._writer, standing)
