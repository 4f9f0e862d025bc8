"""`dativo list` and `dativo show`: what the registry knows and what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo.connectors.lockfile import Locks
from dativo.connectors.programs import find_program
from dativo.connectors.venvs import Venvs
from dativo.observe.text_table import text_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dativo.connectors.registry import Entry, Registry
    from dativo.home import Home


def listing(registry: Registry, home: Home) -> list[dict[str, Any]]:
    """One mapping for each connector, taps first: the entry in short, and the versions installed."""
    venvs: dict[str, list[str]] = {}
    for each in Venvs(home.venvs):
        venvs.setdefault(each.name, []).append(each.version)
    return [_listed(entry, venvs.get(entry.connector.name, [])) for entry in registry]


def _listed(entry: Entry, versions: list[str]) -> dict[str, Any]:
    each = entry.connector
    return {
        "name": each.name,
        "kind": each.kind,
        "version": each.version,
        "maturity": each.maturity,
        "installed": versions or _is_here(entry),
        "description": each.description,
        "shadows": str(entry.shadows) if entry.shadows else None,
    }


def listing_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The same for people."""
    table = [("name", "kind", "version", "maturity", "installed", "description")]
    for row in rows:
        installed = row["installed"]
        shown = ", ".join(installed) if isinstance(installed, list) else ("yes" if installed else "no")
        table.append((row["name"], row["kind"], row["version"], row["maturity"], shown, row["description"]))
    yield from text_table(table)
    for row in rows:
        if row["shadows"]:
            yield f"{row['name']} takes the place of the one in {row['shadows']}"


def details(entry: Entry, version: str | None, home: Home, locks: Path) -> dict[str, Any]:
    """Everything known about a connector without starting it."""
    each = entry.connector
    installed = [
        {"version": one.version, "lock": one.lock, "executable": one.executable, "whole": one.whole}
        for one in Venvs(home.venvs)
        if one.name == each.name and version in (None, one.version)
    ]
    locked = [lock.head.version for lock in Locks(locks) if lock.head.name == each.name]
    policy = {"tenants": list(each.policy.tenants), "modes": list(each.policy.modes)}
    return {
        "name": each.name,
        "kind": each.kind,
        "description": each.description,
        "distribution": each.distribution,
        "version": each.version,
        "maturity": each.maturity,
        "engine": each.engine,
        "registry": str(entry.file),
        "shadows": str(entry.shadows) if entry.shadows else None,
        "capabilities": list(each.capabilities),
        "objects": list(each.objects),
        "incremental": list(each.incremental),
        "policy": policy,
        "locked": locked,
        "installed": installed or _is_here(entry),
    }


def details_lines(found: Mapping[str, Any], settings: Mapping[str, Any] | None) -> Iterator[str]:
    """The same for people, with the settings as a table."""
    for key, value in found.items():
        if key == "installed" and isinstance(value, list):
            for one in value:
                broken = "" if one["whole"] else " (broken: install it again)"
                yield f"{'installed':<13} {one['version']}{broken} {one['executable']}"
        elif shown := _shown(value):
            yield f"{key:<13} {shown}"
    if settings is not None:
        yield ""
        yield from _settings_lines(settings)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {', '.join(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value) if value is not None else ""


def _settings_lines(schema: Mapping[str, Any]) -> Iterator[str]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        yield "It declares no settings."
        return
    required = schema.get("required", ())
    rows = [("setting", "type", "required", "default", "what it says")]
    for name, each in properties.items():
        if isinstance(each, dict):
            needed = "yes" if name in required else ""
            default = "" if each.get("default") is None else str(each["default"])
            rows.append((name, _type(each), needed, default, _first_line(each)))
    yield from text_table(rows)


def _type(schema: Mapping[str, Any]) -> str:
    kinds = schema.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else [each for each in kinds if each != "null"]
    return f"{' or '.join(kinds)}{' (secret)' if schema.get('secret') else ''}"


def _first_line(schema: Mapping[str, Any]) -> str:
    text = " ".join(str(schema.get("description", "")).split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _is_here(entry: Entry) -> bool:
    try:
        find_program(entry)
    except LookupError:
        return False
    return True
