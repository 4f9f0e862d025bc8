"""The reference of the job format (docs/jobs.md), written from the classes that declare it."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.jobs.format import Job
from dativo.jobs.typed import fields_of, is_required, without_none

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE_FILE = "reference.md"
"""The prose, with a mark where the tables of keys go."""

SECTIONS_MARK = "<!-- KEYS -->"


def job_reference() -> str:
    """Markdown of the whole format."""
    template = Path(__file__).with_name(TEMPLATE_FILE).read_text(encoding="utf-8")
    sections = "\n".join(_section(title, cls) for title, cls in _classes(Job, ""))
    return template.replace(SECTIONS_MARK, sections.rstrip("\n"))


def _classes(cls: type, path: str) -> Iterator[tuple[str, type]]:
    yield (f"`{path}`" if path else "The whole file"), cls
    for name, (_, kind) in fields_of(cls).items():
        if dataclasses.is_dataclass(kind):
            yield from _classes(typing.cast("type", kind), f"{path}.{name}" if path else name)


def _section(title: str, cls: type) -> str:
    rows = [_row(name, item, kind) for name, (item, kind) in fields_of(cls).items()]
    head = "| key | type | required | what it says |\n|---|---|---|---|"
    return "\n".join([f"## {title}", "", head, *rows, ""])


def _row(name: str, item: dataclasses.Field[Any], kind: Any) -> str:
    text = item.metadata["description"]
    if (example := item.metadata["example"]) is not None:
        text += f" Example: `{json.dumps(example)}`."
    required = "yes" if is_required(item) else ""
    return f"| `{name}` | {_type_name(kind)} | {required} | {text.replace('|', chr(92) + '|')} |"


def _type_name(kind: Any) -> str:
    kind, _ = without_none(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return f"list of {_type_name(arguments[0])}s"
    if origin is Mapping or dataclasses.is_dataclass(kind):
        return "mapping"
    return {str: "text"}[kind]
