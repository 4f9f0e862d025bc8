"""`dativo list`: the registry as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo.connectors.programs import find_program
from dativo.observe.text_table import text_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.connectors.registry import Entry, Registry


def listing_lines(registry: Registry) -> Iterator[str]:
    """One line for each connector, taps first."""
    rows = [("name", "kind", "version", "maturity", "installed", "description")]
    for entry in registry:
        each = entry.connector
        installed = "yes" if _is_installed(entry) else "no"
        rows.append((each.name, each.kind, each.version, each.maturity, installed, each.description))
    yield from text_table(rows)


def _is_installed(entry: Entry) -> bool:
    try:
        find_program(entry)
    except LookupError:
        return False
    return True
