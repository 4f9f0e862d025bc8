"""Whatever the types and the values, what target-parquet has is what the table has.

A few examples, always the same ones; `DATIVO_FIDELITY=full` takes other ones each time, and a hundred.
"""

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fidelity.pipeline import load, source
from tests.fidelity.random_tables import MADE, RandomTable, tables
from tests.fidelity.returning import differences
from tests.services.postgres import Postgres

FULL = os.environ.get("DATIVO_FIDELITY") == "full"
EXAMPLES = 100 if FULL else 2
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


@settings(max_examples=EXAMPLES, deadline=None, derandomize=not FULL, suppress_health_check=SLOW)
@given(made=st.lists(tables(), min_size=1 if FULL else 12, max_size=12))
def test_what_is_loaded_is_what_is_there(sixteen: Postgres, made: list[RandomTable]) -> None:
    if not any(table.rows for table in made):  # as in the first example
        return
    with source(sixteen, "fidelity_random") as read, tempfile.TemporaryDirectory() as directory:
        with read.connect() as connection:
            connection.execute(MADE)
            for number, table in enumerate(made):
                table.make(connection, f"t{number}")
                table.fill(connection, f"t{number}")
        for way in ("lines", "arrow"):
            loaded = load(read, Path(directory), way)
            with read.connect() as connection:
                for number, table in enumerate(made):
                    if table.rows:
                        returned = loaded.table(f"t{number}")
                        wrong = differences(connection, f"t{number}", returned, table.columns)
                        assert wrong == [], (way, table.types)
