"""Lineage: which streams a run has read and written, with their columns, in OpenLineage events (2-0-2)."""

from __future__ import annotations

import json
import os
import uuid
from typing import TYPE_CHECKING, Any, Literal

from dativo.home import open_private
from dativo.observe.events import Ended, RunEvent, Started, Ticked
from dativo.observe.http import Courier, post_json
from dativo.observe.tally import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dativo.observe.tally import Tally

SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
PRODUCER = "urn:dativo:runner"
PARENT_VARIABLE = "OPENLINEAGE_PARENT_ID"
"""`NAMESPACE/JOB/RUN-ID` of what has started this run, as orchestrators hand it down."""

RUNNING_SECONDS = 60.0
FINISH_SECONDS = 10.0
_FACETS = "https://openlineage.io/spec/facets"

Kind = Literal["START", "RUNNING", "COMPLETE", "FAIL", "ABORT"]


def to_url(url: str, headers: Mapping[str, str]) -> Callable[[Any], None]:
    """Delivers events to an HTTP endpoint."""
    return lambda event: post_json(url, event, headers, FINISH_SECONDS / 2)


def to_file(path: Path) -> Callable[[Any], None]:
    """Appends events to a file, a line each."""

    def append(event: Any) -> None:
        number = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")

    return append


class OpenLineage:
    """START with the run, RUNNING each minute, COMPLETE, FAIL or ABORT at its end."""

    def __init__(self, tally: Tally, namespace: str, deliver: Callable[[Any], None]) -> None:
        self._tally = tally
        self._namespace = namespace
        self._courier = Courier(deliver)
        self._told = 0.0

    def take(self, event: RunEvent) -> None:
        match event:
            case Started():
                self._send("START", 0.0)
            case Ticked() if event.at - self._told >= RUNNING_SECONDS:
                self._told = event.at
                self._send("RUNNING", event.at)
            case Ended():
                self._send(_kind_of(event), event.at)

    def close(self) -> None:
        self._courier.finish(FINISH_SECONDS)

    def _send(self, kind: Kind, at: float) -> None:
        self._courier.send(lineage_event(self._tally, self._namespace, kind, at))


def lineage_event(tally: Tally, namespace: str, kind: Kind, at: float) -> dict[str, Any]:
    """One event; jobs of a tenant have a namespace of their own."""
    started = tally.started
    assert started is not None
    own = f"{namespace}/{started.tenant}" if started.tenant else namespace
    return {
        "eventType": kind,
        "eventTime": iso(tally.wall(at)),
        "producer": PRODUCER,
        "schemaURL": SPEC,
        "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, started.run)), "facets": _run_facets(tally)},
        "job": {
            "namespace": own,
            "name": started.job,
            "facets": {
                "jobType": _facet(
                    "2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
                    processingType="BATCH",
                    integration="DATIVO",
                    jobType="JOB",
                )
            },
        },
        "inputs": [_input(tally, own, name) for name in _streams(tally)],
        "outputs": [_output(tally, own, name) for name in _streams(tally)],
    }


def _kind_of(ended: Ended) -> Kind:
    if ended.verdict == "succeeded":
        return "COMPLETE"
    return "ABORT" if ended.verdict == "interrupted" else "FAIL"


def _run_facets(tally: Tally) -> dict[str, Any]:
    facets = {
        "processing_engine": _facet(
            "1-1-0/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet",
            version=_own_version(),
            name="dativo",
        )
    }
    parent = os.environ.get(PARENT_VARIABLE, "").rsplit("/", 2)
    if len(parent) == len(("namespace", "job", "run")):
        facets["parent"] = _facet(
            "1-1-0/ParentRunFacet.json#/$defs/ParentRunFacet",
            run={"runId": parent[2]},
            job={"namespace": parent[0], "name": parent[1]},
        )
    ended = tally.ended
    if ended is not None and ended.reason is not None:
        facets["errorMessage"] = _facet(
            "1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
            message=ended.reason,
            programmingLanguage="Python",
        )
    return facets


def _own_version() -> str:
    from importlib.metadata import version

    return version("dativo")


def _streams(tally: Tally) -> list[str]:
    return list(dict.fromkeys([*tally.schemas, *tally.counters.streams]))


def _input(tally: Tally, namespace: str, stream: str) -> dict[str, Any]:
    count = tally.counters.streams.get(stream)
    dataset = _dataset(tally, f"{namespace}/{tally.tap.name}", stream)
    if count is not None:
        statistics = _facet(
            "1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/InputStatisticsInputDatasetFacet",
            rowCount=count.read,
            size=count.size,
        )
        dataset["inputFacets"] = {"inputStatistics": statistics}
    return dataset


def _output(tally: Tally, namespace: str, stream: str) -> dict[str, Any]:
    count = tally.counters.streams.get(stream)
    dataset = _dataset(tally, f"{namespace}/{tally.target.name}", stream)
    if count is not None:
        statistics = _facet(
            "1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet",
            rowCount=count.loaded,
            size=count.stored,
            fileCount=count.files,
        )
        dataset["outputFacets"] = {"outputStatistics": statistics}
    return dataset


def _dataset(tally: Tally, namespace: str, stream: str) -> dict[str, Any]:
    dataset: dict[str, Any] = {"namespace": namespace, "name": stream, "facets": {}}
    if fields := list(_fields(tally.schemas.get(stream, {}))):
        schema = _facet("1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet", fields=fields)
        dataset["facets"] = {"schema": schema}
    return dataset


def _fields(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    properties = schema.get("properties")
    fields = []
    for name, each in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(each, dict):
            continue
        kinds = each.get("type", "any")
        kinds = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
        field: dict[str, Any] = {"name": name, "type": each.get("format") or " or ".join(kinds)}
        if inner := _fields(each):
            field["fields"] = inner
        fields.append(field)
    return fields


def _facet(schema: str, **members: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{_FACETS}/{schema}", **members}
