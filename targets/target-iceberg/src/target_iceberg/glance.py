"""A look at the default catalog and at a table's metadata file, without the Iceberg library."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_parquet.destination import LocalPlace, parse_place

from target_iceberg.catalogs import CATALOG_FILE, NAME, warehouse_uri
from target_iceberg.columns import NOTES_PROPERTY
from target_iceberg.commit.local_files import local_path
from target_iceberg.errors import UnforeseenError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from target_iceberg.names import Identifier

_LOCK_SECONDS = 1
_TABLE = "SELECT metadata_location FROM iceberg_tables"
_WHICH_TABLE = " WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?"
_PLACE = "SELECT 1 FROM iceberg_namespace_properties"
_WHICH_PLACE = " WHERE catalog_name = ? AND namespace = ? AND property_key = 'location'"


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A table as far as its plan depends on it.

    Attributes:
        location: of the table, or that it will get.
        fields: of its schema, as metadata files have them; None of a table that is not there yet.
        notes: on its columns (see `columns`).
    """

    location: str
    fields: list[dict[str, Any]] | None = None
    notes: str = "{}"


def glance(warehouse: str, identifier: Identifier) -> Glimpse:
    """See what there is of a table.

    Raises:
        UnforeseenError: it is one that only the Iceberg library understands, or cannot be read.
    """
    place = parse_place(warehouse)
    if not isinstance(place, LocalPlace):
        raise UnforeseenError
    namespace, name = ".".join(identifier[:-1]), identifier[-1]
    try:
        location = _metadata_file(place.path / CATALOG_FILE, namespace, name)
        if location is None:
            return Glimpse(f"{warehouse_uri(warehouse)}/{namespace}/{name}")
        return _glimpse(json.loads(_path(location).read_bytes()))
    except (sqlite3.Error, OSError, ValueError, LookupError, TypeError, StopIteration) as error:
        raise UnforeseenError from error


def _metadata_file(catalog: Path, namespace: str, name: str) -> str | None:
    """Where the newest metadata of a table is; None if there is no such table."""
    if not catalog.exists():
        return None
    opened = sqlite3.connect(f"{catalog.as_uri()}?mode=ro", uri=True, timeout=_LOCK_SECONDS)
    with contextlib.closing(opened) as connection:
        made = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'iceberg_%'").fetchall()
        if {("iceberg_tables",), ("iceberg_namespace_properties",)} - set(made):
            return None
        if found := connection.execute(_TABLE + _WHICH_TABLE, (NAME, namespace, name)).fetchone():
            return str(found[0])
        if connection.execute(_PLACE + _WHICH_PLACE, (NAME, namespace)).fetchone():
            raise UnforeseenError
        return None


def _path(location: str) -> Path:
    path = local_path(location)
    if path is None:
        raise UnforeseenError
    return path


def _glimpse(metadata: Mapping[str, Any]) -> Glimpse:
    schema = _chosen(metadata["schemas"], "schema-id", metadata["current-schema-id"])
    spec = _chosen(metadata["partition-specs"], "spec-id", metadata["default-spec-id"])
    if spec["fields"]:
        raise UnforeseenError
    notes = metadata["properties"].get(NOTES_PROPERTY, "{}")
    return Glimpse(metadata["location"], schema["fields"], notes)


def _chosen(documents: list[Any], key: str, value: int) -> Any:
    return next(each for each in documents if each[key] == value)
