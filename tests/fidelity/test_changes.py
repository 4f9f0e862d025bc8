"""Changes carry the same values as tables: inserted after the first run, every type arrives by the log."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fidelity import random_tables
from tests.fidelity.cases import BUILT_IN, EXTENSIONS, MADE, OF_EXTENSIONS, Case
from tests.fidelity.matrix import TABLE, fill_table, make_table, named, policies
from tests.fidelity.pipeline import Source, load, source
from tests.fidelity.random_tables import RandomTable, tables
from tests.fidelity.returning import differences
from tests.fidelity.test_random_tables import EXAMPLES, FULL, SLOW
from tests.services.postgres import Postgres


def by_the_log(read: Source) -> dict[str, Any]:
    return {"default_replication_method": "LOG_BASED", "replication_slot_name": read.name}


def wrong_changes(
    server: Postgres, name: str, cases: Sequence[Case], made: str, directory: Path
) -> list[tuple[str, str | None, str | None]]:
    types = {column: case.declared for column, case in named(cases).items()}
    with source(server, name) as read:
        with read.connect() as connection:
            make_table(connection, cases, made)
        state = load(read, directory / "empty", "lines", **by_the_log(read)).state
        with read.connect() as connection:
            fill_table(connection, cases)
        changes = load(read, directory, "lines", state, **by_the_log(read)).table(TABLE)
        with read.connect() as connection:
            wrong = differences(connection, TABLE, changes, types, policies(cases))
    return [(types[column], old, new) for _, column, old, new in wrong]


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
