"""From a SCHEMA message to the columns to decode and the columns to write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from dativo_protocol.arrow import arrow_schema
from dativo_protocol.errors import SchemaError
from dativo_protocol.events import StreamPlan
from dativo_protocol.schema import columns_of

from target_parquet.metadata import SDC_COLUMNS, decoded_fields, stamped_fields
from target_parquet.names import stream_directory
from target_parquet.partitions import Partitioning
from target_parquet.published import check_partitions, published_schema
from target_parquet.schema_evolution import Evolved, evolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from dativo_protocol.messages import SchemaMessage

    from target_parquet.settings import Settings
    from target_parquet.storage import Store


class Splitting(Protocol):
    """Divides rows among the directories of a stream."""

    def split(self, batch: pa.RecordBatch, rows: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield directory and rows, see `partitions.Partitioning`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetPlan(StreamPlan):
    """A stream's plan, with what the writing side needs to know.

    Attributes:
        evolved: how decoded columns, followed by those the target fills itself, become columns of the file.
        partitioning: which columns go to the path instead.
    """

    evolved: Evolved
    partitioning: Splitting


class Planner:
    """Plans each SCHEMA against what is published and what this run has planned before."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._known: dict[str, pa.Schema | None] = {}

    def plan(self, message: SchemaMessage) -> ParquetPlan:
        """Choose the columns of a stream.

        Raises:
            SchemaError: the stream cannot be stored, or a type is in conflict and the policy is to fail.
            LayoutError: the stream cannot be partitioned as configured.
            StoreError: the stream's files cannot be read.
        """
        import pyarrow as pa

        stream = message.stream
        decoded = self._decoded(message)
        stamped = stamped_fields() if self._settings.add_record_metadata else []
        partitions = self._settings.partition_columns(stream)
        partitioning = Partitioning(partitions, decoded, stream=stream)
        evolved = evolve(
            self._known_schema(stream),
            pa.schema([*decoded, *stamped]),
            self._settings.on_type_conflict,
            stream=stream,
            leave_out=partitions,
        )
        self._known[stream] = evolved.file
        return ParquetPlan(
            message=message,
            schema=pa.schema(list(evolved.decode)[: len(decoded)]),
            validated_by="native" if self._settings.validate_records else "none",
            evolved=evolved,
            partitioning=partitioning,
        )

    def _decoded(self, message: SchemaMessage) -> pa.Schema:
        import pyarrow as pa

        columns = columns_of(message.schema, stream=message.stream)
        record = [column for column in columns if column.name not in SDC_COLUMNS]
        fields: list[pa.Field[Any]] = list(
            arrow_schema(record, keys=message.key_properties, stream=message.stream)
        )
        if self._settings.add_record_metadata:
            fields += decoded_fields()
        if not fields:
            raise SchemaError(
                "the schema has no properties, so a file would have no columns", stream=message.stream
            )
        return pa.schema(fields)

    def _known_schema(self, stream: str) -> pa.Schema | None:
        if stream not in self._known:
            self._known[stream] = (
                None if self._settings.load_method == "overwrite" else self._published(stream)
            )
        return self._known[stream]

    def _published(self, stream: str) -> pa.Schema | None:
        directory = stream_directory(stream)
        check_partitions(self._store, directory, self._settings.partition_columns(stream))
        return published_schema(self._store, directory)
