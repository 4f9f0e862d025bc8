"""The reference of registries (docs/connectors.md) and their JSON Schema, from what declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dativo.connectors.entry import RegistryFile
from dativo.jobs.reference import SECTIONS_MARK, format_tables
from dativo.jobs.schema import format_schema

TEMPLATE_FILE = "reference.md"
SCHEMA_FILE = "registry.schema.json"
"""Name of the copy that ships in the package, for editors."""


def registry_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of a registry."""
    return format_schema(RegistryFile, "dativo registry")


def registry_reference() -> str:
    """Markdown about connectors, with every key of a registry."""
    template = Path(__file__).with_name(TEMPLATE_FILE).read_text(encoding="utf-8")
    return template.replace(SECTIONS_MARK, format_tables(RegistryFile))
