"""Which streams of a catalog a run loads, and the catalog with one of them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG_BASED = "LOG_BASED"


def streams_to_load(catalog: Mapping[str, Any]) -> list[str]:
    """Names of the streams that are selected, in the order of the catalog.

    Where nothing says anything of any stream, a tap loads all of them.
    """
    said = {stream_name(stream): _selected(stream) for stream in catalog["streams"]}
    if all(selected is None for selected in said.values()):
        return list(said)
    return [name for name, selected in said.items() if selected]


def with_only(catalog: dict[str, Any], name: str) -> dict[str, Any]:
    """The catalog with one stream selected; the others stay, as it may need them."""
    for stream in catalog["streams"]:
        selected = stream_name(stream) == name
        stream["selected"] = selected
        _facts(stream)["selected"] = selected
    return catalog


def read_by_log(catalog: Mapping[str, Any], names: list[str]) -> list[str]:
    """Those of the streams that are read from the log of their database."""
    return [
        stream_name(stream)
        for stream in catalog["streams"]
        if stream_name(stream) in names and _method(stream) == LOG_BASED
    ]


def stream_name(stream: Mapping[str, Any]) -> str:
    """What a stream is called in bookmarks and in the rules of `select`."""
    return str(stream.get("tap_stream_id") or stream.get("stream"))


def _selected(stream: dict[str, Any]) -> bool | None:
    facts = _facts(stream)
    if facts.get("inclusion") == "unsupported":
        return False
    for said in (facts.get("selected"), stream.get("selected"), facts.get("selected-by-default")):
        if said is not None:
            return bool(said)
    return True if facts.get("inclusion") == "automatic" else None


def _method(stream: dict[str, Any]) -> object:
    facts = _facts(stream)
    forced = facts.get("forced-replication-method")
    return forced or facts.get("replication-method") or stream.get("replication_method")


def _facts(stream: dict[str, Any]) -> dict[str, Any]:
    """The metadata of the stream itself."""
    entries: list[dict[str, Any]] = stream.setdefault("metadata", [])
    for entry in entries:
        if not entry.get("breadcrumb"):
            facts: dict[str, Any] = entry.setdefault("metadata", {})
            return facts
    entries.append({"breadcrumb": [], "metadata": {}})
    added: dict[str, Any] = entries[-1]["metadata"]
    return added
