"""What of a catalog is selected: the algorithm of the SDK, step for step (K2).

Two additions, neither of which contradicts it: a `selected` on a legacy entry counts where the stream's
metadata says nothing, and key properties and the replication key of a selected stream cannot be deselected
(the SDK would announce a key that no record has).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dativo_protocol.catalog import Metadata

if TYPE_CHECKING:
    from dativo_protocol.catalog import Breadcrumb, Catalog, CatalogEntry

_NOTHING_SAID = Metadata(None, None, None, {})


class Selection:
    """The selected parts of one stream."""

    def __init__(self, entry: CatalogEntry) -> None:
        self._metadata = entry.metadata
        self._declared = entry.selected
        self._keys = {*entry.key_properties, entry.replication_key}
        self._mask = {breadcrumb: self._resolve(breadcrumb) for breadcrumb in entry.metadata}

    @property
    def stream(self) -> bool:
        """The stream is to be read."""
        return self.includes(())

    def includes(self, breadcrumb: Breadcrumb) -> bool:
        """Whether the stream, (), or a property is selected; what has no metadata follows its parent."""
        if breadcrumb in self._mask:
            return self._mask[breadcrumb]
        if breadcrumb:
            return self.includes(breadcrumb[:-2])
        return self._declared is not False

    def _resolve(self, breadcrumb: Breadcrumb) -> bool:
        said = self._metadata.get(breadcrumb, _NOTHING_SAID)
        parent = self._resolve(breadcrumb[:-2]) if breadcrumb else None
        if parent is False or said.inclusion == "unsupported":
            return False
        if said.inclusion == "automatic" or self._is_key(breadcrumb):
            return True
        chosen = said.selected if breadcrumb or said.selected is not None else self._declared
        if chosen is not None:
            return chosen
        return said.selected_by_default if said.selected_by_default is not None else bool(parent)

    def _is_key(self, breadcrumb: Breadcrumb) -> bool:
        return breadcrumb[:-1] == ("properties",) and breadcrumb[-1] in self._keys


def selected_streams(catalog: Catalog) -> tuple[CatalogEntry, ...]:
    """Return the streams to be read. For a tap run without a catalog, pass what it discovers (C5)."""
    return tuple(entry for entry in catalog.streams if Selection(entry).stream)


def selected_schema(entry: CatalogEntry) -> dict[str, Any]:
    """Return the entry's schema without deselected properties, for SCHEMA and for what to read (K3)."""
    return _pruned(entry.schema, Selection(entry), ())


def _pruned(schema: Mapping[str, Any], selection: Selection, above: Breadcrumb) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return dict(schema)
    kept = {}
    for name, node in properties.items():
        breadcrumb = (*above, "properties", name)
        if selection.includes(breadcrumb):
            kept[name] = _pruned(node, selection, breadcrumb) if isinstance(node, Mapping) else node
    pruned = {**schema, "properties": kept}
    if isinstance(schema.get("required"), list):
        pruned["required"] = [name for name in schema["required"] if name in kept or name not in properties]
    return pruned
