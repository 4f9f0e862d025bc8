"""PyIceberg's own `Table.upsert`. Usage: pyiceberg_upsert.py WAREHOUSE COUNT STEP KEYS; prints its seconds.

The changes are in memory already, and neither start-up nor reading them counts.
"""

import sys
import time

from pyiceberg.catalog import load_catalog
from pyiceberg.io.pyarrow import schema_to_pyarrow

from tests.bench.orders import STREAM, orders_table


def main(warehouse: str, count: int, step: int, keys: str) -> None:
    catalog = load_catalog("default", type="sql", uri=f"sqlite:///{warehouse}/catalog.db")
    table = catalog.load_table(("default", STREAM))
    changes = orders_table(count, step, "changed").cast(
        schema_to_pyarrow(table.schema(), include_field_ids=False)
    )
    started = time.perf_counter()
    done = table.upsert(changes, join_cols=keys.split(","))
    print(time.perf_counter() - started)
    if (done.rows_updated, done.rows_inserted) != (count, 0):
        raise ValueError(f"{done.rows_updated:,} of {count:,} rows changed, {done.rows_inserted:,} added")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
