"""Quarantined rows as Singer lines: to be repaired by hand or by a program, and to be loaded again.

```
{"type":"SCHEMA","stream":"users",...}                                   the one the record was held against
{"type":"QUARANTINED","stream":"users","line":17,"path":"/id","reason":"...","run_id":"...","number":1}
{"type":"RECORD","stream":"users","record":{"id":"x"}}                   the line itself, as it was read
```

The lines between one QUARANTINED line and the next stand for that row: one as a rule, several if it was
two lines run together. A row without a line stays as it is, unless it is said to be given up.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from target_parquet.errors import ReplayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from target_parquet.quarantined import BadRecord, KeptSchema, Keys

logger = logging.getLogger(__name__)

QUARANTINED = "QUARANTINED"
_NEVER_REPLAYED = ("STATE", "ACTIVATE_VERSION", "BATCH")


def lines_of(records: Iterable[BadRecord], schemas: Sequence[KeptSchema]) -> Iterator[bytes]:
    """Write rows as lines, each SCHEMA before the first record that needs it."""
    in_force: dict[str, str] = {}
    for record in records:
        for schema in _needed(record, schemas, in_force):
            in_force[schema.stream] = schema.version
            yield f"{schema.message}\n".encode()
        yield _heading(record)
        yield record.raw + b"\n"


def _needed(
    record: BadRecord, schemas: Sequence[KeptSchema], in_force: dict[str, str]
) -> Iterator[KeptSchema]:
    """The SCHEMA of a record, unless it is in force; for a line that has none, those of its run."""
    if record.schema_version is None:
        for schema in schemas:
            if schema.run == record.run and schema.stream not in in_force:
                yield schema
    elif in_force.get(record.stream or "") != record.schema_version:
        found = next((each for each in schemas if each.version == record.schema_version), None)
        if found is None:
            logger.warning("stream %r: its SCHEMA %s is gone", record.stream, record.schema_version)
        else:
            yield found


def _heading(record: BadRecord) -> bytes:
    place = {"stream": record.stream, "line": record.line, "path": record.path, "reason": record.reason}
    key = {"run_id": record.run, "number": record.number}
    text = json.dumps({"type": QUARANTINED, **place, **key}, ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"


@dataclass
class Repaired:
    """The input of a replay, sorted out.

    Attributes:
        messages: the lines to be loaded, each at its own line number.
        rows: how many lines stand for each row, by its key.
        left_out: rows that were replayed before, whose lines are left out.
    """

    messages: IO[bytes]
    rows: dict[tuple[str, int], int] = field(default_factory=dict)
    left_out: int = 0


@contextmanager
def repaired_lines(source: IO[bytes], known: Keys, replayed: Keys) -> Iterator[Repaired]:
    """Read repaired lines to their end.

    Args:
        source: lines like those of `lines_of`.
        known: all rows there are.
        replayed: those that are dealt with.

    Raises:
        ReplayError: it is not clear which row a line stands for, or it is none that can be replayed.
    """
    with TemporaryFile() as messages:
        sorting = _Sorting(Repaired(messages), known, replayed)
        for number, line in enumerate(source, 1):
            messages.write(line if sorting.keeps(number, line) else b"\n")
        messages.seek(0)
        yield sorting.repaired


class _Sorting:
    """Assigns line after line to the row it stands for."""

    def __init__(self, repaired: Repaired, known: Keys, replayed: Keys) -> None:
        self.repaired = repaired
        self._known = known
        self._replayed = replayed
        self._seen: set[tuple[str, int]] = set()
        self._row: tuple[str, int] | None = None

    def keeps(self, number: int, line: bytes) -> bool:
        """Whether the line is to be loaded."""
        message = _parsed(line)
        kind = str(message.get("type", "")).upper()
        if kind == QUARANTINED:
            self._begin(number, message)
            return False
        if kind == "SCHEMA" or not line.strip():
            return True
        if kind in _NEVER_REPLAYED:
            raise ReplayError(
                f"a {kind} message cannot be replayed",
                line=number,
                instruction="Delete the line.",
            )
        if self._row is None:
            raise ReplayError("no QUARANTINED line before it says which row it stands for", line=number)
        if self._row not in self.repaired.rows:
            return False
        self.repaired.rows[self._row] += 1
        return True

    def _begin(self, number: int, message: dict[str, Any]) -> None:
        run, row = message.get("run_id"), message.get("number")
        if not isinstance(run, str) or type(row) is not int or (run, row) not in self._known:
            raise ReplayError(f"{QUARANTINED} names no row of this pipeline and destination", line=number)
        self._row = (run, row)
        if self._row in self._seen:
            raise ReplayError(f"{QUARANTINED} names a row for the second time", line=number)
        self._seen.add(self._row)
        if self._row in self._replayed:
            self.repaired.left_out += 1
        else:
            self.repaired.rows[self._row] = 0


def _parsed(line: bytes) -> dict[str, Any]:
    """The members of a message; none if it is not JSON, which the reader says better."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
