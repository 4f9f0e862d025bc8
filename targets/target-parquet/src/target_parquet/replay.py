"""`target-parquet replay`: quarantined rows out as Singer lines, repaired ones in again, each row once.

Loading repaired lines is one epoch, in which the rows they stand for are noted as dealt with; it is published
as a whole or not at all. Of two replays at the same time one alone gets the epoch's number.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from dataclasses import replace
from typing import IO, TYPE_CHECKING, TypeVar

from dativo_protocol.cli import open_input
from dativo_protocol.pipes import write_all
from dativo_protocol.reader import NEVER
from dativo_protocol.target import run_target

from target_parquet.quarantined import Quarantined
from target_parquet.reading import read_options
from target_parquet.replay_lines import lines_of, repaired_lines
from target_parquet.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo_protocol.signals import StopRequest

    from target_parquet.loader import ParquetLoader
    from target_parquet.shared_settings import SharedSettings

S = TypeVar("S", bound="SharedSettings")

logger = logging.getLogger(__name__)


def write_open_rows(settings: SharedSettings, out_fd: int, *, stream: str | None, run: str | None) -> None:
    """Write the rows that are not dealt with as lines.

    Raises:
        StoreError: they cannot be read.
        DownstreamClosed: nobody reads the lines any more.
    """
    quarantined = Quarantined(open_store(settings), settings.pipeline)
    for line in lines_of(quarantined.open(stream=stream, run=run), quarantined.schemas()):
        write_all(out_fd, line)


def load_repaired(
    settings: S,
    name: str,
    stop: StopRequest,
    open_loader: Callable[[S], ParquetLoader],
    *,
    give_up: bool = False,
) -> None:
    """Load repaired lines, all of them or none.

    Args:
        settings: of the user; a record that still does not fit fails the replay whatever they say.
        name: of the file, "-" for standard input.
        stop: ends it with nothing published.
        open_loader: opens the destination.
        give_up: take a row whose lines are deleted for dealt with; by default it stays open.

    Raises:
        ReplayError, InvalidRecordError: a line is not good; nothing is published.
        StoreError: the destination refuses.
    """
    settings = replace(
        settings, load_method="append-only", on_invalid="fail", max_invalid=None, max_invalid_ratio=None
    )
    store = open_store(settings)
    with ExitStack() as files:
        source = files.enter_context(open(open_input(None if name == "-" else name), "rb"))  # noqa: PTH123 -- a number
        loader = open_loader(settings)
        try:
            # Asked after the loader has found its place in the ledger: who replays the same rows later
            # finds that place taken, who did so before is seen here.
            quarantined = Quarantined(store, settings.pipeline)
            repaired = repaired_lines(source, quarantined.keys(), quarantined.replayed())
            lines = files.enter_context(repaired)
            rows = {key: count for key, count in lines.rows.items() if count or give_up}
            loader.quarantine.replayed((run, number, count) for (run, number), count in rows.items())
        except BaseException:
            loader.abort()
            raise
        _load(loader, settings, lines.messages, stop)
        empty = sum(1 for count in lines.rows.values() if count == 0)
        logger.info(
            "%d quarantined records replayed, %d without lines %s; %d replayed before are left out",
            len(lines.rows) - empty,
            empty,
            "given up" if give_up else "stay in quarantine",
            lines.left_out,
        )


def _load(loader: ParquetLoader, settings: SharedSettings, messages: IO[bytes], stop: StopRequest) -> None:
    options = replace(read_options(settings), epoch_bytes=0, epoch_records=NEVER, epoch_seconds=0)
    with open(os.devnull, "wb") as no_state:  # noqa: PTH123 -- there is none in the input
        run_target(loader, messages.fileno(), no_state.fileno(), options=options, stop=stop)
