"""Singer messages for tests."""

from __future__ import annotations

from typing import Any


def schema(stream: str = "users", keys: tuple[str, ...] = ("id",), **properties: Any) -> dict[str, Any]:
    """A SCHEMA message; a property given by its type alone may be null."""
    full = {
        name: kind if isinstance(kind, dict) else {"type": [kind, "null"]}
        for name, kind in properties.items()
    }
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": {"id": {"type": "integer"}, **full}},
        "key_properties": list(keys),
    }


def record(stream: str = "users", **values: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": stream, "record": values}


def state(value: Any) -> dict[str, Any]:
    return {"type": "STATE", "value": value}
