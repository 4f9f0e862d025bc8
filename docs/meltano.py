"""Writes the settings and capabilities of every plugin in meltano.yml as its connector declares them.

What is written by hand stays: the head of the file, and the configuration of each plugin.
"""

import importlib
from pathlib import Path
from typing import Any

import yaml
from dativo_protocol.about import meltano_required, meltano_settings

MELTANO = Path(__file__).resolve().parent.parent / "meltano.yml"
GENERATED = ("capabilities", "settings_group_validation", "settings")


def main() -> None:
    MELTANO.write_text(refreshed(MELTANO.read_text()))


def refreshed(text: str) -> str:
    """The file with the generated parts of its plugins renewed."""
    head = text[: text.index("requires_meltano:")]
    project = yaml.safe_load(text)
    for plugins in project["plugins"].values():
        for plugin in plugins:
            _renew(plugin)
    body = yaml.safe_dump(project, sort_keys=False, allow_unicode=True, width=110)
    return head + body


def _renew(plugin: dict[str, Any]) -> None:
    connector = importlib.import_module(f"{plugin['namespace']}.__main__").CONNECTOR
    plugin["capabilities"] = list(connector.capabilities)
    required = [group for group in meltano_required(connector) if group]
    if required:
        plugin["settings_group_validation"] = required
    plugin["settings"] = meltano_settings(connector)
    # Settings come last: they are long, and nobody edits them.
    for key in GENERATED:
        if key in plugin:
            plugin[key] = plugin.pop(key)


if __name__ == "__main__":
    main()
