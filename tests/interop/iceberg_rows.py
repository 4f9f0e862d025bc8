"""What PyIceberg, as anybody has it, finds in a table of the catalog that target-iceberg makes by default."""

from pathlib import Path
from typing import Any

from pyiceberg.catalog import load_catalog
from pyiceberg.table import Table


def iceberg_table(warehouse: Path, name: str) -> Table:
    catalog = load_catalog("default", type="sql", uri=f"sqlite:///{warehouse}/catalog.db")
    return catalog.load_table(("default", name))


def iceberg_rows(warehouse: Path, name: str, key: str = "id") -> list[dict[str, Any]]:
    """All rows, ordered by a column."""
    rows = iceberg_table(warehouse, name).scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: row[key])
