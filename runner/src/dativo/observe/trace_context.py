"""W3C trace context: the trace that a run belongs to, from whoever started it on to its connectors."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "TRACEPARENT"
_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace of a run, and its first span; `parent` is the span that started it, 0 if none did."""

    trace: int
    span: int
    parent: int = 0

    @property
    def traceparent(self) -> str:
        """For the environment of connectors."""
        return f"00-{self.trace:032x}-{self.span:016x}-01"


def trace_context(environ: Mapping[str, str]) -> TraceContext:
    """A new span, in the trace that the environment names or in a new one."""
    found = _FORM.fullmatch(environ.get(VARIABLE, ""))
    span = int.from_bytes(os.urandom(8)) or 1
    if found and int(found[1], 16) and int(found[2], 16):
        return TraceContext(int(found[1], 16), span, int(found[2], 16))
    return TraceContext(int.from_bytes(os.urandom(16)) or 1, span)
