"""What tests of target-iceberg as a process share: the executable on a local warehouse, tables read back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.testing import Outcome, run
from target_iceberg.catalogs import open_catalog

from tests.readers import QUICK_READERS, assert_readers_agree
from tests.readers.duck import duckdb_with

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
    """Reads a table with DuckDB; ordered by a column, and where that does not tell, by the others."""

    def read(name: str, *, order: str = "id", **where: Any) -> list[dict[str, Any]]:
        location = table(name, **where).metadata_location
        with duckdb_with("avro", "iceberg") as connection:
            found = connection.sql(f"from iceberg_scan('{location}')").to_arrow_table()
        return ordered(found.to_pylist(), order)

    return read


@pytest.fixture
def rows(table: Callable[..., Table]) -> Callable[..., list[dict[str, Any]]]:
    """Reads a table with pyiceberg and other readers, which have to agree; ordered as `scanned`."""

    def read(name: str, *, order: str = "id", **where: Any) -> list[dict[str, Any]]:
        found = table(name, **where)
        seen = found.scan().to_arrow()
        assert_readers_agree(found, seen, QUICK_READERS)
        return ordered(seen.to_pylist(), order)

    return read


def ordered(rows: list[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    """Rows by a column as text, and equal ones by all the others."""
    return sorted(rows, key=lambda row: (str(row[column]), json.dumps(row, default=str)))
