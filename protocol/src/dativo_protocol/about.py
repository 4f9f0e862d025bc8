"""What a connector is and which settings it has: for people, for machines, for documents (C4).

Everything here is drawn from the `Connector` and its settings dataclass.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dativo_protocol.config import settings_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_protocol.config import Connector

Form: TypeAlias = Literal["text", "json", "markdown"]

PROTOCOL_DISTRIBUTION = "dativo-protocol"

_NEWEST_PYTHON = 14
_MELTANO_KINDS = {"integer": "integer", "number": "decimal", "boolean": "boolean"}
_MELTANO_KINDS |= {"array": "array", "object": "object", "string": "string"}


def version_line(connector: Connector[Any]) -> str:
    """The output of `--version` (C1)."""
    return f"{connector.name} v{_version(connector.distribution)}, dativo v{_version(PROTOCOL_DISTRIBUTION)}"


def about(connector: Connector[Any], form: Form) -> str:
    """The output of `--about`, without its last line end."""
    if form == "json":
        return json.dumps(_facts(connector), indent=2, default=str)
    return _markdown(connector) if form == "markdown" else _text(connector)


def settings_markdown(connector: Connector[Any]) -> str:
    """The table of settings for a README, nested settings as `parent.child` and `parent[].child`."""
    rows = [
        f"| `{path}` | {'yes' if required else ''} | {_default(schema)} | {_cell(schema)} |"
        for path, schema, required in _walk(settings_schema(connector.settings))
    ]
    head = "| Setting | Required | Default | Description |\n|:--------|:--------:|:-------:|:------------|\n"
    return head + "\n".join(rows) + "\n"


def meltano_settings(connector: Connector[Any]) -> list[dict[str, Any]]:
    """The `settings:` of the plugin in meltano.yml."""
    schema = settings_schema(connector.settings)
    return [_meltano_setting(name, each) for name, each in schema["properties"].items()]


def meltano_required(connector: Connector[Any]) -> list[list[str]]:
    """The `settings_group_validation:` of the plugin in meltano.yml."""
    return [settings_schema(connector.settings).get("required", [])]


def _facts(connector: Connector[Any]) -> dict[str, Any]:
    return {
        "name": connector.name,
        "description": connector.description,
        "version": _version(connector.distribution),
        "sdk_version": _version(PROTOCOL_DISTRIBUTION),
        "supported_python_versions": _python_versions(connector.distribution),
        "capabilities": list(connector.capabilities),
        "settings": settings_schema(connector.settings),
    }


def _text(connector: Connector[Any]) -> str:
    facts = _facts(connector)
    lines = [
        f"Name: {facts['name']}",
        f"Description: {facts['description']}",
        f"Version: {facts['version']}",
        f"SDK Version: {facts['sdk_version']}",
        "Supported Python Versions:",
        *(f"  - {version}" for version in facts["supported_python_versions"]),
        "Capabilities:",
        *(f"  - {capability}" for capability in facts["capabilities"]),
        "Settings:",
    ]
    required = facts["settings"].get("required", [])
    for name, schema in facts["settings"]["properties"].items():
        lines += [
            f"  - Name: {name}{' (required)' if name in required else ''}",
            f"    Type: {_type_name(schema)}",
            f"    Environment Variable: {connector.env_prefix}{name.upper()}",
            f"    Description: {schema['description']}",
        ]
    return "\n".join(lines)


def _markdown(connector: Connector[Any]) -> str:
    facts = _facts(connector)
    return "\n".join(
        [
            f"# `{facts['name']}`\n",
            f"{facts['description']}\n",
            "## Capabilities\n",
            *(f"- `{capability}`" for capability in facts["capabilities"]),
            "\n## Supported Python Versions\n",
            *(f"- {version}" for version in facts["supported_python_versions"]),
            "\n## Settings\n",
            settings_markdown(connector),
            f"A full list of supported settings and capabilities is available by running: "
            f"`{connector.name} --about`",
        ]
    )


def _walk(schema: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Yield path, schema and whether it is required, of each setting and of those nested in it."""
    required = schema.get("required", [])
    for name, each in schema.get("properties", {}).items():
        path = f"{parent}{name}"
        yield path, each, name in required
        yield from _walk(each, f"{path}.")
        yield from _walk(each.get("items", {}), f"{path}[].")


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return "" if default is None else f"`{json.dumps(default)}`"


def _cell(schema: Mapping[str, Any]) -> str:
    description = str(schema.get("description", ""))
    if choices := [choice for choice in schema.get("enum", []) if choice is not None]:
        description += " One of " + ", ".join(f"`{choice}`" for choice in choices) + "."
    if schema.get("secret"):
        description += " Secret."
    return description.replace("|", "\\|").replace("\n", "<br/>")


def _type_name(schema: Mapping[str, Any]) -> str:
    types = schema.get("type") or [branch.get("type", "any") for branch in schema.get("anyOf", [{}])]
    names = [types] if isinstance(types, str) else types
    return " or ".join(name for name in names if name != "null")


def _meltano_setting(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    setting = {"name": name, "label": schema["title"], "description": schema.get("description", "")}
    types = _type_name(schema).split(" or ")
    setting["kind"] = _MELTANO_KINDS.get(types[0], "string") if len(types) == 1 else "string"
    if choices := [choice for choice in schema.get("enum", []) if choice is not None]:
        setting["kind"] = "options"
        setting["options"] = [{"label": str(choice), "value": choice} for choice in choices]
    if schema.get("secret"):
        setting["sensitive"] = True
    if "default" in schema:
        setting["value"] = schema["default"]
    return setting


def _version(distribution: str) -> str:
    """Read the version off the name of the installed metadata.

    importlib.metadata would import email and zipfile, a third of the time that --version takes.
    """
    stem = distribution.replace("-", "_") + "-"
    for folder in filter(os.path.isdir, sys.path):
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(stem) and entry.name.endswith(".dist-info"):
                    return entry.name.removeprefix(stem).removesuffix(".dist-info")
    return _version_by_metadata(distribution)


def _version_by_metadata(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "[could not be detected]"


def _python_versions(distribution: str) -> list[str]:
    """Of the trove classifiers, else every version that Requires-Python admits."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        facts = metadata(distribution)
    except PackageNotFoundError:
        return []
    listed = re.findall(r"Python :: (3\.\d+)", "\n".join(facts.get_all("Classifier") or []))
    oldest = re.search(r">=\s*3\.(\d+)", facts["Requires-Python"] or "")
    if listed or oldest is None:
        return listed
    return [f"3.{minor}" for minor in range(int(oldest[1]), _NEWEST_PYTHON + 1)]
