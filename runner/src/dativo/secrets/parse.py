"""What a secret holds: JSON, `.env` lines, or text as it is; never expanded any further."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

Form = Literal["auto", "json", "env", "text"]

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)")


def parse_payload(payload: str | bytes, form: Form = "auto") -> Any:
    """The payload of a secret as data.

    Args:
        payload: as the backend gave it; bytes that are no UTF-8 text become base64.
        form: how to read it; "auto" takes an object or list for JSON, lines that are all `NAME=value` for
            an object, and everything else for text without its last line end.

    Raises:
        ValueError: it is not in the form asked for; the message shows nothing of it.
    """
    text = _text(payload)
    if form == "text":
        return _without_end(text)
    if form == "json" or (form == "auto" and text.lstrip()[:1] in {"{", "["}):
        try:
            return json.loads(text)
        except ValueError as error:
            if form == "json":
                raise ValueError("it is not JSON") from error
            return _without_end(text)
    pairs = _pairs(text)
    if form == "env":
        if pairs is None:
            raise ValueError("it does not consist of NAME=value lines")
        return pairs
    # One line with a `=` in it is a text: base64 and connection strings look so.
    several = pairs is not None and (len(pairs) > 1 or text.lstrip().startswith("export "))
    return pairs if several else _without_end(text)


def _text(payload: str | bytes) -> str:
    if isinstance(payload, str):
        return payload
    try:
        return payload.decode()
    except UnicodeDecodeError:
        from base64 import b64encode

        return b64encode(payload).decode()


def _without_end(text: str) -> str:
    """An editor ends a file with a line end; it is not part of a password."""
    return text.removesuffix("\n").removesuffix("\r")


def _pairs(text: str) -> dict[str, str] | None:
    """The pairs of an `.env` text, None if any line is something else."""
    pairs: dict[str, str] = {}
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            return None
        pairs[match[1]] = _unquoted(match[2])
    return pairs


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
