"""Settings of a connector, declared once: as a dataclass.

The JSON Schema for validation, `--about`, the settings of `meltano.yml` and the table of the README
all come from the one declaration:

    @dataclass(frozen=True)
    class Settings:
        path: str = setting(description="File to read.")
        token: str | None = setting(description="Access token.", default=None, secret=True)
        batch_rows: int = setting(description="Rows a batch.", default=65_536, minimum=1)

A field's type may be `str`, `int`, `float`, `bool`, `Any`, `Literal[...]`, `list[T]`, `tuple[T, ...]`,
`dict[str, T]`, a nested dataclass of settings, or a union of these with at most one per JSON type.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeVar, cast

from dativo_protocol.errors import ConfigError
from dativo_protocol.quick_check import is_plainly_valid

DIALECT = "https://json-schema.org/draft/2020-12/schema"

S = TypeVar("S")

_MISSING = dataclasses.MISSING
_SCALARS: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Connector(Generic[S]):
    """What an executable says of itself.

    Attributes:
        name: of the executable, "tap-csv".
        kind: whether it reads a source or writes a destination.
        distribution: name of the installed package, "dativo-tap-csv"; its version is the connector's.
        description: one sentence.
        settings: dataclass of the settings.
        capabilities: the SDK's capability strings (C6).
    """

    name: str
    kind: Literal["tap", "target"]
    distribution: str
    description: str
    settings: type[S]
    capabilities: tuple[str, ...]

    @property
    def env_prefix(self) -> str:
        """Of environment variables that hold settings or the log level, "TAP_CSV_"."""
        return self.name.upper().replace("-", "_") + "_"


def setting(
    *,
    description: str,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    title: str = "",
    secret: bool = False,
    examples: tuple[Any, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    min_length: int | None = None,
    pattern: str | None = None,
    min_items: int | None = None,
) -> Any:
    """Declare one setting; without a default it is required.

    Args:
        description: one or more sentences for the user, Markdown.
        default: value when the setting is absent or null.
        default_factory: makes the default when it is a list, a dict or a dataclass.
        title: a few words; by default made from the name.
        secret: keep it out of logs and reports; shown as `secret` and `writeOnly` in the schema.
        examples: valid values.
        minimum: least number allowed.
        maximum: greatest number allowed.
        min_length: least number of characters.
        pattern: regular expression that a string must contain.
        min_items: least number of items of a list.

    Returns:
        A dataclass field; always keyword-only, so that the order of declaration is free.
    """
    keywords: dict[str, Any] = {"title": title} if title else {}
    keywords["description"] = description
    if secret:
        keywords |= {"secret": True, "writeOnly": True}
    if examples:
        keywords["examples"] = list(examples)
    limits = {"minimum": minimum, "maximum": maximum, "pattern": pattern}
    limits |= {"minLength": min_length, "minItems": min_items}
    keywords |= {name: limit for name, limit in limits.items() if limit is not None}
    metadata = {"keywords": keywords}
    if default_factory is not None:
        return dataclasses.field(default_factory=default_factory, metadata=metadata, kw_only=True)
    return dataclasses.field(default=default, metadata=metadata, kw_only=True)


def settings_schema(settings: type[Any]) -> dict[str, Any]:
    """Write the settings dataclass as JSON Schema, draft 2020-12.

    Raises:
        TypeError: a field has a type that settings cannot have.
    """
    return {"$schema": DIALECT, **_object_schema(settings)}


def load_settings(settings: type[S], raw: Mapping[str, Any]) -> S:
    """Validate raw settings and make the typed value.

    A null counts as absent, so that the default applies; unknown keys are ignored (C2).

    Raises:
        ConfigError: with every problem found; no message holds the value of a secret.
    """
    given = _without_nulls(settings, raw)
    schema = settings_schema(settings)
    problems = [] if is_plainly_valid(schema, given) else list(dict.fromkeys(_problems(schema, given)))
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        raise ConfigError(f"configuration has {len(problems)} {noun}: {'; '.join(problems)}", problems)
    return cast("S", _build(settings, given, ""))


def unknown_settings(settings: type[Any], raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the keys that no setting of the top level answers to; they have no effect."""
    known = {field.name for field in dataclasses.fields(settings)}
    return tuple(name for name in raw if name not in known)


def secret_values(settings: type[Any], raw: Any) -> set[str]:
    """Collect every text under a setting declared secret, whether or not the settings are valid."""
    return set(_secrets(settings_schema(settings), raw))


def _secrets(schema: Mapping[str, Any], raw: Any, *, inherited: bool = False) -> Iterator[str]:
    secret = inherited or bool(schema.get("secret"))
    for branch in schema.get("anyOf", []):
        yield from _secrets(branch, raw, inherited=secret)
    if isinstance(raw, Mapping):
        for name, value in raw.items():
            within = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            yield from _secrets(within if isinstance(within, dict) else {}, value, inherited=secret)
    elif isinstance(raw, list):
        for value in raw:
            yield from _secrets(schema.get("items", {}), value, inherited=secret)
    elif isinstance(raw, str) and secret:
        yield raw


