"""Batch files of JSON lines: each record is wrapped into the RECORD message that it would have been.

The wrapping is done on whole blocks of bytes, and the native decoder does the rest.
"""

from __future__ import annotations

import gzip
import json
import os
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO, cast

from dativo_protocol.events import BatchEvent, EndEvent, InvalidEvent
from dativo_protocol.messages import dump_message
from dativo_protocol.reader import NEVER, read_events

from target_parquet.errors import BatchFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_protocol.events import StreamPlan
    from dativo_protocol.messages import BatchMessage
    from dativo_protocol.reader import ReadOptions

    from target_parquet.batch_sources import BatchFile

_BLOCK_BYTES = 1 << 20


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
    feeder = _Feeder(file, message, dump_message(plan.message))
    with feeder:
        options = replace(options, epoch_records=NEVER, epoch_bytes=0, epoch_seconds=0)
        with read_events(feeder.output, lambda _: plan, options) as events:
            for event in events:
                if isinstance(event, BatchEvent | EndEvent):
                    yield event
                elif isinstance(event, InvalidEvent):
                    yield replace(event, line=event.line - 1, reason=f"{event.reason} (line of {file})")
    feeder.check()


class _Feeder:
    """A thread that wraps the lines of a file and writes them into a pipe."""

    def __init__(self, file: BatchFile, message: BatchMessage, schema_line: bytes) -> None:
        self.output, self._input = os.pipe()
        self._file = file
        self._gzip = message.encoding.compression == "gzip"
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
            with os.fdopen(self._input, "wb") as pipe, suppress(BrokenPipeError), self._open() as file:
                pipe.write(self._schema_line)
                while block := file.read(_BLOCK_BYTES) + file.readline():
                    pipe.write(self._wrapped(block))
        except (OSError, EOFError) as error:
            self._failure = error

    def _open(self) -> BinaryIO:
        path = self._file.path
        return cast("BinaryIO", gzip.open(path)) if self._gzip else path.open("rb")

    def _wrapped(self, block: bytes) -> bytes:
        """Wrap whole lines; blank ones stay blank, so that every line keeps its number."""
        body = block.removesuffix(b"\n").replace(b"\n", b"}\n" + self._prefix)
        wrapped = self._prefix + body + b"}\n"
        return wrapped.replace(self._prefix + b"}\n", b"\n").replace(self._prefix + b"\r}\n", b"\n")
