"""A table on disk that tests write epochs to, and read back with two engines."""

import io
from dataclasses import dataclass, field
from functools import cache
from uuid import uuid4

import duckdb
import pyarrow as pa
from duckdb_extensions import import_extension
from pyarrow import parquet
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.typedef import Record
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.limits import CommitLimits
from target_iceberg.upsert.epoch_keys import EpochKeys
from target_iceberg.upsert.key_columns import KeyColumns
from target_iceberg.upsert.key_log import KeyLog
from target_iceberg.upsert.planner import EpochRows, UpsertPlanner
from target_iceberg.upsert.settings import UpsertSettings

NAME = ("main", "t")
QUICK = CommitLimits(attempts=3, seconds=20)


@dataclass
class Lake:
    """A catalog with one table.

    Attributes:
        changes: what was planned, one for each attempt.
    """

    catalog: SqlCatalog
    settings: UpsertSettings = field(default_factory=UpsertSettings)
    changes: list[Change] = field(default_factory=list)

    @property
    def table(self):
        return self.catalog.load_table(NAME)

    def write_file(self, rows, *, partition=(), schema=None, **options):
        """A data file of these rows, whose columns are those of the table, or of `schema`."""
        table = self.table
        schema = schema or table.schema()
        arrow = schema_to_pyarrow(schema)
        rows = rows.select(arrow.names).cast(arrow)
        path = f"{table.location()}/data/{uuid4()}.parquet"
        options = {"store_schema": False, "store_decimal_as_integer": True, **options}
        with table.io.new_output(path).create() as sink:
            with parquet.ParquetWriter(sink, arrow, **options) as writer:
                writer.write_table(rows, row_group_size=options.get("max_rows_per_group", 1 << 20))
            size = sink.tell()
        plan = compute_statistics_plan(schema, table.properties)
        statistics = data_file_statistics_from_parquet_metadata(
            writer.writer.metadata, plan, parquet_path_to_id_mapping(schema)
        )
        entry = DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=path,
            file_format=FileFormat.PARQUET,
            partition=Record(*partition),
            file_size_in_bytes=size,
            **statistics.to_serialized_dict(),
        )
        entry.spec_id = table.spec().spec_id
        return entry

    def commit(self, change):
        """Commit a change or what a planner says."""
        plan = change if callable(change) else lambda _table: change

        def noted(table):
            self.changes.append(plan(table))
            return self.changes[-1]

        commit_tables(self.catalog, None, [TableCommit(NAME, noted)], limits=QUICK)

    def append(self, *rows, **options):
        """Commit rows without a look at their keys, a file for each; returns the files."""
        files = [self.write_file(each, **options) for each in rows]
        self.commit(Change(add=tuple(files)))
        return files

    def key_columns(self, ids):
        return KeyColumns.of_table("s", self.table.schema(), ids)

    def upsert(self, *parts, deleted=(), ids=(1,), active=None, partitions=None, memory=None, branch=None):
        """Commit an epoch: rows (a file for each part) and keys to delete, all in order of arrival."""
        log = KeyLog(self.key_columns(ids), **({"memory_bytes": memory} if memory else {}))
        files, order = [], 0
        for at, rows in enumerate(parts):
            file = self.write_file(rows, partition=partitions[at] if partitions else ())
            files.append(file)
            log.rows(file.file_path, rows, order)
            order += rows.num_rows
        for keys in deleted:
            log.tombstones(keys, order)
            order += keys.num_rows
        return self.commit_epoch(files, log, ids=ids, active=active, branch=branch)

    def commit_epoch(self, files, log, *, ids=(1,), active=None, branch=None):
        sink = pa.BufferOutputStream()
        counts = log.finish(sink)
        keys = EpochKeys(pa.BufferReader(sink.getvalue()))
        rows = EpochRows(tuple(files), keys, tuple(ids), active)
        self.commit(UpsertPlanner("s", rows, self.settings, branch=branch))
        return counts

    def rows(self, order_by="id"):
        """What readers see, which must be the same for all."""
        seen = self.table.scan().to_arrow().sort_by(order_by).to_pylist()
        connection = duck()
        found = connection.sql(f"SELECT * FROM iceberg_scan('{self.table.metadata_location}')")
        also = found.arrow().read_all() if hasattr(found.arrow(), "read_all") else found.arrow()
        assert also.sort_by(order_by).to_pylist() == seen
        return seen


@cache
def duck():
    import_extension("avro")
    import_extension("iceberg")
    connection = duckdb.connect()
    connection.sql("LOAD avro; LOAD iceberg; SET TimeZone = 'UTC'")
    return connection


def make_lake(directory, schema, spec=UNPARTITIONED_PARTITION_SPEC, **properties):
    catalog = SqlCatalog("c", uri=f"sqlite:///{directory}/catalog.db", warehouse=f"file://{directory}/lake")
    catalog.create_namespace("main")
    catalog.create_table(NAME, schema, partition_spec=spec, properties={"format-version": "2", **properties})
    return Lake(catalog)


def staged(log):
    """What a log wrote, as a process that rolls the epoch forward reads it."""
    sink = io.BytesIO()
    counts = log.finish(pa.PythonFile(sink))
    return counts, EpochKeys(pa.BufferReader(sink.getvalue()))
