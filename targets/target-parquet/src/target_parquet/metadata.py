"""The seven `_sdc_*` columns of the Singer SDK (G12), typed as what they are.

| column | type | holds |
|---|---|---|
| `_sdc_deleted_at` | timestamp, UTC | the record's own property of that name |
| `_sdc_extracted_at` | timestamp, UTC | `time_extracted` of the message |
| `_sdc_table_version` | int64 | `version` of the message |
| `_sdc_received_at` | timestamp, UTC | when the rows reached the target |
| `_sdc_batched_at` | timestamp, UTC | when the stream's files of this epoch were begun |
| `_sdc_sequence` | int64 | milliseconds since 1970 when the rows reached the target |
| `_sdc_sync_started_at` | int64 | milliseconds since 1970 when the target was started |
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

DELETED_COLUMN = "_sdc_deleted_at"
VERSION_COLUMN = "_sdc_table_version"
SDC_COLUMNS = frozenset(
    {
        "_sdc_batched_at",
        DELETED_COLUMN,
        "_sdc_extracted_at",
        "_sdc_received_at",
        "_sdc_sequence",
        "_sdc_sync_started_at",
        VERSION_COLUMN,
    }
)
_SOURCE_KEY = b"dativo.source"


def decoded_fields() -> list[pa.Field[Any]]:
    """List the columns that come with the messages."""
    import pyarrow as pa

    instant = pa.timestamp("us", tz="UTC")
    return [
        pa.field(DELETED_COLUMN, instant),
        pa.field("_sdc_extracted_at", instant, metadata={_SOURCE_KEY: b"time_extracted"}),
        pa.field(VERSION_COLUMN, pa.int64(), metadata={_SOURCE_KEY: b"version"}),
    ]


def stamped_fields() -> list[pa.Field[Any]]:
    """List the columns that the target fills itself."""
    import pyarrow as pa

    instant = pa.timestamp("us", tz="UTC")
    return [
        pa.field("_sdc_received_at", instant),
        pa.field("_sdc_batched_at", instant),
        pa.field("_sdc_sequence", pa.int64()),
        pa.field("_sdc_sync_started_at", pa.int64()),
    ]


class Stamps:
    """Makes the columns of `stamped_fields`.

    Args:
        sync_started_at: when the target was started.
    """

    def __init__(self, sync_started_at: datetime) -> None:
        self._sync_started_at = _milliseconds(sync_started_at)

    def columns(self, rows: int, *, received_at: datetime, batched_at: datetime) -> list[pa.Array[Any]]:
        """Make the columns for rows that arrived together."""
        import pyarrow as pa

        values = (received_at, batched_at, _milliseconds(received_at), self._sync_started_at)
        return [
            pa.repeat(pa.scalar(value, field.type), rows)
            for value, field in zip(values, stamped_fields(), strict=True)
        ]


def now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
