"""How far a pipeline has come, kept in a property of every table it writes.

The property changes in the transaction that adds the epoch's rows, so a table always tells by itself whether
it has an epoch. Unlike a snapshot's summary it outlives the expiry of snapshots and other writers' commits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_iceberg.errors import FencedError, StoreError

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata

PREFIX = "dativo.state."
LONGEST_STATE = 16 * 1024
"""Bytes of a STATE that a table keeps; of a longer one it has the hash alone, the ledger has the text."""


@dataclass(frozen=True, slots=True)
class Marker:
    """An epoch of a pipeline.

    Attributes:
        pipeline: whose epoch it is.
        epoch: its number, from 1.
        state_hash: digest of the STATE that is durable with it; None if there never was one.
        state: JSON text of that STATE; None also where the text was too long to be kept.
    """

    pipeline: str
    epoch: int
    state_hash: str | None
    state: str | None

    @property
    def property_name(self) -> str:
        """Of the table property that holds it."""
        return PREFIX + self.pipeline

    @property
    def property_value(self) -> str:
        """What the property says."""
        state = self.state if self.state is None or len(self.state.encode()) <= LONGEST_STATE else None
        return json.dumps({"epoch": self.epoch, "state-hash": self.state_hash, "state": state})

    @property
    def summary(self) -> dict[str, str]:
        """The same for the people who look at a snapshot; nothing is ever decided by it."""
        known = {"dativo.pipeline": self.pipeline, "dativo.epoch": str(self.epoch)}
        return known if self.state_hash is None else known | {"dativo.state-hash": self.state_hash}


def read_marker(metadata: TableMetadata, pipeline: str) -> Marker | None:
    """The newest epoch of a pipeline that the table has; None if it has none.

    Raises:
        StoreError: the property is there but says nothing that this version understands.
    """
    text = metadata.properties.get(PREFIX + pipeline)
    if text is None:
        return None
    try:
        document = json.loads(text)
        return Marker(pipeline, int(document["epoch"]), document["state-hash"], document["state"])
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"table property {PREFIX}{pipeline} at {metadata.location} is damaged: {text[:80]!r}",
            instruction="Use the version that wrote it, or newer; set it back to what it was before.",
        ) from error


def has_epoch(metadata: TableMetadata, marker: Marker, table: str) -> bool:
    """Whether a table, called so in errors, has this epoch.

    Raises:
        FencedError: it has a later one of the pipeline, or another one of this number.
        StoreError: see `read_marker`.
    """
    found = read_marker(metadata, marker.pipeline)
    if found is None or found.epoch < marker.epoch:
        return False
    if (found.epoch, found.state_hash) == (marker.epoch, marker.state_hash):
        return True
    raise FencedError(
        f"another target writes as pipeline {marker.pipeline!r}: table {table} has epoch {found.epoch} "
        f"of it, and this one would have been epoch {marker.epoch}"
    )
