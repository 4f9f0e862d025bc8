"""Registry entries for connectors that dativo does not bring."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from dativo.jobs.project import REGISTRY_FILE
from dativo.migrate.values import holds_password
from dativo.migrate.writing import yaml_text

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.connectors.registry import Registry
    from dativo.migrate.meltano_project import MeltanoProject, Plugin
    from dativo.migrate.migration import Migration

_REQUIREMENT = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(?:==\s*(?P<version>[^\s,;]+))?"
)
_NAMED = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*@\s")
_REPOSITORY = re.compile(r"(?<![/:])/(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*?)(?:\.git)?(?:@[^@#]*)?(?:#.*)?$")


class Entries:
    """Gives every plugin the name of its connector, and remembers the entries that it takes."""

    def __init__(self, project: MeltanoProject, registry: Registry, migration: Migration) -> None:
        self._project = project
        self._taken = {entry.connector.name for entry in registry}
        self._migration = migration
        self._entries: dict[str, dict[str, Any]] = {}

    def name(self, plugin: Plugin) -> str:
        """Name of the connector; a name that dativo's own connectors have gets the variant added."""
        base = self._project.plugin(plugin.kind, plugin.base) or plugin
        name = base.name
        if name in self._taken:
            name = f"{name}--{base.variant or 'meltano'}"
            self._migration.note(
                f"{base.name} of Meltano is another program than dativo's, and is called {name} here",
                plugin.place,
            )
        self._entries.setdefault(name, self._entry(name, base))
        return name

    def write(self, to: Path) -> None:
        """Adds the registry to the migration: the present one with what it lacks at its end."""
        file = to / REGISTRY_FILE
        present = file.read_text(encoding="utf-8") if file.is_file() else ""
        listed = (yaml.safe_load(present) or {}).get("connectors") or [] if present else []
        names = {each.get("name") for each in listed if isinstance(each, dict)}
        missing = [entry for name, entry in self._entries.items() if name not in names]
        if missing and not present:
            self._migration.files[file] = yaml_text({"version": 1, "connectors": missing})
        elif missing:
            body = yaml_text({"connectors": missing}).split("\n", 1)[1]
            longer = present.rstrip("\n") + "\n" + body
            whole = yaml_text({"version": 1, "connectors": [*listed, *missing]})
            self._migration.files[file] = longer if _lists(longer, missing) else whole

    def _entry(self, name: str, plugin: Plugin) -> dict[str, Any]:
        distribution, version = _requirement(plugin)
        secrets = [
            key
            for key, setting in plugin.settings.items()
            if setting.get("sensitive") or setting.get("kind") == "password"
        ]
        entry: dict[str, Any] = {
            "name": name,
            "kind": plugin.kind,
            "distribution": distribution,
            "version": version,
            "executable": plugin.executable or plugin.name,
            "description": f"{plugin.kind.capitalize()} of the Meltano project",
            "maturity": "alpha",
        }
        if holds_password(plugin.pip_url):
            message = f"{plugin.name}: its pip_url holds a password and is not written: add the requirement"
            self._migration.note(message, plugin.place, by_hand=True)
        elif plugin.pip_url and plugin.pip_url.strip() != distribution:
            entry["requirement"] = plugin.pip_url.strip()
        if plugin.capabilities:
            entry["capabilities"] = sorted(plugin.capabilities)
        if secrets:
            entry["secret_settings"] = secrets
        if not plugin.capabilities and plugin.kind == "tap":
            message = f"{plugin.name}: add its capabilities (catalog, discover, state): Meltano does not say"
            self._migration.note(message, plugin.place, by_hand=True)
        return entry


def _lists(text: str, entries: list[dict[str, Any]]) -> bool:
    """Whether a registry that was written by hand has the entries that were added at its end."""
    try:
        listed = yaml.safe_load(text)["connectors"]
    except yaml.YAMLError:
        return False
    return bool(listed[-len(entries) :] == entries)


def _requirement(plugin: Plugin) -> tuple[str, str]:
    """(distribution, version) of a `pip_url`."""
    url = (plugin.pip_url or plugin.name).strip()
    if "://" in url:
        found = _NAMED.match(url) or _REPOSITORY.search(url)
        return (found["name"] if found else plugin.name), "0"
    match = _REQUIREMENT.match(url)
    return (match["name"], match["version"] or "0") if match else (plugin.name, "0")
