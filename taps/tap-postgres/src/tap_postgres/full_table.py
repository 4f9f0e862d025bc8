"""FULL_TABLE: all rows of a table at one snapshot, in chunks that a later run need not read again."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_protocol.state import Bookmark

from tap_postgres.bookmarks import LSN_KEY, REPLICATION_KEY, REPLICATION_KEY_VALUE, table_bookmark
from tap_postgres.chunks import divided, remaining
from tap_postgres.copying import copy_statement
from tap_postgres.jobs import Chunk, Job
from tap_postgres.mending import mend_pages, read_pages
from tap_postgres.stream_run import StreamRun
from tap_postgres.table_progress import TableProgress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter, RowWriter

    from tap_postgres.jobs import Rows
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.storage import Storage
    from tap_postgres.tables import StreamPlan

_logger = logging.getLogger("tap_postgres")

_VERSION = "version"
_SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class LogStart:
    """Where the changes of a table begin in the log.

    Attributes:
        lsn: of the snapshot; transactions that end before it are in the snapshot, others are not.
        bookmark: what else is to be kept once the table has been read.
    """

    lsn: int
    bookmark: Mapping[str, Any]


class FullTable(StreamRun):
    """Reads a table once, or the rest of it."""

    def __init__(
        self,
        plan: StreamPlan,
        settings: TapPostgresSettings,
        state: State,
        out: MessageWriter,
        storage: Storage | None,
        *,
        log: LogStart | None = None,
    ) -> None:
        """Decide what is left to read.

        Args:
            plan: of the stream.
            settings: of the tap.
            state: with the bookmark of an earlier run.
            out: where to write.
            storage: where the rows lie, None if they can only be read as a whole.
            log: where the table's changes go on after the snapshot, if they are wanted. It is kept of an
                interrupted reading, and what was written since is not looked for then: it is in the log.
        """
        super().__init__(plan, settings, state, out)
        self._log = log
        bookmark = table_bookmark(state.get_bookmark(plan.id), is_logged=log is not None)
        self._is_first = _VERSION not in bookmark
        self._progress = self._left_behind(bookmark.pop(_SNAPSHOT, None), bookmark.get(_VERSION), storage)
        is_resumed = self._progress is not None
        self._version = bookmark[_VERSION] if is_resumed and self._is_versioned else _now()
        if storage is not None and self._progress is None:
            self._progress = TableProgress.fresh(storage, plan, log.lsn if log else None)
        self._bookmark = bookmark
        self._pages_since_state = 0
        jobs = () if storage is None else tuple(self._part_jobs(storage))
        if is_resumed:
            self.jobs = jobs or (Job(plan, ()),)  # all pages were read, but not said to be
        else:
            self.jobs = jobs if len(jobs) > 1 else (Job(plan, (copy_statement(plan),)),)

    @property
    def version(self) -> int | None:
        """Milliseconds at the start of the reading."""
        return self._version if self._is_versioned else None

    @property
    def _is_versioned(self) -> bool:
        return self.settings.activate_version

    def _left_behind(self, found: Any, version: Any, storage: Storage | None) -> TableProgress | None:
        """Return the progress of an interrupted reading that this one goes on with."""
        progress = TableProgress.parse(found)
        if progress is None or not self.settings.resume_full_table:
            return None
        if storage is None:
            obstacle: str | None = "the table can only be read as a whole now"
        elif self._is_versioned and not isinstance(version, int):
            obstacle = "its rows have no version"
        elif (progress.lsn is None) is not (self._log is None):
            obstacle = "another replication method is wanted"
        else:
            obstacle = progress.obstacle(storage, self.plan)
        if obstacle is not None or storage is None:
            _logger.warning("%s: begins anew, %s", self.plan.id, obstacle)
            return None
        left = "" if self._log else "; rows deleted since then stay in the target until the next full reading"
        _logger.info("%s: goes on with the reading that was interrupted%s", self.plan.id, left)
        return progress.resumed(storage)

    def _part_jobs(self, storage: Storage) -> Iterator[Job]:
        assert self._progress is not None
        most, readers = self.settings.chunk_pages, self.settings.max_parallelism
        for leaf in storage.leaves:
            done = self._progress.leaves[leaf.name].done
            for pages in divided(remaining(leaf.pages, done), most=most, readers=readers):
                yield Job(self.plan, (read_pages(self.plan, leaf, pages),), Chunk(leaf.name, pages))
            for pages in done if self._log is None else ():
                yield Job(self.plan, (mend_pages(self.plan, leaf, pages, self._progress.xmin),))

    def begin(self) -> None:
        """Let whatever the target has of an interrupted first reading go before the rows come again."""
        if self.version is not None and self._is_first:
            self.out.activate_version(self.name, self.version)

    def write(self, records: RowWriter, rows: Rows) -> None:
        """Write rows; they count once their chunk is finished."""
        records.write(rows.batch)

    def finish_job(self, job: Job) -> None:
        """Put a finished chunk into the STATE."""
        if job.chunk is None or self._progress is None or not self.settings.resume_full_table:
            return
        with self.out.hold():
            self._progress = self._progress.with_done(job.chunk)
            self._keep({_SNAPSHOT: self._progress.to_dict()})
            self._pages_since_state += job.chunk.pages.count
            if self._pages_since_state * 2 >= self.settings.chunk_pages:
                self._pages_since_state = 0
                self.write_state()

    def finish(self) -> None:
        """Activate the version."""
        with self.out.hold():
            if self.version is not None:
                self.out.activate_version(self.name, self.version)
            self._keep(self._log_bookmark())
            self.write_state()

    def _log_bookmark(self) -> Mapping[str, Any]:
        if self._log is None:
            return {}
        kept = self._progress.lsn if self._progress is not None else None
        lsn = self._log.lsn if kept is None else kept
        return {**self._log.bookmark, REPLICATION_KEY: LSN_KEY, REPLICATION_KEY_VALUE: lsn}

    def _keep(self, more: Mapping[str, Any]) -> None:
        version = {} if self.version is None else {_VERSION: self.version}
        self.state.set_bookmark(self.plan.id, Bookmark({**self._bookmark, **version, **more}))


def _now() -> int:
    return time.time_ns() // 1_000_000
