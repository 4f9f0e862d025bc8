"""Fails unless a table is as an upsert should leave it. Usage: count_changed.py WAREHOUSE ROWS CHANGES."""

import sys

import pyarrow.compute as pc
from pyiceberg.catalog import load_catalog

from tests.bench.orders import STREAM


def main(warehouse: str, rows: int, changes: int) -> None:
    catalog = load_catalog("default", type="sql", uri=f"sqlite:///{warehouse}/catalog.db")
    scan = catalog.load_table(("default", STREAM)).scan(selected_fields=("id", "note"))
    table = scan.to_arrow()
    found = (
        table.num_rows,
        pc.count_distinct(table["id"]).as_py(),
        pc.sum(pc.equal(table["note"], "changed")).as_py(),
    )
    if found != (rows, rows, changes):
        sys.exit(f"rows, keys, changed rows: {found} instead of {(rows, rows, changes)}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
