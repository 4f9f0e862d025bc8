"""What a tap is to the toolkit, and the loop that runs one."""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from dativo_protocol.catalog import Catalog
from dativo_protocol.metrics import Timer
from dativo_protocol.pipes import write_all
from dativo_protocol.selection import selected_streams
from dativo_protocol.signals import Stopped, StopRequest
from dativo_protocol.state import State
from dativo_protocol.writer import MessageWriter, RecordLimitReached

if TYPE_CHECKING:
    from typing import Any

    from dativo_protocol.batch_settings import BatchSettings
    from dativo_protocol.state_file import StateFile

log = logging.getLogger(__name__)


class Tap(Protocol):
    """One source, opened with its settings."""

    def discover(self) -> Catalog:
        """Describe every stream of the source.

        Raises:
            SourceError: the source cannot be read.
        """

    def sync(self, catalog: Catalog, state: State, out: MessageWriter) -> None:
        """Write the selected streams of `catalog`, starting at `state`.

        A bookmark of `state` is advanced only after the records before it were written to `out`: when
        the run is interrupted, `state` as it is then is written as the last STATE (S3, S5).

        Raises:
            SourceError: the source cannot be read on.
        """

    def check(self) -> None:
        """Prove that the source can be reached with these settings; moves no data.

        Raises:
            SourceError: it cannot.
        """


def write_catalog(tap: Tap, out_fd: int) -> None:
    """Write the catalog as JSON and nothing else (C3).

    Raises:
        SourceError: the source cannot be read.
        DownstreamClosed: nobody reads the output any more.
    """
    text = json.dumps(tap.discover().to_dict(), indent=2, ensure_ascii=False)
    write_all(out_fd, text.encode("utf-8", "backslashreplace") + b"\n")


def run_tap(
    tap: Tap,
    catalog: Catalog | None,
    state: State,
    out_fd: int,
    *,
    stop: StopRequest | None = None,
    batches: BatchSettings | None = None,
    given: StateFile | None = None,
) -> None:
    """Write everything selected since `state`.

    The state known at the start and the one reached at the end are written in any case (K6); on a signal
    the one reached so far is (S3); after a failure none is (S5).

    Args:
        tap: the source.
        catalog: what its user chose; None for all that is selected by default (C5).
        state: where to start; advanced in place.
        out_fd: file descriptor for the messages.
        stop: when it comes, no line is torn.
        batches: write records as files (B3).
        given: the file that `state` is from, for taps that want to know when it is replaced by a newer one.

    Raises:
        SourceError: the source cannot be read on.
        DownstreamClosed: nobody reads the output any more.
        Stopped: `stop` came.
    """
    stop = stop or StopRequest()
    out = MessageWriter(out_fd, hold=stop.hold, batches=batches)
    out.given = given
    started = time.monotonic()
    try:
        _sync(tap, catalog, state, out)
    finally:
        out.counters.log()
    log.info("read %s in %.1f s", out.counters.summary(), time.monotonic() - started)


def try_tap(tap: Tap, catalog: Catalog | None, out_fd: int, *, records: int) -> None:
    """Prove that the source can be reached and each selected stream begun (C1 `--test`).

    Args:
        tap: the source.
        catalog: what its user chose; None for all that is selected by default.
        out_fd: file descriptor for the messages.
        records: how many of each stream to write after its SCHEMA, 0 for none.

    Raises:
        SourceError: it cannot.
        DownstreamClosed: nobody reads the output any more.
    """
    tap.check()
    for entry in selected_streams(catalog or tap.discover()):
        with suppress(RecordLimitReached):
            tap.sync(Catalog.of([entry]), State(), _TrialWriter(out_fd, record_limit=records))


class _TrialWriter(MessageWriter):
    """Writes no STATE: a trial reads too little for a state to stand for."""

    def state(self, value: Any) -> None:
        """Ignore it."""


def _sync(tap: Tap, catalog: Catalog | None, state: State, out: MessageWriter) -> None:
    _write_state(state, out)
    with Timer("job_duration"):
        try:
            tap.sync(catalog or tap.discover(), state, out)
        except Stopped:
            log.warning("stopped: the state reached so far is written")
            _write_state(state, out)
            raise
        _write_state(state, out)


def _write_state(state: State, out: MessageWriter) -> None:
    document = state.to_dict()
    if document:
        out.state(document)
