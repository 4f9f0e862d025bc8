"""What a target meets on its input, in order: one type per kind of event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dativo_protocol.errors import (
    InvalidRecordError,
    MissingKeyPropertyError,
    ProtocolError,
    RecordsWithoutSchemaError,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from dativo_protocol.messages import BatchMessage, SchemaMessage

RECORD_BEFORE_SCHEMA = "record before schema"
KEY_PROPERTY_MISSING = "key property missing"


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """How the records of a stream become columns, from one SCHEMA until the next.

    Attributes:
        message: the SCHEMA this plan answers.
        schema: of the batches: columns of the record first, then those of the envelope.
        validated_by: who holds records against the JSON Schema. A planner asks for "native" or "none";
            "jsonschema" is what a stream is given whose schema the core cannot compile, and what a planner
            asks for that knows so already.
    """

    message: SchemaMessage
    schema: pa.Schema
    validated_by: Literal["native", "jsonschema", "none"] = "none"


@dataclass(frozen=True, slots=True)
class SchemaEvent:
    """A stream begins, or its schema changes; batches of the old schema came before."""

    plan: StreamPlan


@dataclass(frozen=True, slots=True)
class BatchEvent:
    """The next rows of a stream."""

    stream: str
    batch: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class StateEvent:
    """A STATE whose every earlier record has been handed over.

    Attributes:
        value: JSON text of the state, exactly as received.
    """

    value: bytes


@dataclass(frozen=True, slots=True)
class ActivateVersionEvent:
    """Rows of the stream older than `version` are retired (M5)."""

    stream: str
    version: int


@dataclass(frozen=True, slots=True)
class BatchFileEvent:
    """Rows of the stream lie in files (B1); `line` is where the message stands in the input."""

    message: BatchMessage
    line: int


@dataclass(frozen=True, slots=True)
class InvalidEvent:
    """A line that is no message, or a record that does not fit; nothing of it is in any batch.

    Attributes:
        line: 1-based number of the input line.
        stream: "" when the line does not tell.
        path: JSON pointer inside the record, "" for the line itself.
        reason: what was expected and what was found.
        raw: the line, cut at 64 KiB; the reason says so.
    """

    line: int
    stream: str
    path: str
    reason: str
    raw: bytes

    def error(self) -> ProtocolError | InvalidRecordError:
        """Make the exception for a policy that does not tolerate this event."""
        if self.reason.startswith(RECORD_BEFORE_SCHEMA):
            return RecordsWithoutSchemaError(self.reason, line=self.line, stream=self.stream)
        if self.reason.startswith(KEY_PROPERTY_MISSING):
            name = self.path.removeprefix("/")
            return MissingKeyPropertyError(f"{self.reason}: {name}", line=self.line, stream=self.stream)
        return InvalidRecordError(self.reason, line=self.line, stream=self.stream, path=self.path)


@dataclass(frozen=True, slots=True)
class NoticeEvent:
    """Something was ignored, said once for each subject.

    Attributes:
        code: "unknown-message-type" or "unknown-property".
        stream: "" when it concerns the whole input.
        subject: the type of message, or the path of the property.
    """

    code: str
    stream: str
    subject: str


@dataclass(frozen=True, slots=True)
class EndEvent:
    """Nothing follows.

    Attributes:
        state: the last STATE, if nothing but the end followed it: it belongs to the final commit.
        cancelled: the input was abandoned, not exhausted; what was read since the last STATE is void.
        lines: read in all.
        bytes: read in all.
        records: decoded in all, those that a later check took out again too.
        invalid: lines in all that could not be used.
    """

    state: bytes | None
    cancelled: bool
    lines: int
    bytes: int
    records: int = 0
    invalid: int = 0


Event = (
    SchemaEvent
    | BatchEvent
    | StateEvent
    | ActivateVersionEvent
    | BatchFileEvent
    | InvalidEvent
    | NoticeEvent
    | EndEvent
)
