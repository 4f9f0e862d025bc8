"""A small target: a file of JSON lines for each commit, and a journal of what was called when."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from dativo_protocol.cli import run, subcommand, target_command
from dativo_protocol.config import Connector, setting
from dativo_protocol.errors import StoreError
from dativo_protocol.events import InvalidEvent, StreamPlan
from dativo_protocol.reader import NEVER, ReadOptions
from dativo_protocol.tally import Tally

if TYPE_CHECKING:
    import pyarrow as pa
    from dativo_protocol.messages import BatchMessage, SchemaMessage


@dataclass(frozen=True)
class Settings:
    """What the tests need."""

    directory: str = setting(description="Where the files go.")
    validate: bool = setting(description="Hold records against their schema.", default=False)
    on_invalid: Literal["fail", "skip"] = setting(description="Invalid records.", default="fail")
    every_state: bool = setting(description="Commit at each STATE.", default=True)
    whole_run: bool = setting(description="Commit once, at the end.", default=False)
    commit_seconds: float = setting(description="How long a commit takes.", default=0.0)
    fail_at_commit: int | None = setting(description="Number of the commit that fails.", default=None)
    fail_to_abort: bool = setting(description="Fail when told to abort.", default=False)
    durable: str | None = setting(description="The STATE that the directory stands at.", default=None)


class LinesLoader:
    """Keeps rows until the commit, which writes them to a file of its own."""

    def __init__(self, settings: Settings) -> None:
        self.tally = Tally()
        self._settings = settings
        self._directory = Path(settings.directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._pending: list[dict[str, object]] = []
        self._commits = 0

    @property
    def standing(self) -> bytes | None:
        """The STATE that the tap has to start from."""
        self._note("standing", os.environ.get("DATIVO_GATE_FD"))
        return None if self._settings.durable is None else self._settings.durable.encode()

    def plan(self, message: SchemaMessage) -> StreamPlan:
        """All columns of the schema, then the moment of extraction."""
        import pyarrow as pa
        from dativo_protocol.arrow import arrow_schema
        from dativo_protocol.schema import columns_of

        schema = arrow_schema(columns_of(message.schema, stream=message.stream), keys=message.key_properties)
        extracted = pa.field("_at", pa.timestamp("us", "UTC"), metadata={b"dativo.source": b"time_extracted"})
        validated_by = "native" if self._settings.validate else "none"
        return StreamPlan(message, schema.append(extracted), validated_by)

    def open_stream(self, plan: StreamPlan) -> None:
        """Note the stream."""
        self._note("open_stream", plan.message.stream, plan.validated_by)

    def write(self, stream: str, batch: pa.RecordBatch) -> None:
        """Keep the rows."""
        self._note("write", stream, batch.num_rows)
        self._pending += [{"_stream": stream, **row} for row in batch.to_pylist()]

    def activate_version(self, stream: str, version: int) -> None:
        """Note the version."""
        self._note("activate_version", stream, version)

    def load_batch_file(self, message: BatchMessage, line: int) -> int:
        """Note the manifest."""
        self._note("load_batch_file", message.stream, list(message.manifest), line)
        return 1

    def invalid(self, event: InvalidEvent) -> None:
        """Fail or note."""
        if self._settings.on_invalid == "fail":
            raise event.error()
        self.tally.skipped += 1
        raw = event.raw.decode("utf-8", "replace")
        self._note("invalid", event.line, event.stream, event.path, event.reason, raw)

    def commit(self, state: bytes | None, *, final: bool) -> None:
        """Write the file under a temporary name, then give it its own."""
        self._commits += 1
        self._note("commit", None if state is None else state.decode(), final)
        if self._settings.fail_at_commit == self._commits:
            raise StoreError("the disk is full", instruction="Make room.", retryable=True)
        time.sleep(self._settings.commit_seconds)
        path = self._directory / f"{self._commits:04}.jsonl"
        partial = path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(row, default=str) + "\n" for row in self._pending))
        partial.rename(path)
        rows = len(self._pending)
        self._pending.clear()
        self._note("committed", self._commits)
        self.tally.written += rows

    def emitted(self) -> None:
        """Note that the STATE has left."""
        self._note("emitted")

    def abort(self) -> None:
        """Forget the rows."""
        self._note("abort")
        if self._settings.fail_to_abort:
            raise StoreError("the store cannot be tidied")
        self._pending.clear()

    def _note(self, *entry: object) -> None:
        with (self._directory / "journal").open("a") as journal:
            journal.write(json.dumps(entry) + "\n")


def read_options(settings: Settings) -> ReadOptions:
    """Small batches, and the epochs that the settings ask for."""
    if settings.whole_run:
        return ReadOptions(batch_rows=100, epoch_bytes=NEVER, epoch_seconds=0)
    if settings.every_state:
        return ReadOptions(batch_rows=100, epoch_bytes=0, epoch_seconds=0)
    return ReadOptions(batch_rows=100)


def count(settings: Settings, *, prefix: str) -> None:
    """Say how many rows were committed."""
    files = Path(settings.directory).glob("*.jsonl")
    click.echo(f"{prefix}{sum(len(file.read_text().splitlines()) for file in files)}")


CONNECTOR = Connector(
    name="target-lines",
    kind="target",
    distribution="dativo-protocol",
    description="JSON lines.",
    settings=Settings,
    capabilities=("about", "structured-logging", "recover-gate"),
)
PREFIX = click.Option(["--prefix"], default="rows: ")
COUNT = subcommand(CONNECTOR, "count", count, help="Count the rows.", params=[PREFIX])

if __name__ == "__main__":
    command = target_command(
        CONNECTOR,
        LinesLoader,
        read_options,
        standing=lambda loader: loader.standing,
        extra_commands=[COUNT],
    )
    run(command)
