"""The rows of one stream as files: Arrow IPC, Parquet or bare JSON lines (B2).

A file is written under a name that begins with a dot and ends in `.tmp`. It gets its own name when it is
whole and on the disk, so that whoever finds that name finds all of it, also after a kill or a power cut.
"""

from __future__ import annotations

import os
import re
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from dativo_protocol.errors import SchemaError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from dativo_protocol.batch_settings import BatchSettings
    from dativo_protocol.parquet_writer import Codec

FILE_BYTES = 64 << 20
"""Size at which a file is closed before it has all the rows it may have."""

GROUP_BYTES = 24 << 20
"""Rows of a Parquet row group, as they are in memory."""

_LINES_BYTES = 1 << 20
_FASTEST_GZIP = 1
_GZIP_FRAME = 31
_LONGEST_STREAM = 100


@dataclass(frozen=True, slots=True)
class WrittenBatch:
    """A file that is whole and on the disk."""

    path: Path
    rows: int
    bytes: int


class BatchFiles:
    """Writes rows into one file after the other.

    Args:
        settings: where, how, and how large.
        stream: whose rows they are.
        schema: of the rows.

    Raises:
        SchemaError: there are no columns, and Parquet counts rows by their columns.
        StoreError: by every method, if the files cannot be written.
    """

    def __init__(self, settings: BatchSettings, stream: str, schema: pa.Schema) -> None:
        if settings.encoding.format == "parquet" and not len(schema):
            raise SchemaError("a Parquet file cannot hold rows without columns", stream=stream)
        self._settings = settings
        self._schema = file_schema(schema)
        # Letters that a URI would have to escape are left out: not every reader takes escapes back.
        readable = re.sub(r"[^A-Za-z0-9_.-]", "_", stream)[:_LONGEST_STREAM]
        self._name = f"{settings.storage.prefix}{readable}-{uuid4().hex}"
        self._files = 0
        self._rows = 0
        self._open: _BatchFile | None = None

    def write(self, batch: pa.RecordBatch) -> list[WrittenBatch]:
        """Take rows; returns the files that they filled."""
        import pyarrow as pa

        filled: list[WrittenBatch] = []
        rest = pa.RecordBatch.from_arrays(batch.columns, schema=self._schema) if batch.num_columns else batch
        with self._explained():
            while rest.num_rows:
                self._open = self._open or self._begin()
                taken = rest.slice(0, self._settings.rows - self._rows)
                self._open.write(taken)
                self._rows += taken.num_rows
                rest = rest.slice(taken.num_rows)
                if self._rows >= self._settings.rows or self._open.size >= FILE_BYTES:
                    filled.append(self._finish(self._open))
        return filled

    def finish(self) -> list[WrittenBatch]:
        """Complete the open file; returns it, unless there is none."""
        with self._explained():
            return [] if self._open is None else [self._finish(self._open)]

    def abandon(self) -> None:
        """Remove the open file."""
        if self._open is not None:
            with suppress(OSError):
                self._open.drop()
            self._temporary.unlink(missing_ok=True)
            self._open = None

    def _begin(self) -> _BatchFile:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._files += 1
        match self._settings.encoding.format:
            case "arrow":
                return _ArrowFile(self._temporary, self._schema)
            case "parquet":
                return _ParquetFile(self._temporary, self._schema, self._settings.encoding.codec)
            case _:
                return _LinesFile(self._temporary, self._schema, self._settings.encoding.codec)

    def _finish(self, file: _BatchFile) -> WrittenBatch:
        file.close()
        path = self._directory / self._file_name
        _flush(self._temporary)
        self._temporary.rename(path)
        _flush(self._directory)
        written = WrittenBatch(path, self._rows, path.stat().st_size)
        self._open, self._rows = None, 0
        return written

    @property
    def _directory(self) -> Path:
        return self._settings.storage.directory

    @property
    def _file_name(self) -> str:
        encoding = self._settings.encoding
        suffix = ".gz" if (encoding.format, encoding.codec) == ("jsonl", "gzip") else ""
        return f"{self._name}-{self._files:05d}.{encoding.format}{suffix}"

    @property
    def _temporary(self) -> Path:
        return self._directory / f".{self._file_name}.tmp"

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the system says about a file into an error for the user."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"cannot write batch files to {self._directory}: {error}",
                instruction="Make room there, or give batch_config.storage.root a directory that can be "
                "written to.",
            ) from error


