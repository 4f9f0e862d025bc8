"""Write, audit, publish: rows wait on a branch, and `main` moves there when the run has ended well."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from target_iceberg.catalog_trouble import explained
from target_iceberg.errors import StoreError
from target_iceberg.table_creation import load_table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from target_iceberg.names import Identifier

logger = logging.getLogger(__name__)


def fast_forward(catalog: Catalog, identifier: Identifier, branch: str) -> None:
    """Let `main` be where a branch is; may be repeated.

    Raises:
        StoreError: `main` has gone another way since the branch was begun, or the catalog refuses.
    """
    table, name = load_table(catalog, identifier), ".".join(identifier)
    head = table.snapshot_by_name(branch) if table is not None else None
    if table is None or head is None or head == table.current_snapshot():
        return
    _check_ancestry(table, name, branch)
    with explained(catalog, f"publish branch {branch} of table {name}"):
        table.manage_snapshots().set_current_snapshot(snapshot_id=head.snapshot_id).commit()
    logger.info("table %s: main is where branch %s is, snapshot %d", name, branch, head.snapshot_id)


def _check_ancestry(table: Table, name: str, branch: str) -> None:
    from pyiceberg.table.snapshots import ancestors_of

    main, head = table.current_snapshot(), table.snapshot_by_name(branch)
    if main is not None and main not in list(ancestors_of(head, table.metadata)):
        raise StoreError(
            f"branch {branch} of table {name} is not published: somebody else has committed to main since it "
            "was begun",
            instruction="Look at both; then drop the branch and load again, or move main by hand.",
        )
