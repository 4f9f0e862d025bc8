"""What a reader hands out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class EventKind(IntEnum):
    """What an event is; the numbers are those of the C ABI."""

    NEED_INPUT = 0
    SCHEMA = 1
    BATCH = 2
    STATE = 3
    ACTIVATE_VERSION = 4
    BATCH_FILE = 5
    INVALID = 6
    NOTICE = 7
    IDLE = 8
    END = 9


@dataclass(frozen=True, slots=True)
class Event:
    """One step of the input.

    Attributes:
        kind: what it is.
        line: 1-based number of the line it comes from (BATCH: the last one in it), 0 if none.
        stream: the stream it is about.
        text: SCHEMA, BATCH_FILE: the whole message. STATE: the JSON of its value, verbatim. INVALID:
            the line, cut at 64 KiB. NOTICE: its subject, a message type or a property path.
        reason: INVALID: why. NOTICE: `unknown-message-type` or `unknown-property`. END: `cancelled`,
            or empty at the end of the input.
        path: INVALID: JSON pointer into the record, empty for the line itself.
        rows: BATCH: how many.
        version: ACTIVATE_VERSION: which.
        batch: BATCH: the records, in the planned schema.
    """

    kind: EventKind
    line: int
    stream: str | None
    text: bytes
    reason: str
    path: str
    rows: int
    version: int
    batch: pa.RecordBatch | None


@dataclass(frozen=True, slots=True)
class ReaderStats:
    """Totals of a reader as of its last event; `bytes` counts line ends too, `lines` blank ones too."""

    lines: int
    bytes: int
    records: int
    invalid: int
    blank: int
