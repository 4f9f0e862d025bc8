"""The references of the formats (docs/jobs.md, docs/project.md), from the classes that declare them."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dativo.deprecated import deprecation_table
from dativo.jobs.format import Job
from dativo.jobs.project_format import ProjectFile
from dativo.jobs.quantities import Bytes, Duration
from dativo.jobs.secret_text import SecretText
from dativo.jobs.typed import fields_of, is_required, options_of, tag_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE_FILE = "reference.md"
PROJECT_TEMPLATE_FILE = "project_reference.md"
"""The prose, with a mark where the tables of keys go."""

SECTIONS_MARK = "<!-- KEYS -->"
DEPRECATED_MARK = "<!-- DEPRECATED -->"
_NAMES: Mapping[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "integer",
    float: "number",
    Duration: "time",
    Bytes: "amount",
    SecretText: "secret",
    Any: "anything",
}


def job_reference() -> str:
    """Markdown of the whole job format."""
    return _reference(Job, TEMPLATE_FILE).replace(DEPRECATED_MARK, deprecation_table())


def project_reference() -> str:
    """Markdown of the whole format of dativo.yaml."""
    return _reference(ProjectFile, PROJECT_TEMPLATE_FILE)


def format_tables(cls: type) -> str:
    """Markdown tables of the keys of a format, one for each mapping in it."""
    titles: dict[type, list[str]] = {}
    for path, each in _classes(cls, ""):
        titles.setdefault(each, []).append(f"`{path}`" if path else "The whole file")
    return "\n".join(_section(", ".join(paths), each) for each, paths in titles.items()).rstrip("\n")


def _reference(cls: type, template_file: str) -> str:
    template = Path(__file__).with_name(template_file).read_text(encoding="utf-8")
    return template.replace(SECTIONS_MARK, format_tables(cls))


def _classes(cls: type, path: str) -> Iterator[tuple[str, type]]:
    yield path, cls
    for name, (_, kind) in fields_of(cls).items():
        yield from _classes_in(kind, f"{path}.{name}" if path else name)


def _classes_in(kind: Any, path: str) -> Iterator[tuple[str, type]]:
    options = options_of(kind)
    for option in options:
        arguments = typing.get_args(option)
        if dataclasses.is_dataclass(option) and option is not SecretText:
            named = f"{path} {tag_of(option)[1]}" if len(options) > 1 else path
            yield from _classes(typing.cast("type", option), named)
        elif typing.get_origin(option) is tuple:
            yield from _classes_in(arguments[0], f"{path}[]")
        elif typing.get_origin(option) is Mapping:
            yield from _classes_in(arguments[1], f"{path}.NAME")


def _section(title: str, cls: type) -> str:
    rows = [_row(name, item, kind) for name, (item, kind) in fields_of(cls).items()]
    head = "| key | type | required | what it says |\n|---|---|---|---|"
    return "\n".join([f"## {title}", "", head, *rows, ""])


def _row(name: str, item: dataclasses.Field[Any], kind: Any) -> str:
    text = item.metadata["description"]
    if (default := _default(item)) is not None:
        text += f" Default: `{default}`."
    if (example := item.metadata["example"]) is not None:
        text += f" Example: `{json.dumps(example)}`."
    required = "yes" if is_required(item) else ""
    return f"| `{name}` | {_type_name(kind)} | {required} | {text.replace('|', chr(92) + '|')} |"


def _default(item: dataclasses.Field[Any]) -> str | None:
    """The default as one would write it; None if there is none that one could write, or if it is empty."""
    value = item.default
    if value is dataclasses.MISSING or value is None or value == "" or value == ():
        return None
    if isinstance(value, tuple):
        return None if dataclasses.is_dataclass(value[0]) else json.dumps(value)
    if isinstance(value, Duration | Bytes):
        return str(value).replace(" ", "")
    return value if isinstance(value, str) else json.dumps(value)


def _type_name(kind: Any) -> str:
    options = options_of(kind)
    kind = options[0]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        inner = _type_name(arguments[0])
        return f"list of {inner if inner.startswith('`') else inner + 's'}"
    if origin is Mapping or dataclasses.is_dataclass(kind):
        return "mapping"
    if origin is Literal:
        return " or ".join(f"`{json.dumps(each)}`" for each in arguments)
    return " or ".join(_NAMES[option] for option in options)
