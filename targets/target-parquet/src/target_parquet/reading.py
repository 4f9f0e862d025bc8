"""How the input is read: what follows from the settings for batches and epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.reader import NEVER, ReadOptions

if TYPE_CHECKING:
    from target_parquet.shared_settings import SharedSettings


def read_options(settings: SharedSettings) -> ReadOptions:
    """Work out how much is read at once, and how often it is published.

    Streams that are overwritten are published at the end of the run alone, so that no reader finds half of
    them; no STATE can leave before.
    """
    memory = settings.memory
    overwrite = settings.load_method == "overwrite"
    return ReadOptions(
        batch_rows=settings.batch_size_rows,
        batch_bytes=memory.batch_bytes,
        queue_bytes=memory.queue_bytes,
        epoch_bytes=0 if overwrite else settings.epoch_max_bytes,
        epoch_records=NEVER if overwrite else settings.epoch_max_records,
        epoch_seconds=0 if overwrite else settings.epoch_max_seconds,
    )
