"""The catalog: which streams a tap offers, and what its user chose of them (K1..K4, C5).

An entry keeps the document it was read from, so that keys nobody here knows survive a round trip; the fields
beside it are that document, understood. Both spellings of a key count (`replication_method` as Meltano writes
it on the entry, `replication-method` as metadata has it), and the entry's own keys beat its metadata, as in
the SDK. What is selected follows in `selection`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from dativo_protocol.errors import CatalogError

Breadcrumb: TypeAlias = tuple[str, ...]
"""Where metadata belongs: () is the stream, ("properties", "a", "properties", "b") the property a.b."""


class ReplicationMethod(StrEnum):
    """How a stream is read again."""

    FULL_TABLE = "FULL_TABLE"
    INCREMENTAL = "INCREMENTAL"
    LOG_BASED = "LOG_BASED"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is said of a stream or property.

    Attributes:
        inclusion: "available", "automatic" or "unsupported"; None if not said.
        selected: the user's choice.
        selected_by_default: the tap's, where the user made none.
        values: all of it, as in the document.
    """

    inclusion: str | None
    selected: bool | None
    selected_by_default: bool | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One stream of a catalog.

    Attributes:
        tap_stream_id: unique in the catalog.
        stream: name in messages; two entries may share it.
        schema: JSON Schema, whole: deselected properties are still in it (see `selection.selected_schema`).
        key_properties: empty if nothing identifies a record.
        replication_method: None if neither tap nor user said.
        replication_key: None if there is none.
        selected: a `selected` on the entry itself, where legacy catalogs have it.
        metadata: per breadcrumb.
        document: the entry as JSON, unknown keys included.
    """

    tap_stream_id: str
    stream: str
    schema: Mapping[str, Any]
    key_properties: tuple[str, ...]
    replication_method: ReplicationMethod | None
    replication_key: str | None
    selected: bool | None
    metadata: Mapping[Breadcrumb, Metadata]
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Catalog:
    """The streams of a tap, in order.

    Attributes:
        extra: top-level keys besides `streams`.
    """

    streams: tuple[CatalogEntry, ...]
    extra: Mapping[str, Any]

    @classmethod
    def of(cls, entries: Iterable[CatalogEntry]) -> Catalog:
        """Make the catalog of a tap.

        Raises:
            CatalogError: two entries have the same `tap_stream_id`.
        """
        return cls(_distinct(entries), {})

    def get(self, tap_stream_id: str) -> CatalogEntry | None:
        """Return the entry of this id, if any."""
        return next((entry for entry in self.streams if entry.tap_stream_id == tap_stream_id), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the document, a copy: what was read comes out again, whole."""
        streams = [entry.document for entry in self.streams]
        return copy.deepcopy({**self.extra, "streams": streams})


def parse_catalog(source: bytes | str | Mapping[str, Any]) -> Catalog:
    """Read a catalog from JSON, or from JSON already parsed (which must not change afterwards).

    Raises:
        CatalogError: names the stream and the key that is wrong.
    """
    document = source if isinstance(source, Mapping) else _parse_json(source)
    streams = document.get("streams")
    if not isinstance(streams, list):
        raise CatalogError("the catalog has no list `streams`")
    extra = {key: value for key, value in document.items() if key != "streams"}
    return Catalog(_distinct(map(parse_entry, streams)), extra)


def parse_entry(document: object) -> CatalogEntry:
    """Read one entry of a catalog.

    Raises:
        CatalogError: names the stream and the key that is wrong.
    """
    if not isinstance(document, Mapping):
        raise CatalogError("an entry of `streams` is not an object")
    names = [document[key] for key in ("tap_stream_id", "stream") if document.get(key) is not None]
    if not names or not all(isinstance(name, str) for name in names):
        raise CatalogError("an entry of `streams` has no `tap_stream_id`")
    place = f"stream {names[0]!r}"
    metadata = _parse_metadata(document.get("metadata") or [], place)
    read = _Reader(document, metadata[()].values if () in metadata else {}, place)
    return CatalogEntry(
        tap_stream_id=names[0],
        stream=names[-1],
        schema=read.schema(),
        key_properties=read.key_properties(),
        replication_method=read.replication_method(),
        replication_key=read.replication_key(),
        selected=_flag(document, "selected", place),
        metadata=metadata,
        document=document,
    )


