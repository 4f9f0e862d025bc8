"""The JSON Schema of job files, written from the classes that declare the format."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, Literal

from dativo.jobs.format import Job
from dativo.jobs.typed import fields_of, is_required, without_none

SCHEMA_FILE = "job.schema.json"
"""Name of the copy that ships in the package, for editors."""


def job_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of a job file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dativo job",
        **_object_schema(Job),
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
    kind, _ = without_none(kind)
    schema = {"description": item.metadata["description"], **_type_schema(kind)}
    if pattern := item.metadata["pattern"]:
        schema["pattern"] = f"^(?:{pattern})$"
    if (example := item.metadata["example"]) is not None:
        schema["examples"] = [example]
    return schema


def _type_schema(kind: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _object_schema(typing.cast("type", kind))
    if kind is str:
        return {"type": "string"}
    if kind is Any:
        return {}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _type_schema(arguments[0])}
    if origin is Mapping:
        schema = _type_schema(arguments[1])
        return {"type": "object", "additionalProperties": schema} if schema else {"type": "object"}
    raise TypeError(f"the format declares a type that has no JSON Schema: {kind}")
