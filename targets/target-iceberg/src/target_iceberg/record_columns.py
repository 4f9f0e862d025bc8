"""The columns that the records of a stream bring, before anything is known of its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_protocol.arrow import arrow_schema
from dativo_protocol.errors import SchemaError
from dativo_protocol.schema import columns_of
from target_parquet.metadata import SDC_COLUMNS, decoded_fields, stamped_fields

if TYPE_CHECKING:
    import pyarrow as pa
    from dativo_protocol.messages import SchemaMessage

    from target_iceberg.settings import Settings


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """They are as a SCHEMA has them.

    Attributes:
        all: that a table has to have for the stream.
        decoded: how many of them, from the first, come with the messages; the target fills the others itself.
    """

    all: pa.Schema
    decoded: int

    @classmethod
    def of(cls, message: SchemaMessage, settings: Settings) -> RecordColumns:
        """Read them from a SCHEMA, with the `_sdc_*` columns that the settings want.

        Raises:
            SchemaError: there are none, or one cannot be stored.
        """
        import pyarrow as pa

        with_metadata = settings.add_record_metadata
        native_uuid = settings.uuid_type == "uuid"
        columns = columns_of(message.schema, stream=message.stream, native_uuid=native_uuid)
        record = [column for column in columns if column.name not in SDC_COLUMNS]
        fields: list[pa.Field[Any]] = list(
            arrow_schema(record, keys=message.key_properties, stream=message.stream)
        )
        if with_metadata:
            fields += decoded_fields()
        if not fields:
            raise SchemaError(
                "the schema has no properties, so a table would have no columns", stream=message.stream
            )
        return cls(pa.schema([*fields, *(stamped_fields() if with_metadata else ())]), len(fields))
