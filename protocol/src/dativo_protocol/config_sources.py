"""Where raw settings come from: files, JSON on the command line, the environment (C2)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo_protocol.config import settings_schema
from dativo_protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_protocol.config import Connector

ENVIRONMENT = "ENV"

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True}
_BOOLEANS |= {"false": False, "0": False, "no": False, "off": False, "": False}


def read_settings(connector: Connector[Any], sources: Iterable[str]) -> dict[str, Any]:
    """Merge the values of `--config`: later ones win key by key, the environment wins over all.

    Args:
        connector: whose settings they are.
        sources: paths of JSON files, JSON objects, or the word ENV.

    Raises:
        ConfigError: a source cannot be read; no message holds a value.
    """
    sources = list(sources)
    raw: dict[str, Any] = {}
    for source in sources:
        if source != ENVIRONMENT:
            raw |= _read_json(source)
    if ENVIRONMENT in sources:
        raw |= environment_settings(connector, dotenv(Path.cwd()) | os.environ)
    return raw


def environment_settings(connector: Connector[Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """Pick the connector's settings out of environment variables, cast by the type each setting has.

    Raises:
        ConfigError: a variable does not have the form its setting needs.
    """
    raw: dict[str, Any] = {}
    problems = []
    for name, schema in settings_schema(connector.settings)["properties"].items():
        variable = connector.env_prefix + name.upper().replace("-", "_")
        if variable not in variables:
            continue
        try:
            raw[name] = _cast(variables[variable], _types(schema))
        except ValueError:
            problems.append(f"{variable}: expected {' or '.join(sorted(_types(schema)))} for {name}")
    if problems:
        raise ConfigError(f"environment: {'; '.join(problems)}", problems)
    return raw


def dotenv(directory: Path) -> dict[str, str]:
    """Read the nearest `.env` in `directory` or above it; empty if there is none."""
    for parent in (directory, *directory.parents):
        path = parent / ".env"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            return dict(pair for line in lines if (pair := _assignment(line)) is not None)
    return {}


def _read_json(source: str) -> dict[str, Any]:
    inline = source.lstrip().startswith("{")
    name = "--config" if inline else source
    try:
        value = json.loads(source if inline else Path(source).read_text(encoding="utf-8-sig"))
    except OSError as error:
        advice = "Correct the path after --config."
        raise ConfigError(
            f"config file {name} cannot be read: {error.strerror}", instruction=advice
        ) from error
    except json.JSONDecodeError as error:  # its own text may quote what it stumbled over: a secret
        place = f"line {error.lineno} column {error.colno}"
        raise ConfigError(f"{name} is not JSON at {place}", instruction="Correct the JSON.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is not UTF-8", instruction="Save the file as UTF-8.") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{name} holds no JSON object", instruction="Write the settings as a JSON object.")
    return value


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    if "anyOf" in schema:
        return frozenset().union(*(_types(branch) for branch in schema["anyOf"])) - {"null"}
    declared = schema.get("type", "string")
    return frozenset([declared] if isinstance(declared, str) else declared) - {"null"}


def _cast(text: str, types: frozenset[str]) -> Any:
    """Cast as the SDK does; what has several forms is read as JSON if it is JSON."""
    if types == {"string"}:
        return text
    if types == {"boolean"}:
        return _boolean(text)
    if types == {"array"} and not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        return json.loads(text)
    except ValueError:
        if "string" in types:
            return text
        raise


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError from None


def _assignment(line: str) -> tuple[str, str] | None:
    line = line.strip().removeprefix("export ").lstrip()
    name, equals, value = line.partition("=")
    if not equals or not name or name.startswith("#"):
        return None
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        quoted = value[1:-1]
        return name.strip(), quoted.replace("\\n", "\n").replace('\\"', '"') if value[0] == '"' else quoted
    return name.strip(), value.split(" #", 1)[0].rstrip()
