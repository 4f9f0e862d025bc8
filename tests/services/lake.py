"""A lake to commit to: tables of two columns, data and delete files, and readers of what is in them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.conversions import to_bytes
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import LongType, NestedField, StringType
from target_iceberg.catalogs import TABLE_DEFAULTS
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.limits import CommitLimits
from target_iceberg.commit.marker import Marker

from tests.readers.duck import duckdb_with
from tests.readers.tables import data_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True), NestedField(2, "name", StringType(), required=False)
)
PATIENT = CommitLimits(attempts=20, seconds=60, first_wait=0.01, longest_wait=0.1)
HURRIED = CommitLimits(attempts=3, seconds=20, first_wait=0.01, longest_wait=0.02)
PATH_ID, POS_ID = 2147483546, 2147483545
_POSITIONS = pa.schema(
    [
        pa.field("file_path", pa.string(), nullable=False, metadata={"PARQUET:field_id": str(PATH_ID)}),
        pa.field("pos", pa.int64(), nullable=False, metadata={"PARQUET:field_id": str(POS_ID)}),
    ]
)
_numbers = itertools.count(1)


@dataclass
class Lake:
    """Tables in one namespace of a catalog."""

    catalog: Catalog
    base: str
    namespace: str = "shop"
    options: dict[str, str] = field(default_factory=dict)

    def create(self, name: str = "orders", schema: Schema = SCHEMA, **more: Any) -> tuple[str, ...]:
        identifier = (self.namespace, name)
        self.catalog.create_namespace_if_not_exists(self.namespace)
        location = f"{self.base}/{self.namespace}/{name}" if self.base else None
        self.catalog.create_table(
            identifier, schema, location=location, properties={**TABLE_DEFAULTS, **self.options}, **more
        )
        return identifier

    def load(self, identifier: tuple[str, ...]) -> Table:
        return self.catalog.load_table(identifier)

    def file(self, identifier: tuple[str, ...], ids: Iterable[int], **more: Any) -> DataFile:
        """A data file of these ids, each with a name."""
        return write_rows(self.load(identifier), [{"id": i, "name": f"n{i}"} for i in ids], **more)

    def rows(self, identifier: tuple[str, ...], branch: str | None = None) -> list[int]:
        """The ids that the table has, as both readers see them; a branch only by pyiceberg."""
        table = self.load(identifier)
        scan = table.scan().use_ref(branch) if branch else table.scan()
        seen = sorted(scan.to_arrow()["id"].to_pylist())
        if branch is None and table.current_snapshot() is not None and table.location().startswith("file:"):
            assert read_with_duckdb(table) == seen
        return seen


def write_rows(table: Table, rows: list[dict[str, Any]], partition: Record | None = None) -> DataFile:
    """A data file with field ids, as `DataFile` with its statistics."""
    schema = schema_to_pyarrow(table.schema(), include_field_ids=True)
    path = table.location_provider().new_data_location(f"part-{next(_numbers)}.parquet")
    _, footer = _write(table, path, pa.Table.from_pylist(rows, schema=schema))
    return data_file(table, path, footer, partition or Record())


def position_deletes(table: Table, file: DataFile, positions: Iterable[int]) -> DataFile:
    """A delete file that takes these rows of a data file away."""
    path = table.location_provider().new_data_location(f"delete-{next(_numbers)}.parquet")
    ordered = sorted(positions)
    content = pa.table({"file_path": [file.file_path] * len(ordered), "pos": ordered}, _POSITIONS)
    size, _ = _write(table, path, content)
    bound = {PATH_ID: to_bytes(StringType(), file.file_path)}
    deletes = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=file.partition,
        record_count=len(ordered),
        file_size_in_bytes=size,
        lower_bounds=bound,
        upper_bounds=bound,
    )
    deletes.spec_id = file.spec_id
    return deletes


def _write(table: Table, path: str, content: pa.Table) -> tuple[int, pq.FileMetaData]:
    """Write a Parquet file; its size and its footer."""
    output = table.io.new_output(path)
    with output.create() as sink, pq.ParquetWriter(sink, content.schema) as writer:
        writer.write_table(content)
    return len(output), writer.writer.metadata


def read_with_duckdb(table: Table) -> list[int]:
    with duckdb_with("avro", "iceberg") as connection:
        found = connection.execute("SELECT id FROM iceberg_scan(?) ORDER BY id", [table.metadata_location])
        return [row[0] for row in found.fetchall()]


def live_files(table: Table) -> list[DataFile]:
    """All files of the head, of data and of deletes."""
    snapshot = table.current_snapshot()
    manifests = snapshot.manifests(table.io) if snapshot else []
    return [entry.data_file for each in manifests for entry in each.fetch_manifest_entry(table.io)]


def marker(epoch: int, pipeline: str = "nightly") -> Marker:
    return Marker(pipeline, epoch, f"hash-{epoch}", f'{{"epoch": {epoch}}}')


def always(identifier: tuple[str, ...], change: Change) -> TableCommit:
    return TableCommit(identifier, lambda _: change)


def counting(
    identifier: tuple[str, ...], plan: Callable[[Table], Change | None]
) -> tuple[TableCommit, list[int]]:
    """A commit whose list grows by the head's snapshot id each time it is planned."""
    heads: list[int] = []

    def planned(table: Table) -> Change | None:
        snapshot = table.current_snapshot()
        heads.append(snapshot.snapshot_id if snapshot else 0)
        return plan(table)

    return TableCommit(identifier, planned), heads
