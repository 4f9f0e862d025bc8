"""Puts the registry of the repository, with the settings of its connectors, into the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RegistryHook(BuildHookInterface[Any]):
    """Adds `registry.yaml` and `registry/`: beside this file in an sdist, else one directory up."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        beside = next(place for place in (root, root.parent) if (place / "registry.yaml").is_file())
        if self.target_name != "sdist" and version == "editable":
            return
        within = "" if self.target_name == "sdist" else "dativo/"
        for name in ("registry.yaml", "registry"):
            build_data["force_include"][str(beside / name)] = f"{within}{name}"
