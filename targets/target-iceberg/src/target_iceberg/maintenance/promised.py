"""Which files the ledger of a warehouse names: they may be published at any moment, by any process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_parquet.ledger import LEDGER, Entry

from target_iceberg.maintenance.places import place_of

if TYPE_CHECKING:
    from target_parquet.storage import Store


def promised_places(store: Store, warehouse: str) -> set[str]:
    """The places of the data files of all entries, whether over or not.

    Args:
        store: of the warehouse.
        warehouse: its location.

    Raises:
        StoreError: the ledger cannot be read.
    """
    home = place_of(warehouse).rstrip("/")
    places: set[str] = set()
    for name in store.names(LEDGER):
        data = store.get(name) if name.endswith(".json") else None
        if data is not None:
            places |= {f"{home}/{each.name}" for each in Entry.from_json(data, name).publications}
    return places
