"""Bad records as rows of Parquet streams, so that nothing of them is lost and they can be loaded later.

```
_quarantine/            one row a bad record: the line itself, where it stood, what is wrong with it
_quarantine_schemas/    the SCHEMA messages that those lines were held against, once a run
_quarantine_replayed/   which rows of _quarantine/ are dealt with
```

Nothing there is ever changed or removed: a row of `_quarantine/` is open as long as `_quarantine_replayed/`
does not name it by `run_id` and `number`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_protocol.messages import dump_message

from target_parquet.metadata import now
from target_parquet.names import QUARANTINE, REPLAYED, SCHEMAS
from target_parquet.side_stream import SideStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa
    from dativo_protocol.events import InvalidEvent, StreamPlan
    from dativo_protocol.messages import SchemaMessage

    from target_parquet.epoch import Epoch
    from target_parquet.stream_writer import Workshop

_VERSION_CHARACTERS = 12


class Quarantine:
    """Takes the bad records of one run.

    Args:
        pipeline: of the run.
        workshop: what all streams share.
        epoch: that the first rows belong to.
    """

    def __init__(self, pipeline: str, workshop: Workshop, epoch: Epoch) -> None:
        self._pipeline = pipeline
        self._run = workshop.names.run
        self._workshop = workshop
        self._epoch = epoch
        self._streams: dict[str, SideStream] = {}
        self._versions: dict[str, tuple[SchemaMessage, str]] = {}
        self._written_schemas: set[str] = set()
        self._number = 0

    def take(self, event: InvalidEvent, plans: Mapping[str, StreamPlan]) -> None:
        """Keep a bad record and the SCHEMA it belongs to; all SCHEMAs, if its stream has or tells none."""
        plan = plans.get(event.stream)
        for each in [plan] if plan else plans.values():
            self._keep_schema(each.message)
        self._number += 1
        text = event.raw.decode(errors="replace")
        exact = text.encode() == event.raw
        row = {
            "stream": event.stream or None,
            "line": event.line,
            "path": event.path,
            "reason": event.reason,
            "raw": text,
            "raw_bytes": None if exact else event.raw,
            "schema_version": self._version(plan.message) if plan else None,
            "quarantined_at": now(),
            "number": self._number,
        }
        self._add(QUARANTINE, row, len(event.raw))

    def replayed(self, rows: Iterable[tuple[str, int, int]]) -> None:
        """Note rows as dealt with: the `run_id` and `number` of each, and how many lines took its place."""
        for run, number, lines in rows:
            row = {"run_id": run, "number": number, "lines": lines, "replayed_at": now()}
            self._add(REPLAYED, row | {"replayed_by": self._run})

    def finish(self) -> None:
        """Complete the files of the epoch."""
        for stream in self._streams.values():
            stream.finish()

    def next_epoch(self, epoch: Epoch) -> None:
        """Let rows from now on belong to another epoch."""
        self._epoch = epoch
        for stream in self._streams.values():
            stream.next_epoch(epoch)

    def _keep_schema(self, message: SchemaMessage) -> None:
        version = self._version(message)
        if version in self._written_schemas:
            return
        self._written_schemas.add(version)
        text = dump_message(message).decode().rstrip("\n")
        row = {"schema_version": version, "stream": message.stream, "message": text}
        self._add(SCHEMAS, row, len(text))

    def _version(self, message: SchemaMessage) -> str:
        """A short name for a SCHEMA; reckoned once for as long as it is in force."""
        known = self._versions.get(message.stream)
        if known is None or known[0] is not message:
            import hashlib

            digest = hashlib.sha256(dump_message(message)).hexdigest()
            known = self._versions[message.stream] = (message, digest[:_VERSION_CHARACTERS])
        return known[1]

    def _add(self, name: str, row: dict[str, Any], size: int = 0) -> None:
        stream = self._streams.get(name)
        if stream is None:
            schema = _schemas()[name]
            stream = self._streams[name] = SideStream(name, schema, self._workshop, self._epoch)
        stream.add({"run_id": self._run, "pipeline": self._pipeline, **row}, size)


def _schemas() -> dict[str, pa.Schema]:
    """Columns of the streams, as docs/delivery.md describes them."""
    import pyarrow as pa

    text, integer, instant = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
    bad: dict[str, pa.DataType] = {"stream": text, "line": integer, "path": text, "reason": text, "raw": text}
    bad |= {"raw_bytes": pa.binary(), "schema_version": text, "quarantined_at": instant}
    key: dict[str, pa.DataType] = {"pipeline": text, "run_id": text, "number": integer}
    schema = {"schema_version": text, "stream": text, "message": text, "pipeline": text, "run_id": text}
    replayed: dict[str, pa.DataType] = {"lines": integer, "replayed_by": text, "replayed_at": instant}
    return {
        QUARANTINE: pa.schema(list((bad | key).items())),
        SCHEMAS: pa.schema(list(schema.items())),
        REPLAYED: pa.schema(list((key | replayed).items())),
    }
