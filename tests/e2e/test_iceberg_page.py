"""docs/iceberg.md from top to end: what it says to type is typed, and the answer has to be the one shown."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.paths import BIN, ROOT
from tests.readers.duck import duckdb_with

PAGE = ROOT / "docs/iceberg.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLING = "INSTALL iceberg;\nLOAD iceberg;\n"
TIMEOUT_SECONDS = 120


def steps() -> list[tuple[str, str, str | None]]:
    """Every block to run, in order: its language, its text, and the answer below it, if one is shown."""
    blocks = BLOCK.findall(PAGE.read_text())
    following = [*blocks[1:], ("end", "")]
    return [
        (language, text, after[1] if after[0] == "" else None)
        for (language, text), after in zip(blocks, following, strict=True)
        if language
    ]


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB in the reader's directory; its extension comes from a wheel instead of the network."""
    monkeypatch.chdir(tmp_path)
    with duckdb_with("avro", "iceberg") as opened:
        yield opened


def test_the_page_is_true(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    languages = []
    for language, text, answer in steps():
        languages.append(language)
        said = ask(connection, text) if language == "sql" else run(tmp_path, language, text)
        if answer is not None:
            assert said.strip() == answer.strip(), text
    assert languages == ["sh", "sql", "sh", "sql", "sql", "python", "sh"]


def test_the_page_loads_twice_with_the_same_configuration() -> None:
    """The second load is the point of an upsert: nothing but the file has changed."""
    pipes = re.findall(r"^tap-csv .*$", PAGE.read_text(), re.MULTILINE)
    assert len(pipes) == 2
    assert pipes[0] == pipes[1]


def run(directory: Path, language: str, text: str) -> str:
    """What a block of shell or Python prints on standard output."""
    commands = {"sh": ("bash", "-euo", "pipefail", "-c", text), "python": (sys.executable, "-c", text)}
    done = subprocess.run(
        commands[language],
        cwd=directory,
        env=os.environ | {"PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout


def ask(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The table that DuckDB draws for the last statement."""
    drawn = connection.sql(text.replace(INSTALLING, ""))
    return str(drawn)
