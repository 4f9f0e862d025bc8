"""What a field of a format says about itself, for readers, schemas and documentation."""

from __future__ import annotations

from typing import Any


def described(
    description: str, *, pattern: str = "", item: str = "", minimum: float | None = None, example: Any = None
) -> dict[str, Any]:
    """Metadata of a field of a format: what a reader must know about it.

    Args:
        description: one or two sentences; Markdown.
        pattern: regular expression that the whole text must match.
        item: the same for each text of a list, or each key of a mapping.
        minimum: least number allowed.
        example: a value as one would write it.
    """
    return {
        "description": description,
        "pattern": pattern,
        "item": item,
        "minimum": minimum,
        "example": example,
    }
