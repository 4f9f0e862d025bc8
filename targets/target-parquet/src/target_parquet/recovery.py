"""Where a pipeline stands: what a run that was killed had prepared is completed first."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_parquet import faults
from target_parquet.layout import new_run_id
from target_parquet.ledger import Ledger

if TYPE_CHECKING:
    from target_parquet.publication import Publisher
    from target_parquet.shared_settings import SharedSettings
    from target_parquet.storage import Store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the next epoch goes on from.

    Attributes:
        epoch: number of the newest epoch, 0 if there is none.
        state: JSON text of the durable STATE, None if there is none.
    """

    epoch: int = 0
    state: str | None = None


def starting_state(settings: SharedSettings, store: Store, publisher: Publisher) -> bytes | None:
    """Complete what is prepared, and find the STATE that the tap has to start from.

    Raises:
        StoreError: the destination refuses.
    """
    ledger = Ledger(store, settings.pipeline)
    numbers = ledger.numbers()
    unsettled = bool(numbers) and numbers[max(numbers)] == "prepared"
    if unsettled:
        store.open_run(new_run_id())
    try:
        state = recover(ledger, publisher).state
    finally:
        if unsettled:
            store.close_run()
    return state_to_start_from(settings, state)


def state_to_start_from(settings: SharedSettings, state: str | None) -> bytes | None:
    """The STATE for the tap, where this one is durable: a run that overwrites needs all records again."""
    if settings.load_method == "overwrite":
        return b"{}"
    return None if state is None else state.encode()


def recover(ledger: Ledger, publisher: Publisher) -> Standing:
    """Complete the newest epoch, or give it up if nothing of it can be or is published.

    The store needs an open run only if there is something to complete.

    Raises:
        UnfinishedError: it is published in part, and the rest cannot be.
        StoreError: the destination refuses.
    """
    numbers = ledger.numbers()
    if not numbers:
        return Standing()
    newest = max(numbers)
    if numbers[newest] == "prepared":
        _settle(ledger, newest, publisher)
        numbers = ledger.numbers()
    for number in sorted(numbers, reverse=True):
        if numbers[number] == "done" and (entry := ledger.read(number)):
            return Standing(max(numbers), entry.state)
    return Standing(max(numbers))


def _settle(ledger: Ledger, epoch: int, publisher: Publisher) -> None:
    entry = ledger.read(epoch)
    if entry is None:
        return
    faults.passing("recover.before")
    if publisher.is_lost(entry):
        ledger.settle(epoch, "aborted")
        logger.warning("epoch %d of run %s is given up: it lacks files or tables", epoch, entry.run)
    else:
        publisher.publish(entry)
        ledger.settle(epoch, "done")
        logger.info("epoch %d, which run %s had prepared, is published", epoch, entry.run)
    faults.passing("recover.after")
