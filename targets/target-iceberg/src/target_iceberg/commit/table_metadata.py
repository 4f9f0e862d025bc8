"""The metadata of a table after updates, made without copying its whole history."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pyiceberg.table.update import (
    _apply_table_update,
    _TableMetadataUpdateContext,
    _update_table_metadata_log,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.update import TableUpdate


def updated(
    base: TableMetadata, updates: Iterable[TableUpdate], metadata_location: str | None = None
) -> TableMetadata:
    """Apply updates, as `update_table_metadata` of pyiceberg does.

    That one ends with a deep copy of all snapshots there are, which is most of what a commit costs after some
    hundreds of them. Here what did not change is shared with `base`; neither may be changed in place.

    Args:
        base: what they apply to.
        updates: in order.
        metadata_location: of `base`, to be remembered in the new metadata's log; None leaves the log alone.
    """
    context = _TableMetadataUpdateContext()
    new = base
    for update in updates:
        new = _apply_table_update(update, new, context)
    if metadata_location is not None:
        new = _update_table_metadata_log(new, metadata_location, base.last_updated_ms)
    if new.last_updated_ms == base.last_updated_ms:
        new = new.model_copy(update={"last_updated_ms": int(time.time() * 1000)})
    new.spec().check_compatible(new.schema())
    new.sort_order().check_compatible(new.schema())
    return new
