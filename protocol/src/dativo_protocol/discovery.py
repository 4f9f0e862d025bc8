"""What a tap says of a stream when it is asked: a catalog entry with metadata for every property.

Every property, nested ones too, needs a metadata record: where one is missing Meltano inserts
`inclusion: automatic`, and the property can never be deselected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dativo_protocol.catalog import Breadcrumb, CatalogEntry, ReplicationMethod, parse_entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def catalog_entry(
    tap_stream_id: str,
    schema: Mapping[str, Any],
    *,
    stream: str | None = None,
    key_properties: Sequence[str] = (),
    replication_keys: Sequence[str] = (),
    replication_method: ReplicationMethod | None = None,
    selected_by_default: bool = True,
    stream_metadata: Mapping[str, Any] | None = None,
) -> CatalogEntry:
    """Describe a stream as its tap discovers it.

    Args:
        tap_stream_id: unique in the catalog.
        schema: JSON Schema of its records.
        stream: name in messages, if it differs from the id.
        key_properties: always selected.
        replication_keys: properties it can be resumed by; always selected; a single one is the default.
        replication_method: that a user who chooses nothing gets.
        selected_by_default: read it when there is no catalog.
        stream_metadata: more, such as `{"row-count": 3}`.
    """
    root = {
        "inclusion": "available",
        "selected-by-default": selected_by_default,
        "table-key-properties": list(key_properties),
        **_replication_metadata(replication_keys, replication_method),
        **(stream_metadata or {}),
    }
    automatic = {*key_properties, *replication_keys}
    return parse_entry(
        {
            "tap_stream_id": tap_stream_id,
            "stream": stream or tap_stream_id,
            "key_properties": list(key_properties),
            "schema": schema,
            "metadata": [
                {"breadcrumb": [], "metadata": root},
                *(_property_metadata(breadcrumb, automatic) for breadcrumb in property_breadcrumbs(schema)),
            ],
        }
    )


def property_breadcrumbs(schema: Mapping[str, Any], above: Breadcrumb = ()) -> Iterator[Breadcrumb]:
    """Yield the breadcrumb of every property, parents first. Items of arrays have none in any Singer tool."""
    for name, node in (schema.get("properties") or {}).items():
        breadcrumb = (*above, "properties", name)
        yield breadcrumb
        if isinstance(node, Mapping):
            yield from property_breadcrumbs(node, breadcrumb)


def _replication_metadata(keys: Sequence[str], method: ReplicationMethod | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if keys:
        metadata["valid-replication-keys"] = list(keys)
    if len(keys) == 1:
        metadata["replication-key"] = keys[0]
    if method:
        metadata["forced-replication-method"] = str(method)
    return metadata


def _property_metadata(breadcrumb: Breadcrumb, automatic: set[str]) -> dict[str, Any]:
    is_automatic = breadcrumb[:-1] == ("properties",) and breadcrumb[-1] in automatic
    inclusion = "automatic" if is_automatic else "available"
    return {"breadcrumb": list(breadcrumb), "metadata": {"inclusion": inclusion}}
