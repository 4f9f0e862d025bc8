"""Whether an audit log is what was written: every link of the chain, its order, and its end."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

from dativo.audit.chain import BEGINNING, canonical, digest
from dativo.audit.log import held_log, read_head
from dativo.errors import AuditError
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Verified:
    """A whole log."""

    entries: int
    files: int
    last: str


def verify(directory: Path, key: bytes | None = None) -> Verified:
    """Follows the chain from its first entry to HEAD.

    Raises:
        AuditError: names the first line that is not as it was written.
    """
    with held_log(directory):
        return _verified(directory, key)


def _verified(directory: Path, key: bytes | None) -> Verified:
    seq, last = 0, BEGINNING
    for place, content in lines(directory):
        entry = _entry(place, content)
        if entry.get("seq") != seq + 1:
            raise AuditError(
                f"{place}: entry {entry.get('seq')} follows entry {seq}: one is missing or moved"
            )
        if entry.get("prev") != last:
            raise AuditError(f"{place}: entry {seq + 1} does not continue the one before")
        if not hmac.compare_digest(str(entry.get("hash")), digest(entry, key)):
            made = "with this key" if key else "without a key"
            raise AuditError(f"{place}: entry {seq + 1} has been changed, or its chain was not made {made}")
        seq, last = seq + 1, entry["hash"]
    head = read_head(directory, key)
    if (head["seq"], head["hash"]) != (seq, last):
        raise AuditError(
            f"{directory}: the log ends with entry {seq}, and entry {head['seq']} was written last"
        )
    return Verified(seq, len(list(directory.glob("*.jsonl"))), last)


def entries(directory: Path, month: str | None = None) -> Iterator[dict[str, Any]]:
    """The entries, oldest first; of one month (`2026-11`) if given."""
    for place, content in lines(directory, f"{month}.jsonl" if month else "*.jsonl"):
        yield _entry(place, content)


def lines(directory: Path, pattern: str = "*.jsonl") -> Iterator[tuple[str, bytes]]:
    """`file:line` and content of every line, in order; a last line without an end too."""
    for path in sorted(directory.glob(pattern)):
        for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
            yield f"{path}:{number}", line


def _entry(place: str, content: bytes) -> dict[str, Any]:
    if not content.endswith(b"\n"):
        raise AuditError(f"{place}: the line is cut")
    try:
        entry = json.loads(content)
    except ValueError as error:
        raise AuditError(f"{place}: the line is not JSON") from error
    # Another spelling of the same content is a change too: a byte is what was written or it is not.
    if not isinstance(entry, dict) or canonical(entry) + b"\n" != content:
        raise AuditError(f"{place}: the line is not as it was written")
    return entry
