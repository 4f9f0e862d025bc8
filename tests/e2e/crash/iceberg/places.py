"""Warehouses that pipelines load into, and what readers find in their tables."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from tests.e2e.crash.places import COLUMNS, STREAMS, S3Place
from tests.readers.duck import duckdb_with
from tests.services.seaweedfs import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import duckdb
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from tests.e2e.crash.places import Row
    from tests.services.seaweedfs import SeaweedFS

NAMESPACE = "shop"


@dataclass(frozen=True)
class LocalWarehouse:
    """Tables in a directory; with no properties the catalog is SQLite in the warehouse."""

    root: Path
    properties: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = (*COLUMNS, "more")
    all_tables_at_once: bool = True

    def config(self) -> dict[str, Any]:
        """Settings that lead to it."""
        return {"warehouse": str(self.root), "namespace": NAMESPACE, "catalog": dict(self.properties)}

    def open(self) -> Catalog:
        """Its catalog, as a reader opens it."""
        default = {"type": "sql", "uri": f"sqlite:///{self.root}/catalog.db"}
        known = {"name": "default", **(self.properties or default)}
        return load_catalog(known.pop("name"), **known)

    def rows(self) -> list[Row]:
        """Every row of every table, as pyiceberg and DuckDB agree on them."""
        if not self.properties and not (self.root / "catalog.db").exists():
            return []
        rows: list[Row] = []
        with closing(self.open()) as catalog:
            for stream, table in _tables(catalog):
                seen = _rows(stream, table.scan().to_arrow(), self.columns)
                if table.current_snapshot() is not None:
                    assert Counter(_rows_in_duckdb(stream, table, self.columns)) == Counter(seen)
                rows += seen
        return rows

    def internal(self, directory: str) -> list[str]:
        """Names of what the target keeps for itself."""
        root = self.root / ".dativo" / directory
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))

    def read(self, name: str) -> bytes:
        """Content of a small file."""
        return (self.root / name).read_bytes()

    def data_files(self) -> list[str]:
        """Paths of all data files, whether tables name them or not."""
        return sorted(str(path) for path in self.root.rglob("*.parquet") if ".dativo" not in path.parts)

    def live_data_files(self) -> list[str]:
        """Paths of those that the tables have."""
        with closing(self.open()) as catalog:
            files = [task.file for _, table in _tables(catalog) for task in table.scan().plan_files()]
        return sorted(urlsplit(file.file_path).path for file in files)


@dataclass(frozen=True)
class BucketWarehouse:
    """Tables in a bucket of SeaweedFS, in its own REST catalog."""

    server: SeaweedFS
    bucket: str
    columns: tuple[str, ...] = (*COLUMNS, "more")
    all_tables_at_once: bool = False

    def config(self) -> dict[str, Any]:
        """Settings that lead to it."""
        return {
            "warehouse": f"s3://{self.bucket}",
            "ledger": f"s3://{BUCKET}/{self.bucket}",
            "namespace": NAMESPACE,
            "catalog": self._properties,
            "s3": self.server.settings(),
        }

    def open(self) -> Catalog:
        """Its catalog, as a reader opens it."""
        s3 = self.server.settings()
        keys = {
            "s3.endpoint": s3["endpoint_url"],
            "s3.region": s3["region"],
            "s3.access-key-id": s3["access_key_id"],
            "s3.secret-access-key": s3["secret_access_key"],
        }
        return load_catalog("default", **{**keys, **self._properties})

    def rows(self) -> list[Row]:
        """Every row of every table."""
        with closing(self.open()) as catalog:
            return [
                row
                for stream, table in _tables(catalog)
                for row in _rows(stream, table.scan().to_arrow(), self.columns)
            ]

    def internal(self, directory: str) -> list[str]:
        """Names of what the target keeps for itself."""
        return self._ledger.internal(directory)

    def read(self, name: str) -> bytes:
        """Content of an object."""
        return self._ledger.read(name)

    @property
    def _ledger(self) -> S3Place:
        return S3Place(self.server, self.server.client(), self.bucket)

    @property
    def _properties(self) -> dict[str, str]:
        return self.server.catalog() | {"warehouse": f"s3://{self.bucket}"}


def _tables(catalog: Catalog) -> Iterator[tuple[str, Table]]:
    for stream in STREAMS:
        try:
            yield stream, catalog.load_table((NAMESPACE, stream))
        except (NoSuchTableError, NoSuchNamespaceError):
            continue


def _rows(stream: str, content: pa.Table, columns: tuple[str, ...]) -> list[Row]:
    nothing = [None] * content.num_rows
    values = [content[name].to_pylist() if name in content.column_names else nothing for name in columns]
    return [(stream, *row) for row in zip(*values, strict=True)]


def _rows_in_duckdb(stream: str, table: Table, columns: tuple[str, ...]) -> list[Row]:
    has = set(table.schema().column_names)
    selected = ", ".join(name if name in has else "NULL" for name in columns)
    path = urlsplit(table.metadata_location).path
    found = _duckdb().cursor().execute(f"SELECT {selected} FROM iceberg_scan(?)", [path])
    return [(stream, *row) for row in found.fetchall()]


@cache
def _duckdb() -> duckdb.DuckDBPyConnection:
    return duckdb_with("avro", "iceberg")
