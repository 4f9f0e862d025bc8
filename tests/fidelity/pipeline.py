"""A database, and its tables read by tap-postgres into target-parquet: as lines, or as files of a batch."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from tests.paths import BIN
from tests.services.postgres import PASSWORD, USER, Postgres

SCHEMA = "fidelity"
WAYS = ("lines", "arrow", "parquet")
"""RECORD messages, and BATCH messages with files of a format."""
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Source:
    """A database with a schema for the tables."""

    server: Postgres
    name: str

    def connect(self) -> psycopg.Connection[Any]:
        """With values written as the tap's own sessions write them."""
        given = {"host": "127.0.0.1", "port": self.server.port, "dbname": self.name}
        options = f"-c search_path={SCHEMA},public -c timezone=UTC -c intervalstyle=iso_8601"
        return psycopg.connect(**given, user=USER, password=PASSWORD, autocommit=True, options=options)

    @property
    def settings(self) -> dict[str, Any]:
        given = {"host": "127.0.0.1", "port": self.server.port, "user": USER, "password": PASSWORD}
        return given | {"database": self.name, "filter_schemas": [SCHEMA]}


@contextmanager
def source(server: Postgres, name: str) -> Iterator[Source]:
    """Made for the block, gone after it."""
    owner = Source(server, "postgres")
    with owner.connect() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    made = Source(server, name)
    with made.connect() as connection:
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
    try:
        yield made
    finally:
        with owner.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass(frozen=True)
class Loaded:
    """What a run has left: files by stream, the schemas that the tap announced, and the last STATE."""

    lake: Path
    schemas: dict[str, dict[str, Any]]
    state: dict[str, Any]

    def table(self, name: str) -> pa.Table:
        return pq.read_table(self.lake / f"{SCHEMA}-{name}")

    def file(self, name: str) -> Path:
        return next((self.lake / f"{SCHEMA}-{name}").rglob("*.parquet"))


def load(read: Source, directory: Path, way: str, state: dict[str, Any] | None = None, **more: Any) -> Loaded:
    """Read every table of the schema, from a state on, with more settings of the tap."""
    lake = directory / way
    lake.mkdir(parents=True)
    encoding = {"encoding": {"format": way}, "storage": {"root": str(lake / ".spool")}}
    settings = read.settings | more | ({} if way == "lines" else {"batch_config": encoding})
    tap, target = _config(lake, "tap", settings), _config(lake, "target", {"destination_path": str(lake)})
    sent = lake / ".sent"
    with sent.open("wb") as lines:
        _run(
            [str(BIN / "tap-postgres"), "--config", tap, "--state", _config(lake, "state", state or {})],
            stdout=lines,
        )
    with sent.open("rb") as lines:
        _run([str(BIN / "target-parquet"), "--config", target], stdin=lines)
    messages = [json.loads(line) for line in sent.read_bytes().splitlines()]
    schemas = {each["stream"]: each["schema"]["properties"] for each in messages if each["type"] == "SCHEMA"}
    states = [each["value"] for each in messages if each["type"] == "STATE"]
    return Loaded(lake, schemas, states[-1])


def load_changes(
    read: Source, directory: Path, change: Callable[[psycopg.Connection[Any]], None], **more: Any
) -> Loaded:
    """Read what `change` does to the tables, by the log alone: a run before it has seen to the rest."""
    by_the_log = {"default_replication_method": "LOG_BASED", "replication_slot_name": read.name}
    state = load(read, directory / "before", "lines", **by_the_log, **more).state
    with read.connect() as connection:
        change(connection)
    return load(read, directory, "lines", state, **by_the_log, **more)


def _config(directory: Path, name: str, settings: dict[str, Any]) -> str:
    path = directory / f".{name}.json"
    path.write_text(json.dumps(settings))
    return str(path)


class FailedError(Exception):
    """A process has failed; the message ends with what it has said."""


def _run(command: list[str], **streams: Any) -> None:
    done = subprocess.run(
        command, **({"stdout": subprocess.DEVNULL} | streams), stderr=subprocess.PIPE, timeout=TIMEOUT_SECONDS
    )
    if done.returncode != 0:
        raise FailedError(f"{command[0]} exited {done.returncode}\n{done.stderr.decode()[-4000:]}")
