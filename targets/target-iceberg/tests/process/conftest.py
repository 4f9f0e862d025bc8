"""What tests of target-iceberg as a process share: the executable on a local warehouse, tables read back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from dativo_protocol.testing import Outcome, run
from duckdb_extensions import import_extension
from target_iceberg.catalogs import open_catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyiceberg.table import Table

EXECUTABLE = Path(sys.executable).parent / "target-iceberg"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def command(warehouse: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Makes the command line of the executable, with a subcommand if there is one, and a configuration."""

    def make(*subcommand: str, **raw: Any) -> list[str]:
        config = tmp_path / f"config-{len(list(tmp_path.glob('config-*')))}.json"
        config.write_text(json.dumps({"warehouse": str(warehouse), **raw}))
        return [str(EXECUTABLE), *subcommand, "--config", str(config)]

    return make


@pytest.fixture
def load(command: Callable[..., list[str]]) -> Callable[..., Outcome]:
    """Runs the executable over messages to its end."""

    def over(*messages: Any, **raw: Any) -> Outcome:
        return run(command(**raw), stdin=b"".join(json.dumps(each).encode() + b"\n" for each in messages))

    return over


@pytest.fixture
def loaded(load: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """The same, where the run has to end well."""

    def over(*messages: Any, **raw: Any) -> Outcome:
        outcome = load(*messages, **raw)
        assert outcome.code == 0, outcome.stderr
        return outcome

    return over


@pytest.fixture
def table(warehouse: Path) -> Callable[..., Table]:
    """Loads a table of the warehouse's own catalog."""
    return lambda name, namespace="default": open_catalog({}, str(warehouse), None).load_table(
        (namespace, name)
    )


@pytest.fixture
def scanned(table: Callable[..., Table]) -> Callable[..., list[dict[str, Any]]]:
    """Reads a table with DuckDB, ordered by the first column."""

    def read(name: str, *, order: str = "id", **where: Any) -> list[dict[str, Any]]:
        with duckdb.connect() as connection:
            for extension in ("avro", "iceberg"):
                import_extension(extension, con=connection)
                connection.load_extension(extension)
            connection.execute("set TimeZone = 'UTC'")
            location = table(name, **where).metadata_location
            found = connection.sql(f"from iceberg_scan('{location}')").to_arrow_table()
        return sorted(found.to_pylist(), key=lambda row: str(row[order]))

    return read


@pytest.fixture
def rows(
    table: Callable[..., Table], scanned: Callable[..., list[dict[str, Any]]]
) -> Callable[..., list[dict[str, Any]]]:
    """Reads a table with pyiceberg and with DuckDB, which have to agree; ordered by the first column."""

    def read(name: str, *, order: str = "id", **where: Any) -> list[dict[str, Any]]:
        found = table(name, **where).scan().to_arrow().to_pylist()
        ours = sorted(found, key=lambda row: str(row[order]))
        theirs = scanned(name, order=order, **where)
        assert json.dumps(ours, default=str) == json.dumps(theirs, default=str)
        return ours

    return read
