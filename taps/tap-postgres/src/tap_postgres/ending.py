"""When a run that reads changes is at its end: always after a transaction."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from tap_postgres.connection_settings import is_set
from tap_postgres.lsn import format_lsn

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo_protocol.postgres import PgChange

    from tap_postgres.replication_settings import ReplicationSettings

log = logging.getLogger("tap_postgres")


class Ending:
    """Decides; asked after each step."""

    def __init__(
        self, settings: ReplicationSettings, end: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin to measure time.

        Args:
            settings: of the tap.
            end: position of the server at the beginning of the run.
            clock: in seconds.
        """
        self._end = end if is_set(settings.break_at_end_lsn) else None
        self._longest_run = settings.longest_run
        self._longest_silence = settings.longest_silence
        self._clock = clock
        self._started = self._last_change = clock()
        self._reason: str | None = None
        self._received = -1

    def end_soon(self, reason: str) -> None:
        """End after the transaction that is being read."""
        self._reason = self._reason or reason

    def is_at(self, change: PgChange) -> bool:
        """Whether the run ends after this step."""
        from dativo_protocol.postgres import PgChangeKind as Kind

        now = self._clock()
        if change.kind in (Kind.BATCH, Kind.TRUNCATE):
            self._last_change, self._has_rows = now, True
        if change.kind is Kind.COMMIT:
            self._received = -1
        if now - self._started >= self._longest_run:
            self.end_soon(f"it has read for {self._longest_run} s")
        if change.kind is Kind.COMMIT and self._end is not None and change.end_lsn >= self._end:
            self.end_soon(f"it has reached {format_lsn(self._end)}, where the server was when it began")
        if now - self._last_change >= self._longest_silence and self._end is None:
            self.end_soon(f"nothing has changed for {self._longest_silence} s")
        # Between transactions: after a commit, or when nothing is on its way.
        is_quiet = change.kind is Kind.IDLE and change.received_lsn == self._received
        is_between = change.kind is Kind.COMMIT or is_quiet
        self._received = change.received_lsn
        if self._reason is not None and is_between:
            log.info("the run ends: %s", self._reason)
            return True
        return False
