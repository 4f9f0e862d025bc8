"""A table on disk that tests write epochs to, and read back with two engines."""

from dataclasses import dataclass, field
from functools import cache
from uuid import UUID, uuid4

import pyarrow as pa
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
from target_iceberg.upsert.live_files import all_files, head_of
from target_iceberg.upsert.planner import EpochRows, UpsertPlanner
from target_iceberg.upsert.settings import UpsertSettings

from tests.readers.duck import duckdb_with

NAME = ("main", "t")
QUICK = CommitLimits(attempts=3, seconds=20)


@dataclass
class Lake:
    """A catalog with one table.

    Attributes:
        changes: what was planned, one for each attempt.
        planner: of the last epoch.
    """

    catalog: SqlCatalog
    settings: UpsertSettings = field(default_factory=UpsertSettings)
    changes: list[Change] = field(default_factory=list)
    planner: UpsertPlanner | None = None

    @property
    def table(self):
        return self.catalog.load_table(NAME)

    @property
    def files(self):
        """Of the head, those of deletes too."""
        return all_files(self.table, head_of(self.table))

    @property
    def has_equality_deletes(self):
        return any(file.content == DataFileContent.EQUALITY_DELETES for file in self.files)

    def write_file(self, rows, *, partition=(), group_rows=1 << 20):
        """A data file of these rows, whose columns are those of the table."""
        table = self.table
        schema = table.schema()
        arrow = schema_to_pyarrow(schema)
        rows = rows.select(arrow.names).cast(arrow)
        path = f"{table.location()}/data/{uuid4()}.parquet"
        with table.io.new_output(path).create() as sink:
            with parquet.ParquetWriter(
                sink, arrow, store_schema=False, store_decimal_as_integer=True
            ) as writer:
                writer.write_table(rows, row_group_size=group_rows)
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

    def upsert(self, *parts, deleted=(), ids=(1,), active=None, partitions=None, memory=None, **more):
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
        return self.commit_epoch(files, log, ids=ids, active=active, **more)

    def commit_epoch(self, files, log, *, ids=(1,), active=None, branch=None, before_commit=None):
        """Commit an epoch; `before_commit` comes after each plan, with the table it was made for."""
        counts, keys = staged(log)
        rows = EpochRows(tuple(files), keys, tuple(ids), active, spec=self.table.spec())
        planner = UpsertPlanner("s", rows, self.settings, branch=branch)

        def plan(table):
            change = planner(table)
            if before_commit is not None:
                before_commit(table)
            return change

        try:
            self.commit(plan)
        finally:
            self.planner = planner
        return counts

    @property
    def searches(self):
        """Files in which the last epoch looked for keys, over all its attempts."""
        return self.planner._replaced.searches

    @property
    def older_searches(self):
        """Files in which the last epoch looked for older versions, over all its attempts."""
        return self.planner._older.searches

    def rows(self, order_by="id"):
        """What readers see, which must be the same for all that can read the table."""
        found = duck().sql(f"SELECT * FROM iceberg_scan('{self.table.metadata_location}')").to_arrow_table()
        if self.has_equality_deletes:
            return sorted(found.to_pylist(), key=lambda row: row[order_by])
        seen = self.table.scan().to_arrow().to_pylist()
        read = [sorted(map(plain, each), key=str) for each in (seen, found.to_pylist())]
        assert read[0] == read[1], (read[0][:5], read[1][:5])
        return sorted(seen, key=lambda row: row[order_by])


def plain(row):
    """A row without what engines choose to show differently."""
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}


@cache
def duck():
    return duckdb_with("avro", "iceberg")


def make_lake(directory, schema, spec=UNPARTITIONED_PARTITION_SPEC, **properties):
    catalog = SqlCatalog("c", uri=f"sqlite:///{directory}/catalog.db", warehouse=f"file://{directory}/lake")
    catalog.create_namespace("main")
    catalog.create_table(NAME, schema, partition_spec=spec, properties={"format-version": "2", **properties})
    return Lake(catalog)


def staged(log):
    """What a log wrote, as a process that rolls the epoch forward reads it."""
    sink = pa.BufferOutputStream()
    counts = log.finish(sink)
    return counts, EpochKeys(pa.BufferReader(sink.getvalue()))
