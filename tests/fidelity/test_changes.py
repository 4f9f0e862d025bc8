"""Changes carry the same values as tables: inserted after the first run, every type arrives by the log."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fidelity import random_tables
from tests.fidelity.cases import BUILT_IN, MADE
from tests.fidelity.matrix import TABLE, fill_table, make_table, named, policies
from tests.fidelity.pipeline import Source, load, source
from tests.fidelity.random_tables import RandomTable, tables
from tests.fidelity.returning import differences
from tests.fidelity.test_random_tables import EXAMPLES, FULL, SLOW
from tests.services import postgres
from tests.services.postgres import Postgres


@pytest.fixture(scope="session")
def logical(request: pytest.FixtureRequest) -> Postgres:
    return postgres.running_logical(request.config)


def by_the_log(read: Source) -> dict[str, Any]:
    return {"default_replication_method": "LOG_BASED", "replication_slot_name": read.name}


def test_every_built_in_type(logical: Postgres, tmp_path: Path) -> None:
    types = {name: case.declared for name, case in named(BUILT_IN).items()}
    with source(logical, "fidelity_changes") as read:
        with read.connect() as connection:
            make_table(connection, BUILT_IN, MADE)
        state = load(read, tmp_path / "empty", "lines", **by_the_log(read)).state
        with read.connect() as connection:
            fill_table(connection, BUILT_IN)
        changes = load(read, tmp_path, "lines", state, **by_the_log(read)).table(TABLE)
        with read.connect() as connection:
            wrong = differences(connection, TABLE, changes, types, policies(BUILT_IN))
    assert [(types[name], old, new) for _, name, old, new in wrong] == []


@settings(max_examples=EXAMPLES, deadline=None, derandomize=not FULL, suppress_health_check=SLOW)
@given(made=st.lists(tables(), min_size=1 if FULL else 12, max_size=12))
def test_random_tables(logical: Postgres, made: list[RandomTable]) -> None:
    if not any(table.rows for table in made):
        return
    with source(logical, "fidelity_random_changes") as read, tempfile.TemporaryDirectory() as directory:
        with read.connect() as connection:
            connection.execute(random_tables.MADE)
            for number, table in enumerate(made):
                table.make(connection, f"t{number}")
        state = load(read, Path(directory) / "empty", "lines", **by_the_log(read)).state
        with read.connect() as connection:
            for number, table in enumerate(made):
                table.fill(connection, f"t{number}")
        loaded = load(read, Path(directory), "lines", state, **by_the_log(read))
        with read.connect() as connection:
            for number, table in enumerate(made):
                if table.rows:
                    changes = loaded.table(f"t{number}")
                    assert differences(connection, f"t{number}", changes, table.columns) == [], table.types
