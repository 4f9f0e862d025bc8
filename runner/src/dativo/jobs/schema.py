"""JSON Schemas of the formats, written from the classes that declare them."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, Literal

from dativo.jobs.format import Job
from dativo.jobs.project_format import ProjectFile
from dativo.jobs.quantities import Bytes, Duration
from dativo.jobs.typed import fields_of, is_required, options_of

SCHEMA_FILE = "job.schema.json"
PROJECT_SCHEMA_FILE = "project.schema.json"
"""Names of the copies that ship in the package, for editors."""

_SCALARS: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Duration: {"type": ["number", "string"], "minimum": 0, "pattern": f"^(?:{Duration.PATTERN})$"},
    Bytes: {"type": ["integer", "string"], "minimum": 0, "pattern": f"^(?:{Bytes.PATTERN})$"},
    Any: {},
}


def job_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of a job file."""
    return format_schema(Job, "dativo job")


def project_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of dativo.yaml."""
    return format_schema(ProjectFile, "dativo project")


def format_schema(cls: type, title: str) -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of a file that holds `cls`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **_object_schema(cls),
    }


def _object_schema(cls: type) -> dict[str, Any]:
    declared = fields_of(cls)
    schema: dict[str, Any] = {"type": "object"}
    required = [name for name, (item, _) in declared.items() if is_required(item)]
    if required:
        schema["required"] = required
    schema["properties"] = {name: _field_schema(item, kind) for name, (item, kind) in declared.items()}
    schema["additionalProperties"] = False
    return schema


def _field_schema(item: dataclasses.Field[Any], kind: Any) -> dict[str, Any]:
    rules = item.metadata
    schema = {"description": rules["description"], **_type_schema(kind, rules.get("item", ""))}
    if pattern := rules.get("pattern"):
        schema["pattern"] = f"^(?:{pattern})$"
    if (minimum := rules.get("minimum")) is not None:
        schema["minimum"] = minimum
    if (example := rules.get("example")) is not None:
        schema["examples"] = [example]
    return schema


def _type_schema(kind: Any, item: str = "") -> dict[str, Any]:
    """The schema of a type; `item` is the pattern of texts in a list and of keys in a mapping."""
    options = options_of(kind)
    kind = options[0]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        members = [_object_schema(typing.cast("type", option)) for option in options]
        return members[0] if len(members) == 1 else {"oneOf": members}
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        inner = _type_schema(arguments[0])
        return {"type": "array", "items": inner | {"pattern": f"^(?:{item})$"} if item else inner}
    if origin is Mapping:
        names = {"propertyNames": {"pattern": f"^(?:{item})$"}} if item else {}
        inner = _type_schema(arguments[1])
        return {"type": "object", **names, **({"additionalProperties": inner} if inner else {})}
    raise TypeError(f"the format declares a type that has no JSON Schema: {kind}")
