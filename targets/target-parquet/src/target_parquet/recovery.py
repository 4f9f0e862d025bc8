"""Where a pipeline stands: what a run that was killed had prepared is completed first."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_parquet import faults
from target_parquet.errors import UnfinishedError
from target_parquet.layout import new_run_id
from target_parquet.ledger import Entry, Ledger, publish

if TYPE_CHECKING:
    from target_parquet.settings import Settings
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


def starting_state(settings: Settings, store: Store) -> bytes | None:
    """Complete what is prepared, and find the STATE that the tap has to start from.

    A run that overwrites needs all records again, whatever was loaded before: it starts from the empty STATE.

    Raises:
        StoreError: the destination refuses.
    """
    ledger = Ledger(store, settings.pipeline)
    numbers = ledger.numbers()
    unsettled = bool(numbers) and numbers[max(numbers)] == "prepared"
    if unsettled:
        store.open_run(new_run_id())
    try:
        state = recover(store, ledger).state
    finally:
        if unsettled:
            store.close_run()
    if settings.load_method == "overwrite":
        return b"{}"
    return None if state is None else state.encode()


def recover(store: Store, ledger: Ledger) -> Standing:
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
        _settle(store, ledger, newest)
        numbers = ledger.numbers()
    for number in sorted(numbers, reverse=True):
        if numbers[number] == "done" and (entry := ledger.read(number)):
            return Standing(max(numbers), entry.state)
    return Standing(max(numbers))


def _settle(store: Store, ledger: Ledger, epoch: int) -> None:
    entry = ledger.read(epoch)
    if entry is None:
        return
    faults.passing("recover.before")
    if _is_lost(store, entry):
        ledger.settle(epoch, "aborted")
        logger.warning("epoch %d of run %s is given up: its staged files are gone", epoch, entry.run)
    else:
        publish(store, entry)
        ledger.settle(epoch, "done")
        logger.info("epoch %d, which run %s had prepared, is published", epoch, entry.run)
    faults.passing("recover.after")


def _is_lost(store: Store, entry: Entry) -> bool:
    """Whether nothing of an entry is published and something of it cannot be.

    Raises:
        UnfinishedError: something of it is published, and something else cannot be.
    """
    places = {file.name: store.whereabouts(file) for file in entry.publications}
    gone = [name for name, place in places.items() if place == "gone"]
    if gone and "published" in places.values():
        raise UnfinishedError(
            f"epoch {entry.epoch} of pipeline {entry.pipeline!r} is published in part, and {len(gone)} of "
            f"its {len(places)} staged files are gone, such as that of {gone[0]}",
            instruction="Put them back, or remove the published files of this epoch, which its ledger entry "
            "names, to let it be loaded again.",
        )
    return bool(gone)
