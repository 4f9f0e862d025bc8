"""The rows that earlier runs of a pipeline have put into quarantine, and which of them are still open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_parquet.errors import StoreError
from target_parquet.names import QUARANTINE, REPLAYED, SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_parquet.storage import Store

_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class BadRecord:
    """One row of `_quarantine/`: `run` and `number` are its key, `schema_version` may be unknown."""

    run: str
    number: int
    stream: str | None
    line: int
    path: str
    reason: str
    raw: bytes
    schema_version: str | None


@dataclass(frozen=True, slots=True)
class KeptSchema:
    """One row of `_quarantine_schemas/`; `message` is the SCHEMA as a line without its end."""

    run: str
    version: str
    stream: str
    message: str


class Keys:
    """Keys of rows, held by run."""

    def __init__(self) -> None:
        self._numbers: dict[str, set[int]] = {}

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key[1] in self._numbers.get(key[0], ())

    def add(self, run: str, number: int) -> None:
        self._numbers.setdefault(run, set()).add(number)


class Quarantined:
    """What the destination has of one pipeline, as published when it is asked.

    All methods raise StoreError if a file cannot be read.
    """

    def __init__(self, store: Store, pipeline: str) -> None:
        self._store = store
        self._pipeline = pipeline

    def keys(self) -> Keys:
        """All rows there are."""
        return self._keys(QUARANTINE)

    def replayed(self) -> Keys:
        """The rows that are dealt with."""
        return self._keys(REPLAYED)

    def open(self, *, stream: str | None = None, run: str | None = None) -> Iterator[BadRecord]:
        """The rows that are not dealt with, of all streams and runs or of one; run after run."""
        replayed = self.replayed()
        for row in self._rows(QUARANTINE):
            wanted = stream in (None, row["stream"]) and run in (None, row["run_id"])
            if wanted and (row["run_id"], row["number"]) not in replayed:
                yield _bad_record(row)

    def schemas(self) -> list[KeptSchema]:
        """The SCHEMA messages that rows were held against, in the order they were kept."""
        return [
            KeptSchema(row["run_id"], row["schema_version"], row["stream"], row["message"])
            for row in self._rows(SCHEMAS)
        ]

    def _keys(self, directory: str) -> Keys:
        keys = Keys()
        for row in self._rows(directory, ["pipeline", "run_id", "number"]):
            keys.add(row["run_id"], row["number"])
        return keys

    def _rows(self, directory: str, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """Read the rows of our pipeline, a few at a time."""
        for name in self._store.names(directory):
            if name.endswith(".parquet"):
                for row in self._rows_of_file(name, columns):
                    if row["pipeline"] == self._pipeline:
                        yield row

    def _rows_of_file(self, name: str, columns: list[str] | None) -> Iterator[dict[str, Any]]:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with (
                self._store.open_input(name) as source,
                parquet.ParquetFile(source, pre_buffer=False) as file,
            ):
                for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns, use_threads=False):
                    yield from batch.to_pylist()
        except (pa.ArrowException, OSError, KeyError) as error:
            raise StoreError(
                f"cannot read {name}: {error}", instruction="Move the file away if it is not one of ours."
            ) from error


def _bad_record(row: dict[str, Any]) -> BadRecord:
    raw: bytes = row["raw"].encode() if row["raw_bytes"] is None else row["raw_bytes"]
    return BadRecord(
        run=row["run_id"],
        number=row["number"],
        stream=row["stream"],
        line=row["line"],
        path=row["path"],
        reason=row["reason"],
        raw=raw,
        schema_version=row["schema_version"],
    )
