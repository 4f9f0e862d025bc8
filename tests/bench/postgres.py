"""A PostgreSQL with `lineitem` in it, and the configurations of those who read it.

It is started when the first case needs it, and gone when the benchmark ends. Each table is in a schema of its
own: tools that take minutes for a million rows are given fewer.
"""

import atexit
import json
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.bench.case import dataset
from tests.bench.streams import LINEITEM
from tests.services.postgres import PASSWORD, USER, Postgres

OPTIONS = ("shared_buffers=512MB", "max_wal_size=4GB", "autovacuum=off")
TYPES = {"integer": "bigint", "number": "numeric(12,2)", "date": "date", "string": "text"}
BLOCK = 1 << 20


@dataclass(frozen=True)
class Table:
    """`lineitem` in a schema of its own: how readers connect to it, and how it is named."""

    port: int
    schema: str
    rows: int

    @property
    def stream(self) -> str:
        return f"{self.schema}-lineitem"

    @property
    def uri(self) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    @property
    def settings(self) -> dict[str, Any]:
        """Those of every tap-postgres."""
        given = {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD}
        return given | {"database": "postgres", "filter_schemas": [self.schema]}


@cache
def table(rows: int) -> Table:
    """The first rows of `lineitem` as they are in the CSV file, with TPC-H's primary key."""
    made = Table(_server().port, f"rows_{rows}", rows)
    columns = ", ".join(f"{field.name} {TYPES[field.kind]}" for field in LINEITEM.fields)
    name = f"{made.schema}.lineitem"
    with psycopg.connect(made.uri, autocommit=True) as owner:
        owner.execute(f"CREATE SCHEMA {made.schema}")
        owner.execute(f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({', '.join(LINEITEM.keys)}))")
        _copy(owner, name, dataset("lineitem", "csv", rows))
        owner.execute(f"VACUUM ANALYZE {name}")
    return made


def selecting_catalog(tap: str, config: str) -> str:
    """A catalog for a tap that reads nothing by default: what it discovers, selected."""
    found = subprocess.run(
        (tap, "--config", config, "--discover"), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    catalog = json.loads(found.stdout)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"] |= {"selected": True, "replication-method": "FULL_TABLE"}
    path = Path(config).with_suffix(".catalog.json")
    path.write_text(json.dumps(catalog))
    return str(path)


@cache
def _server() -> Postgres:
    server = Postgres(OPTIONS)
    server.start()
    atexit.register(server.stop)
    return server


def _copy(owner: psycopg.Connection[Any], name: str, source: Path) -> None:
    with (
        source.open("rb") as file,
        owner.cursor().copy(f"COPY {name} FROM STDIN (FORMAT csv, HEADER)") as copy,
    ):
        while block := file.read(BLOCK):
            copy.write(block)
