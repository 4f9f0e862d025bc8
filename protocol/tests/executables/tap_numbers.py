"""A small tap of numbered rows, in as many streams and with as much misbehaviour as its settings ask for."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_protocol.catalog import Catalog
from dativo_protocol.cli import run, tap_command
from dativo_protocol.config import Connector, setting
from dativo_protocol.discovery import catalog_entry
from dativo_protocol.errors import SourceError
from dativo_protocol.messages import SchemaMessage
from dativo_protocol.selection import selected_schema, selected_streams
from dativo_protocol.state import Bookmark, State

if TYPE_CHECKING:
    from dativo_protocol.writer import MessageWriter

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}},
}


@dataclass(frozen=True)
class Nested:
    """Settings inside settings."""

    depth: int = setting(description="How deep.", default=1, minimum=1)
    password: str | None = setting(description="Of the nested thing.", default=None, secret=True)


@dataclass(frozen=True)
class Settings:
    """What the tests need."""

    rows: int = setting(description="Rows of each stream.", default=10, minimum=0, maximum=10_000_000)
    streams: tuple[str, ...] = setting(description="Names.", default=("numbers",), examples=(["a", "b"],))
    batch_rows: int = setting(description="Rows of a batch.", default=1000, minimum=1)
    token: str | None = setting(description="To log in with.", default=None, secret=True)
    pause: float = setting(description="Seconds between batches.", default=0.0)
    chatty: bool = setting(description="Print where no connector should.", default=False)
    fail_after: int | None = setting(description="Fail after so many rows.", default=None)
    leak: bool = setting(description="Fail with the token in the message.", default=False)
    nested: Nested = setting(description="More.", default_factory=Nested)  # noqa: RUF009


class NumbersTap:
    """Counts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def discover(self) -> Catalog:
        """One entry for each name."""
        self._chat("discovering")
        return Catalog.of(
            catalog_entry(name, SCHEMA, key_properties=["id"]) for name in self._settings.streams
        )

    def check(self) -> None:
        """Fail if it was asked to fail."""
        if self._settings.fail_after == 0:
            raise SourceError("the source is down", instruction="Start it.")

    def sync(self, catalog: Catalog, state: State, out: MessageWriter) -> None:
        """Write each selected stream from its bookmark on."""
        for entry in selected_streams(catalog):
            schema = selected_schema(entry)
            out.schema(SchemaMessage(entry.stream, schema, entry.key_properties))
            self._sync_stream(entry.stream, tuple(schema["properties"]), state, out)

    def _sync_stream(self, stream: str, columns: tuple[str, ...], state: State, out: MessageWriter) -> None:
        import pyarrow as pa

        types = {"id": pa.int64(), "name": pa.utf8()}
        schema = pa.schema([pa.field(column, types[column]) for column in columns])
        start = state.get_bookmark(stream).replication_key_value or 0
        with out.stream(stream, schema) as records:
            while start < self._settings.rows:
                end = min(start + self._settings.batch_rows, self._settings.rows)
                self._maybe_fail(start)
                self._chat(f"rows from {start}")
                rows = {"id": list(range(start, end)), "name": [f"näme {i}" for i in range(start, end)]}
                records.write(pa.record_batch([rows[column] for column in columns], schema=schema))
                state.set_bookmark(stream, Bookmark({"replication_key": "id", "replication_key_value": end}))
                out.state(state.to_dict())
                time.sleep(self._settings.pause)
                start = end

    def _maybe_fail(self, row: int) -> None:
        if self._settings.leak:
            password = self._settings.nested.password
            raise ValueError(f"cannot log in with {self._settings.token!r} and {password}")
        if self._settings.fail_after is not None and row >= self._settings.fail_after:
            raise SourceError(f"the source broke after row {row}", retryable=True)

    def _chat(self, text: str) -> None:
        if self._settings.chatty:
            print("stray print:", text, flush=True)
            os.write(1, b"stray write from below Python\n")


CONNECTOR = Connector(
    name="tap-numbers",
    kind="tap",
    distribution="dativo-protocol",
    description="Rows of numbers.",
    settings=Settings,
    capabilities=("about", "catalog", "discover", "state", "structured-logging"),
)

if __name__ == "__main__":
    run(tap_command(CONNECTOR, NumbersTap))