class _Reader:
    """Looks a key up on the entry first, then in the stream's metadata."""

    def __init__(self, entry: Mapping[str, Any], metadata: Mapping[str, Any], place: str) -> None:
        self._entry = entry
        self._metadata = metadata
        self._place = place

    def schema(self) -> Mapping[str, Any]:
        schema = self._entry.get("schema") or {}
        if not isinstance(schema, Mapping):
            raise self._error("`schema` is not an object")
        return schema

    def key_properties(self) -> tuple[str, ...]:
        keys = self._first("key-properties", "table-key-properties", "view-key-properties") or ()
        names = [keys] if isinstance(keys, str) else keys
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise self._error("`key_properties` is not a list of names")
        return tuple(names)

    def replication_method(self) -> ReplicationMethod | None:
        # A tap's own "forced" method is its default; whoever edits the catalog writes the plain key.
        method = self._first("replication-method", "forced-replication-method")
        if not method:
            return None
        try:
            return ReplicationMethod(str(method).upper())
        except ValueError:
            known = ", ".join(ReplicationMethod)
            raise self._error(f"`replication_method` is {method!r}, not one of {known}") from None

    def replication_key(self) -> str | None:
        key = self._first("replication-key")
        if isinstance(key, str | None):
            return key or None
        raise self._error("`replication_key` is not a name")

    def _first(self, *names: str) -> Any:
        found = (_spelled(place, name) for place in (self._entry, self._metadata) for name in names)
        return next((value for value in found if value), None)

    def _error(self, reason: str) -> CatalogError:
        return CatalogError(f"{self._place}: {reason}")


def _parse_metadata(items: object, place: str) -> dict[Breadcrumb, Metadata]:
    if not isinstance(items, list):
        raise CatalogError(f"{place}: `metadata` is not a list")
    parsed = {}
    for index, item in enumerate(items):
        here = f"{place}, metadata[{index}]"
        breadcrumb, values = _parts(item, here)
        parsed[breadcrumb] = Metadata(
            inclusion=_spelled(values, "inclusion"),
            selected=_flag(values, "selected", here),
            selected_by_default=_flag(values, "selected-by-default", here),
            values=values,
        )
    return parsed


def _parts(item: object, place: str) -> tuple[Breadcrumb, Mapping[str, Any]]:
    fields = item if isinstance(item, Mapping) else {}
    breadcrumb, values = fields.get("breadcrumb"), fields.get("metadata")
    if not isinstance(breadcrumb, list | tuple) or not isinstance(values, Mapping):
        raise CatalogError(f"{place}: expected a `breadcrumb` list and a `metadata` object")
    if not all(isinstance(crumb, str) for crumb in breadcrumb):
        raise CatalogError(f"{place}: `breadcrumb` is not a list of names")
    return tuple(breadcrumb), values


def _flag(values: Mapping[str, Any], name: str, place: str) -> bool | None:
    """Read a boolean; the specification's own examples write it as a string too (M7)."""
    value = _spelled(values, name)
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    if isinstance(value, bool | None):
        return value
    raise CatalogError(f"{place}: `{name}` is {value!r}, not true or false")


def _spelled(values: Mapping[str, Any], name: str) -> Any:
    """Look up a key that may be written with hyphens or underscores."""
    return values[name] if name in values else values.get(name.replace("-", "_"))


def _distinct(entries: Iterable[CatalogEntry]) -> tuple[CatalogEntry, ...]:
    by_id: dict[str, CatalogEntry] = {}
    for entry in entries:
        if entry.tap_stream_id in by_id:
            raise CatalogError(f"two streams have the tap_stream_id {entry.tap_stream_id!r}")
        by_id[entry.tap_stream_id] = entry
    return tuple(by_id.values())


def _parse_json(source: bytes | str) -> Mapping[str, Any]:
    try:
        document = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"the catalog is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise CatalogError("the catalog is not a JSON object")
    return document
