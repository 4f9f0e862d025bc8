"""Puts the registry of the repository into the package; an sdist carries its own copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RegistryHook(BuildHookInterface[Any]):
    """Adds `registry.yaml`: beside this file in an sdist, one directory up in the repository."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        registry = next(
            file for file in (root / "registry.yaml", root.parent / "registry.yaml") if file.is_file()
        )
        if self.target_name == "sdist":
            build_data["force_include"][str(registry)] = "registry.yaml"
        elif version != "editable":
            build_data["force_include"][str(registry)] = "dativo/registry.yaml"
