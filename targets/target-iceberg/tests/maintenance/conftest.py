"""A lake of small tables, filled and changed the way loads do it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import LongType, NestedField, StringType
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables
from target_iceberg.commit.limits import CommitLimits
from target_iceberg.maintenance.places import place_of
from target_iceberg.upsert.delete_files import write_position_deletes

from tests.readers.tables import NAMESPACE, open_sqlite_catalog, write_data_file

IDENTIFIER = (NAMESPACE, "t")
SCHEMA = Schema(NestedField(1, "id", LongType()), NestedField(2, "name", StringType()))

LIMITS = CommitLimits(attempts=3, seconds=20.0)

Rows = list[dict[str, Any]]


@dataclass
class Lake:
    """A catalog with one table; what happens to it goes through commits of their own."""

    catalog: Catalog
    directory: Path

    @property
    def table(self) -> Table:
        return self.catalog.load_table(IDENTIFIER)

    def change(self, plan: Callable[[Table], Change | None]) -> None:
        commit_tables(self.catalog, None, [TableCommit(IDENTIFIER, plan)], limits=LIMITS)

    def append(self, rows: Rows, *partition: Any) -> DataFile:
        file = write_data_file(self.table, rows, *partition)
        self.change(lambda _: Change(add=(file,)))
        return file

    def delete(self, file: DataFile, positions: Iterable[int]) -> DataFile:
        """Delete rows by their positions in a data file."""
        return self.delete_in({file.file_path: sorted(positions)}, file)

    def delete_in(self, positions: dict[str, list[int]], like: DataFile) -> DataFile:
        """Delete rows of several data files of one partition with one delete file."""
        rows = {path: pa.array(each, pa.int64()) for path, each in positions.items()}
        deletes = write_position_deletes(self.table, sorted(rows.items()), like)
        self.change(lambda _: Change(deletes=(deletes,), requires_live=frozenset(positions)))
        return deletes

    def live(self) -> tuple[list[str], list[str]]:
        """Data and delete files of the head, by path."""
        tasks = self.table.inspect.files()
        kinds = zip(tasks["content"].to_pylist(), tasks["file_path"].to_pylist(), strict=True)
        found = sorted(kinds)
        return [path for kind, path in found if kind == 0], [path for kind, path in found if kind != 0]

    def on_disk(self, kind: str = "data") -> set[str]:
        """Places of the table's files in a directory of it."""
        home = Path(place_of(self.table.location())) / kind
        return {str(path) for path in home.rglob("*") if path.is_file()}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    catalog = open_sqlite_catalog(tmp_path / "lake")
    catalog.create_table(IDENTIFIER, SCHEMA)
    return Lake(catalog, tmp_path / "lake")


def numbered(first: int, count: int) -> Rows:
    """Rows that are told apart by their id."""
    return [{"id": each, "name": f"row {each}"} for each in range(first, first + count)]
