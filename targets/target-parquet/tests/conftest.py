"""What the tests of target-parquet share: the executable, a store on a temporary directory, readers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from dativo_protocol.config import load_settings
from dativo_protocol.messages import SchemaMessage
from dativo_protocol.testing import Outcome, Running, run, start
from target_parquet.loader import ParquetLoader
from target_parquet.local_store import LocalStore
from target_parquet.settings import Settings
from target_parquet.table_format import PlainFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXECUTABLE = Path(sys.executable).parent / "target-parquet"


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def settings(destination: Path) -> Callable[..., Settings]:
    """Makes settings of this test's destination."""
    return lambda **raw: load_settings(Settings, {"destination_path": str(destination), **raw})


@pytest.fixture
def store(destination: Path) -> Iterator[LocalStore]:
    """A store with a run open."""
    opened = LocalStore(destination)
    opened.open_run("20260102T030405Z-aaaaaaaaaaaa")
    yield opened
    opened.close_run()


@pytest.fixture
def loader(destination: Path, settings: Callable[..., Settings]) -> Callable[..., ParquetLoader]:
    """Opens a loader on this test's destination."""

    def open_loader(**raw: Any) -> ParquetLoader:
        chosen, store = settings(**raw), LocalStore(destination)
        return ParquetLoader(chosen, store, PlainFiles(chosen, store))

    return open_loader


@pytest.fixture
def command(destination: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Makes the command line of the executable with a configuration."""

    def make(**raw: Any) -> list[str]:
        config = tmp_path / f"config-{len(list(tmp_path.glob('config-*')))}.json"
        config.write_text(json.dumps({"destination_path": str(destination), **raw}))
        return [str(EXECUTABLE), "--config", str(config)]

    return make


@pytest.fixture
def load(command: Callable[..., list[str]]) -> Callable[..., Outcome]:
    """Runs the executable over messages or lines, to its end."""
    return lambda *messages, **raw: run(command(**raw), stdin=_lines(*messages))


@pytest.fixture
def verify(command: Callable[..., list[str]]) -> Callable[..., Outcome]:
    """Runs `verify` on what was loaded; the report comes as JSON, the code as it is."""

    def check(*arguments: str, **raw: Any) -> Outcome:
        executable, *config = command(**raw)
        return run([executable, "verify", *config, "--format", "json", *arguments])

    return check


@pytest.fixture
def begin(command: Callable[..., list[str]]) -> Callable[..., Running]:
    """Starts the executable and leaves its input open."""
    return lambda **raw: start(command(**raw))


@pytest.fixture
def read(destination: Path) -> Callable[..., list[dict[str, Any]]]:
    """Reads a stream back with pyarrow.dataset over the united schema of its files."""
    return lambda directory, **options: read_dataset(destination / directory, **options)


@pytest.fixture
def query(destination: Path) -> Callable[..., list[dict[str, Any]]]:
    """Reads a stream back with DuckDB, columns united by name."""

    def rows(directory: str, *, order: str = "1") -> list[dict[str, Any]]:
        pattern = str(destination / directory / "**/*.parquet").replace("'", "''")
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            files = f"read_parquet('{pattern}', union_by_name = true, hive_partitioning = true)"
            return connection.sql(f"from {files} order by {order}").to_arrow_table().to_pylist()

    return rows


@pytest.fixture
def files(destination: Path) -> Callable[..., list[Path]]:
    """Lists what a reader's pattern finds."""
    return lambda directory="": sorted((destination / directory).rglob("*.parquet"))


def read_dataset(directory: Path, *, partitioning: str | None = None) -> list[dict[str, Any]]:
    dataset = ds.dataset(directory, partitioning=partitioning)
    schemas = [pq.read_schema(file).remove_metadata() for file in dataset.files]
    united = pa.unify_schemas([*schemas, dataset.schema.remove_metadata()], promote_options="permissive")
    return ds.dataset(directory, schema=united, partitioning=partitioning).to_table().to_pylist()


@pytest.fixture
def lines() -> Callable[..., bytes]:
    """Turns messages into input; bytes are lines already."""
    return _lines


def _lines(*messages: Any) -> bytes:
    return b"".join(
        message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        for message in messages
    )


@pytest.fixture
def schema_message() -> Callable[..., SchemaMessage]:
    """Makes a typed SCHEMA from its properties."""

    def make(stream: str = "users", keys: tuple[str, ...] = (), **properties: Any) -> SchemaMessage:
        return SchemaMessage(stream, {"type": "object", "properties": properties}, keys, None)

    return make


@pytest.fixture
def schema_line() -> Callable[..., dict[str, Any]]:
    """Makes the SCHEMA message from its properties."""

    def make(stream: str = "users", keys: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
        schema = {"type": "object", "properties": properties}
        return {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": list(keys)}

    return make


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """Makes a RECORD message."""
    return lambda stream="users", **fields: {"type": "RECORD", "stream": stream, "record": fields}
