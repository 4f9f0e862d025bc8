"""Rows of batch files as JSON lines: each is wrapped into the RECORD message that it would have been.

The wrapping is done on whole blocks of bytes, and the native decoder does the rest.
"""

from __future__ import annotations

import gzip
import json
import os
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO, cast

from dativo_protocol.batch_files import BareLines
from dativo_protocol.events import BatchEvent, EndEvent, InvalidEvent
from dativo_protocol.messages import dump_message
from dativo_protocol.reader import NEVER, read_events

from target_parquet.batch_rules import lenient_schema
from target_parquet.errors import BatchFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from dativo_protocol.events import StreamPlan
    from dativo_protocol.messages import BatchMessage
    from dativo_protocol.reader import ReadOptions

    from target_parquet.batch_sources import BatchFile

_BLOCK_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"


def line_events(
    file: BatchFile, message: BatchMessage, plan: StreamPlan, options: ReadOptions
) -> Iterator[BatchEvent | InvalidEvent | EndEvent]:
    """Read a file of JSON lines as if its records had come by themselves.

    The numbers of lines are those of the file, the end says how many records there were.

    Args:
        file: to read.
        message: that names it.
        plan: of the stream.
        options: bounds of the reader.

    Raises:
        BatchFileError: the file cannot be read.
    """
    is_gzip = message.encoding.compression == "gzip"
    return _events(partial(_blocks, file, is_gzip=is_gzip), file, message, plan, options)


def row_events(
    batch: pa.RecordBatch,
    before: int,
    file: BatchFile,
    message: BatchMessage,
    plan: StreamPlan,
    options: ReadOptions,
) -> Iterator[BatchEvent | InvalidEvent]:
    """Validate rows that have types already as the records that they would have been.

    Args:
        batch: rows, in columns that the schema of the stream names.
        before: how many rows of the file came before them.
        file: that they come from.
        message: that names it.
        plan: of the stream.
        options: bounds of the reader.

    Raises:
        BatchFileError: a value has no JSON form.
    """
    lenient = replace(plan, message=replace(plan.message, schema=lenient_schema(plan.message)))
    for event in _events(partial(_encoded, batch), file, message, lenient, options):
        if isinstance(event, BatchEvent):
            yield event
        elif isinstance(event, InvalidEvent):
            yield replace(event, line=event.line + before)


def _events(
    blocks: Callable[[], Iterator[bytes]],
    file: BatchFile,
    message: BatchMessage,
    plan: StreamPlan,
    options: ReadOptions,
) -> Iterator[BatchEvent | InvalidEvent | EndEvent]:
    feeder = _Feeder(blocks, file, message, dump_message(plan.message))
    with feeder:
        options = replace(options, epoch_records=NEVER, epoch_bytes=0, epoch_seconds=0)
        with read_events(feeder.output, lambda _: plan, options) as events:
            for event in events:
                if isinstance(event, BatchEvent | EndEvent):
                    yield event
                elif isinstance(event, InvalidEvent):
                    yield replace(event, line=event.line - 1, reason=f"{event.reason} (line of {file})")
    feeder.check()


def _blocks(file: BatchFile, *, is_gzip: bool) -> Iterator[bytes]:
    """Read whole lines; taps of the SDK write gzip whatever they say, so the file has the last word."""
    with file.path.open("rb") as plain:
        is_gzip = is_gzip or plain.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
        lines = cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if is_gzip else plain
        while block := lines.read(_BLOCK_BYTES) + lines.readline():
            yield block


def _encoded(batch: pa.RecordBatch) -> Iterator[bytes]:
    with closing(BareLines(batch.schema)) as lines:
        for block in lines.encode(batch):
            yield bytes(block)


class _Feeder:
    """A thread that wraps lines and writes them into a pipe."""

    def __init__(
        self,
        blocks: Callable[[], Iterator[bytes]],
        file: BatchFile,
        message: BatchMessage,
        schema_line: bytes,
    ) -> None:
        self.output, self._input = os.pipe()
        self._blocks = blocks
        self._file = file
        version = "" if message.version is None else f'"version":{message.version},'
        self._prefix = f'{{"type":"RECORD","stream":{json.dumps(message.stream)},{version}"record":'.encode()
        self._schema_line = schema_line
        self._failure: Exception | None = None
        self._thread = Thread(target=self._run, name="batch-lines", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        os.close(self.output)  # if it was left early the feeder stops at the broken pipe
        self._thread.join()

    def check(self) -> None:
        """Raise what stopped the feeder before the end of the file."""
        if self._failure is not None:
            raise BatchFileError(
                f"cannot read the batch file {self._file}: {self._failure}"
            ) from self._failure

    def _run(self) -> None:
        try:
            with os.fdopen(self._input, "wb") as pipe, suppress(BrokenPipeError):
                pipe.write(self._schema_line)
                for block in self._blocks():
                    pipe.write(self._wrapped(block))
        except Exception as error:  # noqa: BLE001 -- the boundary of a thread: the taker raises it
            self._failure = error

    def _wrapped(self, block: bytes) -> bytes:
        """Wrap whole lines; blank ones stay blank, so that every line keeps its number."""
        body = block.removesuffix(b"\n").replace(b"\n", b"}\n" + self._prefix)
        wrapped = self._prefix + body + b"}\n"
        return wrapped.replace(self._prefix + b"}\n", b"\n").replace(self._prefix + b"\r}\n", b"\n")
