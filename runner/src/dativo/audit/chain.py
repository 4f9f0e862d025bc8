"""One entry of the audit log, and the chain that each is a link of.

    {"v": 1, "seq": 41, "at": "2026-11-23T19:00:00.000Z", "tenant": "acme", "run": "…", "job": "acme/users",
     "actor": {"user", "uid", "host", "pid"}, "event": "run.started", "facts": {…}, "prev": "…", "hash": "…"}

`hash` covers everything else in the entry, `prev` among it, which is the hash of the entry before: an entry
that is changed, dropped, added or moved breaks the chain there. Who can write the files can also make a whole
chain anew, or cut its end off and say so in HEAD; with a key both are HMACs, and only who has the key can. A
whole directory that was put back from an earlier copy shows by a last hash that was noted elsewhere, only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

VERSION = 1
BEGINNING = "0" * 64
"""`prev` of the first entry of a tenant."""


def sealed(entry: dict[str, Any], key: bytes | None) -> dict[str, Any]:
    """The entry with its `hash`."""
    return {**entry, "hash": digest(entry, key)}


def digest(entry: dict[str, Any], key: bytes | None) -> str:
    """Hash of an entry without its own: SHA-256 of its canonical JSON, HMAC-SHA-256 with a key."""
    content = canonical({name: value for name, value in entry.items() if name != "hash"})
    return (hmac.new(key, content, hashlib.sha256) if key else hashlib.sha256(content)).hexdigest()


def seal_of_head(head: dict[str, Any], key: bytes) -> str:
    """What HEAD carries with a key: without one, nobody can say that the log ends earlier than it did."""
    return hmac.new(key, b"HEAD " + canonical(head), hashlib.sha256).hexdigest()


def line_of(entry: dict[str, Any]) -> bytes:
    """An entry as a line of the log."""
    return canonical(entry) + b"\n"


def canonical(entry: dict[str, Any]) -> bytes:
    """JSON that is the same for the same content: sorted, without spaces, ASCII."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
