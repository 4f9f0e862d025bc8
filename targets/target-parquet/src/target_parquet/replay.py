"""`target-parquet replay`: quarantined rows out as Singer lines, repaired ones in again, each row once.

Loading repaired lines is one epoch, in which the rows they stand for are noted as dealt with; it is published
as a whole or not at all. Of two replays at the same time one alone gets the epoch's number.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from dativo_protocol.errors import ConfigError
from dativo_protocol.pipes import write_all
from dativo_protocol.reader import NEVER
from dativo_protocol.target import run_target

from target_parquet.loader import ParquetLoader
from target_parquet.quarantined import Quarantined
from target_parquet.reading import read_options
from target_parquet.replay_lines import Repaired, lines_of, repaired_lines
from target_parquet.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_protocol.signals import StopRequest

    from target_parquet.settings import Settings

logger = logging.getLogger(__name__)


def write_open_rows(settings: Settings, out_fd: int, *, stream: str | None, run: str | None) -> None:
    """Write the rows that are not dealt with as lines.

    Raises:
        StoreError: they cannot be read.
        DownstreamClosed: nobody reads the lines any more.
    """
    quarantined = Quarantined(open_store(settings), settings.pipeline)
    for line in lines_of(quarantined.open(stream=stream, run=run), quarantined.schemas()):
        write_all(out_fd, line)


def load_repaired(settings: Settings, name: str, stop: StopRequest) -> None:
    """Load repaired lines, all of them or none.

    Args:
        settings: of the user; a record that still does not fit fails the replay whatever they say.
        name: of the file, "-" for standard input.
        stop: ends it with nothing published.

    Raises:
        ReplayError, InvalidRecordError: a line is not good; nothing is published.
        StoreError: the destination refuses.
    """
    settings = replace(
        settings, load_method="append-only", on_invalid="fail", max_invalid=None, max_invalid_ratio=None
    )
    store = open_store(settings)
    with ExitStack() as files:
        source = files.enter_context(_opened(name))
        loader = ParquetLoader(settings, store)
        try:
            # Asked after the loader has found its place in the ledger: who replays the same rows later
            # finds that place taken, who did so before is seen here.
            quarantined = Quarantined(store, settings.pipeline)
            repaired = repaired_lines(source, quarantined.keys(), quarantined.replayed())
            lines = files.enter_context(repaired)
            loader.quarantine.replayed((run, number, count) for (run, number), count in lines.rows.items())
        except BaseException:
            loader.abort()
            raise
        _load(loader, settings, lines, stop)


def _load(loader: ParquetLoader, settings: Settings, lines: Repaired, stop: StopRequest) -> None:
    options = replace(read_options(settings), epoch_bytes=0, epoch_records=NEVER, epoch_seconds=0)
    with open(os.devnull, "wb") as no_state:  # noqa: PTH123 -- there is none in the input
        run_target(loader, lines.messages.fileno(), no_state.fileno(), options=options, stop=stop)
    given_up = sum(1 for count in lines.rows.values() if count == 0)
    logger.info(
        "%d quarantined records are dealt with, %d of them given up; %d had been before",
        len(lines.rows),
        given_up,
        lines.left_out,
    )


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    try:
        file = open(0 if name == "-" else name, "rb", closefd=name != "-")  # noqa: PTH123 -- may be a number
    except OSError as error:
        raise ConfigError(
            f"input file {name} cannot be read: {error.strerror}", instruction="Give it an input."
        ) from error
    with file:
        yield file
