"""Validation by the jsonschema library, for the streams whose schema the native core cannot compile.

It costs a Python object for each record, so it is the way of last resort: the batch carries the text of
each record beside its columns, the text is checked, and the rows that fail are taken out.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from dativo_protocol.events import InvalidEvent, StreamPlan

if TYPE_CHECKING:
    import pyarrow as pa
    from jsonschema import ValidationError

_RAW_LIMIT = 64 << 10


class Recheck:
    """Checks the batches of one plan.

    Attributes:
        plan: the plan as its taker should see it.
        schema: to decode with: the plan's columns, then the record's text and line number.
    """

    def __init__(self, plan: StreamPlan) -> None:
        import pyarrow as pa
        from jsonschema import Draft202012Validator

        self.plan = replace(plan, validated_by="jsonschema")
        self.schema = plan.schema
        for source, kind in (("raw", pa.utf8()), ("line", pa.int64())):
            field = pa.field(f"dativo.{source}", kind, metadata={b"dativo.source": source.encode()})
            self.schema = self.schema.append(field)
        self._validator = Draft202012Validator(_with_decimals(json.dumps(plan.message.schema)))

    def split(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, list[InvalidEvent]]:
        """Separate the rows that satisfy the schema from those that do not."""
        import pyarrow as pa

        width = len(self.plan.schema)
        texts = cast("list[str]", batch.column(width).to_pylist())
        lines = cast("list[int]", batch.column(width + 1).to_pylist())
        columns = pa.RecordBatch.from_arrays(batch.columns[:width], schema=self.plan.schema)
        invalid = [
            event
            for text, line in zip(texts, lines, strict=True)
            if (event := self._check(text, line)) is not None
        ]
        if not invalid:
            return columns, invalid
        bad = {event.line for event in invalid}
        return columns.filter(pa.array([line not in bad for line in lines], pa.bool_())), invalid

    def _check(self, text: str, line: int) -> InvalidEvent | None:
        try:
            error = next(self._validator.iter_errors(_with_decimals(text)), None)
        except (ValueError, RecursionError) as refusal:  # numbers of thousands of digits, endless nesting
            return self._event(line, "", f"cannot be validated: {refusal}", text)
        return None if error is None else self._event(line, _pointer(error), _reason(error), text)

    def _event(self, line: int, path: str, reason: str, text: str) -> InvalidEvent:
        stream = self.plan.message.stream
        raw = f'{{"type":"RECORD","stream":{json.dumps(stream)},"record":{text}}}'.encode()
        if len(raw) > _RAW_LIMIT:
            reason += " (the line is kept up to 64 KiB)"
        return InvalidEvent(line, stream, path, reason, raw[:_RAW_LIMIT])


def _with_decimals(text: str) -> Any:
    """Read numbers so that multipleOf and the limits compare exactly, as the native validation does."""
    return json.loads(text, parse_float=Decimal, parse_constant=lambda _: None)


def _pointer(error: ValidationError) -> str:
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path)
    return "".join(f"/{step}" for step in steps)


def _reason(error: ValidationError) -> str:
    """Name the rule, not the value: messages of the library repeat whole records."""
    return f"does not satisfy {error.validator} {json.dumps(error.validator_value, default=str)[:200]}"
