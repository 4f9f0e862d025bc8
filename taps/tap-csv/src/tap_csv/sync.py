"""The run of one stream: its files in order, batch by batch, to the writer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dativo_protocol.ahead import read_ahead

from tap_csv.checks import check_header
from tap_csv.discovery import find_files
from tap_csv.locate import line_of_row
from tap_csv.progress import progress_of
from tap_csv.rows import open_csv
from tap_csv.tally import StreamTallies
from tap_csv.typed import RowTyper

if TYPE_CHECKING:
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter, RowWriter

    from tap_csv.notices import Notices
    from tap_csv.plan import StreamPlan
    from tap_csv.progress import Progress
    from tap_csv.rows import CsvFile
    from tap_csv.sources import SourceFile
    from tap_csv.tally import Tally

log = logging.getLogger(__name__)

BATCHES_AHEAD = 2
"""Parsed batches that wait to be typed and encoded: enough for both to go on, and little memory."""


class StreamRun:
    """Reads one stream once."""

    def __init__(self, plan: StreamPlan, state: State, out: MessageWriter, notices: Notices) -> None:
        self._plan = plan
        self._state = state
        self._out = out
        self._notices = notices
        self._tallies = StreamTallies(plan.message.stream)
        self._rows_since_state = 0

    def run(self) -> None:
        """Write SCHEMA, RECORDs and STATEs.

        Raises:
            CsvError: a file cannot be read on, or holds what the settings do not allow.
            ConfigError: the state cannot be used.
        """
        files = find_files(self._plan.definition, self._notices)
        progress = progress_of(self._plan, self._state.get_bookmark(self._plan.id), files)
        is_finished = False
        try:
            self._out.schema(self._plan.message)
            with self._out.stream(self._plan.message.stream, self._plan.arrow_schema) as records:
                read = sum([self._read_file(file, progress, records) for file in files])
            progress.finished()
            is_finished = True
        finally:
            # A stop raises past here; the state is then written as it stands.
            if is_finished or progress.is_resumable:
                self._state.set_bookmark(self._plan.id, progress.bookmark())
            self._tallies.log()
        log.info("%s: %d of %d files read", self._plan.id, read, len(files))
        self._out.state(self._state.to_dict())

    def _read_file(self, file: SourceFile, progress: Progress, records: RowWriter) -> bool:
        rows_done = progress.rows_done(file)
        if rows_done is None:
            log.debug("%s: %s was read before and is unchanged", self._plan.id, file.name)
            return False
        with open_csv(file, self._plan.definition) as opened:
            check_header(opened.header, self._plan, file.name, self._notices)
            self._read_rows(opened, rows_done, progress, records)
        with self._out.hold():
            progress.finished_file(file)
        self._warn_if_changed(file)
        if progress.is_resumable and self._rows_since_state >= progress.cost_of_state:
            self._write_state(progress)
        return True

    def _read_rows(self, opened: CsvFile, rows_done: int, progress: Progress, records: RowWriter) -> None:
        typer = RowTyper(self._plan, opened)
        parsed = opened.batches(typer.columns)
        with read_ahead([parsed], limit=BATCHES_AHEAD, hold=self._out.hold) as batches:
            for batch in batches:
                rest = batch.after(rows_done)
                if not len(rest.numbers):
                    continue
                typed = typer.typed(rest)
                rows = progress.due(typed.rows)
                with self._out.hold():
                    records.write(rows)
                    progress.wrote(opened.file, rows, typed.last_row)
                self._rows_since_state += rows.num_rows
                self._write_state_if_due(progress)
        left_out = opened.left_out + typer.left_out
        self._report(opened, left_out, "rows_left_out", "bad rows left out")
        self._report(opened, typer.nulled, "values_nulled", "bad values made null")

    def _write_state_if_due(self, progress: Progress) -> None:
        every = self._plan.definition.state_rows
        if progress.is_resumable and every and self._rows_since_state >= max(every, progress.cost_of_state):
            self._write_state(progress)

    def _write_state(self, progress: Progress) -> None:
        self._state.set_bookmark(self._plan.id, progress.bookmark())
        self._out.state(self._state.to_dict())
        self._rows_since_state = 0

    def _report(self, opened: CsvFile, tally: Tally, metric: str, what: str) -> None:
        if tally.first is None:
            return
        line = line_of_row(opened.file, self._plan.definition, tally.first)
        place = f"line {line}" if line else f"row {tally.first}"
        text = f"{tally.count} {what} in {opened.file.name}, the first at {place}"
        self._notices.warn(self._plan.id, text)
        self._tallies.add(metric, tally.count)

    def _warn_if_changed(self, file: SourceFile) -> None:
        if file.has_changed():
            text = (
                f"{file.name} changed while it was read; the next run reads it again if files are remembered"
            )
            self._notices.warn(self._plan.id, text)
