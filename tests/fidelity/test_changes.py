"""Changes carry the same values as tables: inserted after the first run, every type arrives by the log."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fidelity import random_tables
from tests.fidelity.cases import BUILT_IN, EXTENSIONS, MADE, OF_EXTENSIONS, Case
from tests.fidelity.matrix import wrong_values
from tests.fidelity.pipeline import load_changes, source
from tests.fidelity.random_tables import RandomTable, tables
from tests.fidelity.returning import differences
from tests.fidelity.test_random_tables import EXAMPLES, FULL, SLOW
from tests.services.postgres import Postgres


def wrong_changes(
    server: Postgres, name: str, cases: Sequence[Case], made: str, directory: Path
) -> list[tuple[str, str | None, str | None]]:
    with source(server, name) as read:
        return wrong_values(read, cases, made, directory, "log")


def test_every_built_in_type(logical: Postgres, tmp_path: Path) -> None:
    assert wrong_changes(logical, "fidelity_changes", BUILT_IN, MADE, tmp_path) == []


def test_every_type_of_an_extension(eighteen: Postgres, tmp_path: Path) -> None:
    assert wrong_changes(eighteen, "fidelity_extension", OF_EXTENSIONS, EXTENSIONS, tmp_path) == []


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

        def fill(connection: psycopg.Connection[Any]) -> None:
            for number, table in enumerate(made):
                table.fill(connection, f"t{number}")

        loaded = load_changes(read, Path(directory), fill)
        with read.connect() as connection:
            for number, table in enumerate(made):
                if table.rows:
                    changes = loaded.table(f"t{number}")
                    assert differences(connection, f"t{number}", changes, table.columns) == [], table.types
