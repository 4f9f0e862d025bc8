"""A stage that lets a sample of the records pass, for `--limit` and `--dry-run`.

A process of its own: the runner never sees a record. It drops every STATE, because a target that kept the
state of a sample would skip the rest of the source the next time; and ACTIVATE_VERSION, after which a
target would remove what is not in the sample.

Run as `python -m dativo.run.sample [--limit N] [--describe]`; with `--describe` nothing passes, and what each
stream is made of goes to stdout as one JSON object.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable

_DROPPED = ("STATE", "ACTIVATE_VERSION")


class Sample:
    """Counts the records of each stream and remembers its schema.

    Args:
        limit: records of a stream that pass; None for all.
    """

    def __init__(self, limit: int | None) -> None:
        self.streams: dict[str, dict[str, Any]] = {}
        self._limit = limit

    def passes(self, line: bytes) -> bool:
        """Whether a line is part of the sample; raises ValueError for one that cannot be judged."""
        message = json.loads(line)
        kind = str(message.get("type")).upper() if isinstance(message, dict) else ""
        if kind in _DROPPED:
            return False
        if kind == "BATCH":
            raise ValueError("BATCH: records in files cannot be counted; unset batch_config of the tap")
        stream = message.get("stream") if kind in ("SCHEMA", "RECORD") else None
        if not isinstance(stream, str):
            return True
        facts = self.streams.setdefault(stream, {"records": 0, "key_properties": [], "schema": {}})
        if kind == "SCHEMA":
            facts["key_properties"] = message.get("key_properties") or []
            facts["schema"] = message.get("schema") or {}
            return True
        if self._limit is not None and facts["records"] >= self._limit:
            return False
        facts["records"] += 1
        return True


def run(lines: Iterable[bytes], out: BinaryIO, sample: Sample, *, describe: bool) -> None:
    """Hands the sample on; raises ValueError with the number of a line that cannot be judged."""
    for number, line in enumerate(lines, start=1):
        try:
            passes = not line.strip() or sample.passes(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number}: {error}") from error
        if passes and not describe:
            out.write(line)
    if describe:
        out.write(json.dumps({"streams": sample.streams}, ensure_ascii=False).encode() + b"\n")
    out.flush()


def main(arguments: list[str]) -> int:
    limit = int(arguments[arguments.index("--limit") + 1]) if "--limit" in arguments else None
    try:
        run(sys.stdin.buffer, sys.stdout.buffer, Sample(limit), describe="--describe" in arguments)
    except ValueError as error:
        sys.stderr.write(f"CRITICAL {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