class _BatchFile(Protocol):
    """A file under its temporary name."""

    @property
    def size(self) -> int:
        """About how large it is by now."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write what is held back, and the end of the file."""

    def drop(self) -> None:
        """Close it as it is, for it is going to be removed."""


class _ArrowFile:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow as pa

        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._sink, schema)

    @property
    def size(self) -> int:
        return self._sink.tell()

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()
        self._sink.close()

    def drop(self) -> None:
        self._sink.close()


class _ParquetFile:
    def __init__(self, path: Path, schema: pa.Schema, codec: Codec) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._sink = pa.OSFile(str(path), "wb")
        self._schema = schema
        self._codec = codec
        self._writer: parquet.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0

    @property
    def size(self) -> int:
        return self._sink.tell()

    def write(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._held_bytes >= GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        if self._held or self._writer is None:
            self._write_group()
        assert self._writer is not None
        self._writer.close()
        self._sink.close()

    def drop(self) -> None:
        if self._writer is not None:
            self._writer.is_open = False  # or its destructor would write the footer
        self._sink.close()

    def _write_group(self) -> None:
        import pyarrow as pa

        from dativo_protocol.page_encoding import choose_page_encoding
        from dativo_protocol.parquet_writer import open_parquet_writer

        rows = pa.Table.from_batches(self._held, self._schema)
        self._held, self._held_bytes = [], 0
        if self._writer is None:
            level = 1 if self._codec == "zstd" else None
            pages = choose_page_encoding(rows)
            self._writer = open_parquet_writer(
                self._sink,
                self._schema,
                compression=self._codec,
                level=level,
                pages=pages,
                checksums=True,
            )
        self._writer.write_table(rows, row_group_size=max(1, rows.num_rows))


class _LinesFile:
    def __init__(self, path: Path, schema: pa.Schema, codec: Codec) -> None:
        self._lines = BareLines(schema)
        self._sink = path.open("wb", buffering=0)
        self._gzip = zlib.compressobj(_FASTEST_GZIP, wbits=_GZIP_FRAME) if codec == "gzip" else None

    @property
    def size(self) -> int:
        return self._sink.tell()

    def write(self, batch: pa.RecordBatch) -> None:
        for lines in self._lines.encode(batch):
            self._append(lines if self._gzip is None else self._gzip.compress(lines))

    def close(self) -> None:
        self._lines.close()
        if self._gzip is not None:
            self._append(self._gzip.flush())
        self._sink.close()

    def drop(self) -> None:
        self._lines.close()
        self._sink.close()

    def _append(self, data: bytes | memoryview) -> None:
        with memoryview(data) as view:
            written = 0
            while written < len(view):
                written += self._sink.write(view[written:])


class BareLines:
    """Turns rows into JSON lines without envelopes, in the native core."""

    def __init__(self, schema: pa.Schema) -> None:
        from dativo_native import RecordEncoder

        self._encoder = RecordEncoder(None, schema)

    def encode(self, batch: pa.RecordBatch) -> Iterator[memoryview]:
        """Yield whole lines, in portions; each is valid until the next."""
        rows = max(1, _LINES_BYTES * batch.num_rows // max(1, batch.nbytes))
        for start in range(0, batch.num_rows, rows):
            yield self._encoder.encode(batch.slice(start, rows))

    def close(self) -> None:
        """Let the native encoder go."""
        self._encoder.close()


def file_schema(schema: pa.Schema) -> pa.Schema:
    """Name the columns of a file as any reader takes them: nullable, without what directs our decoder."""
    import pyarrow as pa

    from dativo_protocol.arrow import JSON_KEY

    fields = []
    for field in schema:
        plain = field.remove_metadata().with_nullable(nullable=True)
        is_json = (field.metadata or {}).get(JSON_KEY)
        fields.append(plain.with_metadata({JSON_KEY: is_json}) if is_json else plain)
    return pa.schema(fields)


def _flush(path: Path) -> None:
    """Return once a file, or the names in a directory, are on the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
