"""Destinations that pipelines load into, and what readers find there."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from tests.services.seaweedfs import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.services.seaweedfs import SeaweedFS

STREAMS = ("even", "odd")
COLUMNS = ("n", "generation", "part", "text")
Row = tuple[Any, ...]
"""A stream and its values in a place's columns."""


class Place(Protocol):
    """A destination that a pipeline loads into."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that rows are compared by."""

    def config(self) -> dict[str, Any]:
        """Settings that lead to it."""

    def rows(self) -> list[Row]:
        """Every row that readers see."""

    def internal(self, directory: str) -> list[str]:
        """Names of what the target keeps for itself in a directory, in order and relative to it."""

    def read(self, name: str) -> bytes:
        """Content of a small object."""


@dataclass(frozen=True)
class LocalPlace:
    """A directory."""

    root: Path
    columns: tuple[str, ...] = COLUMNS

    def config(self) -> dict[str, Any]:
        """Settings that lead to it."""
        return {"destination_path": str(self.root)}

    def rows(self) -> list[Row]:
        """Every row of every file that readers see."""
        return [row for stream in STREAMS for row in read_rows(stream, self.root / stream)]

    def internal(self, directory: str) -> list[str]:
        """Names of what the target keeps for itself."""
        root = self.root / ".dativo" / directory
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))

    def read(self, name: str) -> bytes:
        """Content of a small file."""
        return (self.root / name).read_bytes()


def read_rows(stream: str, directory: Path) -> list[Row]:
    """Read all files of a stream; one that is not whole fails here."""
    if not any(directory.rglob("*.parquet")):
        return []
    partitioning = ds.partitioning(pa.schema([("part", pa.string())]), flavor="hive")
    table = ds.dataset(directory, partitioning=partitioning).to_table(columns=list(COLUMNS))
    columns = (table[name].to_pylist() for name in COLUMNS)
    return [(stream, *row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class S3Place:
    """A prefix of a bucket; `s3` are settings of the target besides those of the server."""

    server: SeaweedFS
    client: Any
    prefix: str
    s3: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = COLUMNS

    def config(self) -> dict[str, Any]:
        """Settings that lead to it."""
        return {"destination_path": f"s3://{BUCKET}/{self.prefix}", "s3": self.server.settings(**self.s3)}

    def rows(self) -> list[Row]:
        """Every row of every object that readers see; one that is not whole fails here."""
        return [row for stream in STREAMS for name in self._names(stream) for row in self._rows(stream, name)]

    def internal(self, directory: str) -> list[str]:
        """Names of what the target keeps for itself."""
        root = f".dativo/{directory}/"
        return [name.removeprefix(root) for name in self._names(root.rstrip("/"))]

    def read(self, name: str) -> bytes:
        """Content of an object."""
        answer = self.client.get_object(Bucket=BUCKET, Key=f"{self.prefix}/{name}")
        return bytes(answer["Body"].read())

    def _names(self, directory: str) -> Iterator[str]:
        listing = self.client.get_paginator("list_objects_v2")
        for page in listing.paginate(Bucket=BUCKET, Prefix=f"{self.prefix}/{directory}/"):
            yield from (found["Key"].removeprefix(f"{self.prefix}/") for found in page.get("Contents", ()))

    def _rows(self, stream: str, name: str) -> list[Row]:
        table = pq.read_table(io.BytesIO(self.read(name)))
        parts = [unquote(step[5:]) for step in name.split("/") if step.startswith("part=")]
        columns = [
            parts * table.num_rows if column == "part" and parts else table[column].to_pylist()
            for column in COLUMNS
        ]
        return [(stream, *row) for row in zip(*columns, strict=True)]
