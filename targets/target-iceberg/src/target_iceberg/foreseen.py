"""A plan as far as it is known before the catalog is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_parquet.plan import ParquetPlan

from target_iceberg.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    import pyarrow as pa
    from dativo_protocol.messages import SchemaMessage
    from pyiceberg.table.metadata import TableMetadata
    from target_parquet.schema_evolution import Evolved

    from target_iceberg.names import Identifier
    from target_iceberg.partitioning import SpecPartitioning
    from target_iceberg.staged_table import TableShape
    from target_iceberg.table_plan import IcebergPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeseenPlan(ParquetPlan):
    """A stream's plan; to ask for what is not known yet is to wait for the catalog.

    Attributes:
        identifier: of the table.
        directory: of its data files, relative to the warehouse.
        whole: the plan as it is made with the catalog.
    """

    identifier: Identifier
    directory: str
    whole: Future[IcebergPlan]

    @property
    def metadata(self) -> TableMetadata:
        """Of the table, with what this SCHEMA changes."""
        return self.whole.result().metadata

    @property
    def shape(self) -> TableShape:
        """That the files of the table are written for."""
        return self.whole.result().shape

    @property
    def partitions(self) -> SpecPartitioning:
        """Of the table."""
        return self.whole.result().partitions

    @property
    def key_ids(self) -> tuple[int, ...]:
        """Field ids of the stream's key."""
        return self.whole.result().key_ids

    @property
    def ordering(self) -> None:
        """Rows are written as they come: no order can be foreseen."""

    def fail_early(self) -> None:
        """Raise what making the whole plan has failed with, if it has."""
        if self.whole.done():
            self.whole.result()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a plan is going to say.

    Attributes:
        identifier: of the table.
        directory: of its data files, relative to the warehouse.
        schema: of the records, as they are to be decoded.
        evolved: how they become rows of a file.
    """

    identifier: Identifier
    directory: str
    schema: pa.Schema
    evolved: Evolved

    def check(self, plan: IcebergPlan) -> None:
        """Hold it against the plan that was made with the catalog.

        Raises:
            StoreError: they differ.
        """
        same = (
            (self.identifier, self.directory) == (plan.identifier, plan.directory)
            and self.schema.equals(plan.schema, check_metadata=True)
            and self.evolved.file.equals(plan.evolved.file, check_metadata=True)
            and self.evolved.sources == plan.evolved.sources
            and plan.shape.spec.is_unpartitioned()
            and plan.ordering is None
        )
        if not same:
            raise StoreError(
                f"table {'.'.join(self.identifier)} has been made or changed by somebody else while the load "
                "began",
                instruction="Nothing is committed; run again.",
                retryable=True,
            )

    def plan(self, message: SchemaMessage, *, validated: bool, whole: Future[IcebergPlan]) -> ForeseenPlan:
        """Make the plan of it."""
        return ForeseenPlan(
            message=message,
            schema=self.schema,
            validated_by="native" if validated else "none",
            evolved=self.evolved,
            partitioning=_OnePlace(),
            identifier=self.identifier,
            directory=self.directory,
            whole=whole,
        )


class _OnePlace:
    """Puts all rows into the directory of the table itself."""

    def split(self, _: pa.RecordBatch, rows: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the directory and the rows."""
        yield "", rows
