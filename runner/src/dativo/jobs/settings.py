"""The configuration in a job held against the settings that the connector itself declares (`--about`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo.errors import Problem
from dativo.jobs.secret_text import SecretText
from dativo.jobs.typed import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jsonschema.exceptions import ValidationError

    from dativo.jobs.located import Located

Side = str | tuple[str | int, ...]
"""`source`, `target`, or ("mappers", index)."""

_JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def settings_problems(schema: Mapping[str, Any], document: Located, side: Side) -> list[Problem]:
    """What the connector would refuse, each with its line.

    Messages never repeat a value: it may be a secret.

    Args:
        schema: JSON Schema of the connector's settings.
        document: the job file.
        side: `source` or `target`, or ("mappers", index).
    """
    from jsonschema import Draft202012Validator

    config = _without_nulls(_config(document, side))
    errors = Draft202012Validator(_sound(schema)).iter_errors(config)
    problems = [
        _problem(message, error.absolute_path, document, side)
        for error in errors
        if not _waits_for_a_secret(error)
        for message in _say(error)
    ]
    each_once = dict.fromkeys(problems)  # jsonschema tells of every missing member apart, `_say` of all
    return sorted(each_once, key=lambda problem: (problem.place.line, problem.place.column, problem.message))


def unknown_settings(schema: Mapping[str, Any], document: Located, side: Side) -> list[Problem]:
    """Settings that the connector does not declare: it ignores them, which is seldom what was meant."""
    found = _unknown(schema, _config(document, side), [])
    return [_problem(message, path, document, side) for path, message in found]


def _sound(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema without the settings whose own schema is none.

    Every connector of Meltano's SDK 0.53 declares `stream_maps` with the text "null" where a schema belongs.
    """
    if _is_schema(schema):
        return schema
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    sound: dict[str, Any] = {"properties": {name: each for name, each in known.items() if _is_schema(each)}}
    required = {"required": schema.get("required", [])}
    return sound | (required if _is_schema(required) else {})


def _is_schema(schema: Any) -> bool:
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return True


def _path(side: Side) -> tuple[str | int, ...]:
    return (side,) if isinstance(side, str) else side


def _config(document: Located, side: Side) -> dict[str, Any]:
    here = document.plain()
    for step in _path(side):
        here = here[step]
    return dict(here.get("config", {}))


def _waits_for_a_secret(error: ValidationError) -> bool:
    """Whether the verdict is about a value that is not known before the run."""
    if error.validator in ("anyOf", "oneOf", "allOf", "not", "if"):
        return _holds_secret(error.instance)
    return isinstance(error.instance, SecretText)


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_holds_secret, value.values() if isinstance(value, dict) else value))
    return isinstance(value, SecretText)


def _problem(message: str, path: Sequence[str | int], document: Located, side: Side) -> Problem:
    full = [*_path(side), "config", *path]
    return Problem(document.place_of(full), f"{_dotted(full)}: {message}")


def _dotted(path: Sequence[str | int]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _say(error: ValidationError) -> Iterator[str]:
    limit: Any = error.validator_value
    match error.validator:
        case "required":
            instance: Any = error.instance
            yield from (f"{name!r} is required" for name in limit if name not in instance)
        case "type":
            wanted = limit if isinstance(limit, str) else " or ".join(limit)
            yield f"expected {wanted}, got {_JSON_TYPES.get(type(error.instance), 'null')}"
        case "enum":
            yield f"expected one of {', '.join(map(repr, limit))}"
        case "anyOf" | "oneOf":
            yield "fits none of the forms allowed"
        case "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" | "pattern":
            yield f"does not keep to {error.validator} {limit}"
        case _:
            yield f"is refused by {error.validator!r} of the connector's settings"


def _without_nulls(value: Any) -> Any:
    """A null setting counts as one that is not given, as in Meltano."""
    if isinstance(value, dict):
        return {name: _without_nulls(child) for name, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_without_nulls(child) for child in value]
    return value


def _takes_any_name(schema: dict[str, Any]) -> bool:
    """Whether a mapping says what its other members are like, as one of streams does."""
    return isinstance(schema.get("additionalProperties"), dict) or bool(schema.get("patternProperties"))


def _unknown(schema: Any, config: Any, path: list[str | int]) -> Iterator[tuple[list[str | int], str]]:
    if isinstance(config, list) and isinstance(schema, dict):
        for index, child in enumerate(config):
            yield from _unknown(schema.get("items"), child, [*path, index])
        return
    declared = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(config, dict) or not isinstance(declared, dict):
        return
    for name, child in config.items():
        if name in declared:
            yield from _unknown(declared[name], child, [*path, name])
        elif not _takes_any_name(schema):
            yield [*path, name], f"the connector does not know this setting{suggestion(name, declared)}"