def _object_schema(settings: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(settings)
    # What everybody has to give comes first, wherever it is declared.
    fields = sorted(dataclasses.fields(settings), key=lambda field: not _is_required(field))
    properties = {field.name: _field_schema(field, hints[field.name]) for field in fields}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required := [field.name for field in fields if _is_required(field)]:
        schema["required"] = required
    return schema | {"additionalProperties": True}


def _field_schema(field: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    keywords = dict(field.metadata.get("keywords", {}))
    title = keywords.pop("title", field.name.replace("_", " ").strip().capitalize())
    schema = {"title": title, **_type_schema(hint), **keywords}
    default = field.default_factory() if field.default_factory is not _MISSING else field.default
    if default is not _MISSING and default is not None:
        schema["default"] = _as_json(default)
    return schema


def _type_schema(hint: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return {}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if dataclasses.is_dataclass(hint):
        return _object_schema(cast("type[Any]", hint))
    if origin is Literal:
        return {"type": _SCALARS[type(arguments[0])], "enum": list(arguments)}
    if origin in (list, tuple):
        return {"type": "array", "items": _type_schema(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type_schema(arguments[1])}
    if origin in (typing.Union, types.UnionType):
        return _union_schema(arguments)
    raise TypeError(f"a setting cannot have the type {hint!r}")


def _union_schema(arguments: tuple[Any, ...]) -> dict[str, Any]:
    branches = [_type_schema(argument) for argument in arguments if argument is not type(None)]
    names = [branch.get("type") for branch in branches]
    if len(set(names)) < len(names):
        raise TypeError(f"a setting's union may have one branch a JSON type, not {names!r}")
    nullable = type(None) in arguments
    if len(branches) > 1:
        return {"anyOf": [*branches, {"type": "null"}] if nullable else branches}
    schema = branches[0]
    if nullable and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if nullable and "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is _MISSING and field.default_factory is _MISSING


def _as_json(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: _as_json(item) for name, item in pairs if item is not None}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    return value


def _without_nulls(hint: Any, raw: Any) -> Any:
    """Drop null settings at every level of nested settings; a null inside a plain list or dict stays."""
    if dataclasses.is_dataclass(hint) and isinstance(raw, Mapping):
        hints = typing.get_type_hints(hint)
        given = {name: value for name, value in raw.items() if value is not None}
        return {name: _without_nulls(hints.get(name, Any), value) for name, value in given.items()}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (list, tuple) and isinstance(raw, list):
        return [_without_nulls(arguments[0], item) for item in raw]
    if origin is dict and isinstance(raw, Mapping):
        return {key: _without_nulls(arguments[1], item) for key, item in raw.items()}
    if origin in (typing.Union, types.UnionType):
        return _without_nulls(_branch_for(arguments, raw), raw)
    return raw


def _branch_for(arguments: tuple[Any, ...], raw: Any) -> Any:
    """Choose the branch of a union by the JSON type of the value; `Any` when none fits."""
    for argument in arguments:
        if argument is type(None):
            continue
        expected = _type_schema(argument).get("type", "")
        if isinstance(raw, bool) != (expected == "boolean"):
            continue
        if isinstance(raw, _JSON_TYPES.get(expected, (object,))):
            return argument
    return Any


def _build(hint: Any, raw: Any, path: str) -> Any:
    """Make the typed value of JSON that has passed validation."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if raw is None:
        return None
    if hint is int or hint is float:
        return hint(raw)  # JSON Schema counts 5.0 as an integer and 5 as a number
    if dataclasses.is_dataclass(hint):
        return _build_settings(cast("type[Any]", hint), raw, path)
    if origin in (list, tuple):
        return origin(_build(arguments[0], item, f"{path}[{at}]") for at, item in enumerate(raw))
    if origin is dict:
        return {key: _build(arguments[1], item, _join(path, key)) for key, item in raw.items()}
    if origin in (typing.Union, types.UnionType):
        return _build(_branch_for(arguments, raw), raw, path)
    return raw


def _build_settings(settings: type[Any], raw: Mapping[str, Any], path: str) -> Any:
    hints = typing.get_type_hints(settings)
    values = {
        field.name: _build(hints[field.name], raw[field.name], _join(path, field.name))
        for field in dataclasses.fields(settings)
        if field.name in raw
    }
    try:
        return settings(**values)
    except ValueError as error:  # a rule across settings, checked by the dataclass itself
        problem = f"{path}: {error}" if path else str(error)
        raise ConfigError(f"configuration has 1 problem: {problem}", [problem]) from error


def _problems(schema: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(schema)
    for error in sorted(validator.iter_errors(given), key=lambda error: list(map(str, error.absolute_path))):
        place = ""
        for step in error.absolute_path:
            place = f"{place}[{step}]" if isinstance(step, int) else _join(place, str(step))
        if error.validator == "required":
            for name in cast("list[str]", error.validator_value):
                if name not in cast("Mapping[str, Any]", error.instance):
                    yield f"{_join(place, name)}: is required"
            continue
        yield f"{place or 'configuration'}: {_complaint(error.validator, error.validator_value, error)}"


def _complaint(keyword: str, limit: Any, error: Any) -> str:
    """Say what is wrong without repeating the value: it may be, or may contain, a secret."""
    match keyword:
        case "type":
            wanted = limit if isinstance(limit, str) else " or ".join(limit)
            return f"expected {wanted}, got {_json_type(error.instance)}"
        case "enum":
            return "expected one of " + ", ".join(repr(choice) for choice in limit if choice is not None)
        case "minimum":
            return f"must be at least {limit:g}"
        case "maximum":
            return f"must be at most {limit:g}"
        case "minLength" | "minItems":
            return f"must have at least {limit} {'characters' if keyword == 'minLength' else 'items'}"
        case "pattern":
            return f"must match the pattern {limit}"
        case "anyOf":
            return "fits none of the forms allowed"
        case _:
            return f"does not satisfy {keyword} {limit!r}"


def _json_type(value: Any) -> str:
    for name, python in (("boolean", bool), ("integer", int), ("number", float), ("string", str)):
        if isinstance(value, python):
            return name
    return "array" if isinstance(value, list) else "null" if value is None else "object"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
