"""What the tests of tap-csv share: files in a directory, and the executable run on them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.config import load_settings
from dativo_protocol.testing import Outcome, Running, run, start
from tap_csv.definitions import Definition, resolve
from tap_csv.settings import TapCsvSettings

if TYPE_CHECKING:
    from collections.abc import Callable

EXECUTABLE = Path(sys.executable).parent / "tap-csv"
DATA = Path(__file__).parent / "data"


@dataclass
class Workbench:
    """A directory with files and a configuration of one stream, `rows`, of `rows.csv`."""

    directory: Path
    settings: dict[str, Any] = field(default_factory=dict)
    stream: dict[str, Any] = field(default_factory=lambda: {"entity": "rows", "path": "rows.csv"})

    def write(self, content: str | bytes, name: str = "rows.csv") -> Path:
        """Write a file; text becomes UTF-8 with its line ends as they are."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def config(self, **raw: Any) -> dict[str, Any]:
        """Make the configuration: `raw` are settings of the stream."""
        return {"files": [self.stream | raw], **self.settings}

    def command(self, *arguments: str, catalog: Any = None, state: Any = None, **raw: Any) -> list[str]:
        """Make a command line; catalog and state are JSON and become files."""
        given = {"--config": self.config(**raw), "--catalog": catalog, "--state": state}
        command = [str(EXECUTABLE), *arguments]
        for option, document in given.items():
            if document is not None:
                self.write(json.dumps(document), f"{option.strip('-')}.json")
                command += [option, f"{option.strip('-')}.json"]
        return command

    def run(self, *arguments: str, env: dict[str, str] | None = None, **given: Any) -> Outcome:
        """Run the executable to its end."""
        return run(self.command(*arguments, **given), cwd=self.directory, env=env, timeout=120)

    def start(self, **given: Any) -> Running:
        """Start the executable."""
        return start(self.command(**given), cwd=self.directory)

    def records(self, **given: Any) -> list[dict[str, Any]]:
        """Run successfully and return the records."""
        outcome = self.run(**given)
        assert outcome.code == 0, outcome.stderr
        return [message["record"] for message in outcome.messages("RECORD")]

    def properties(self, **given: Any) -> dict[str, Any]:
        """Run successfully and return the properties of the SCHEMA."""
        outcome = self.run(**given)
        assert outcome.code == 0, outcome.stderr
        return outcome.messages("SCHEMA")[0]["schema"]["properties"]

    def failure(self, **given: Any) -> str:
        """Run in vain and return what the CRITICAL line says; no STATE but the given one may be written."""
        outcome = self.run(**given)
        assert outcome.code == 1, outcome.stderr
        assert all(message["value"] == given.get("state") for message in outcome.messages("STATE"))
        (line,) = [line for line in outcome.stderr.splitlines() if "| CRITICAL |" in line]
        return line.split(" | ", 3)[3]

    def catalog(self, **given: Any) -> dict[str, Any]:
        """Discover successfully."""
        outcome = self.run("--discover", **given)
        assert outcome.code == 0, outcome.stderr
        return json.loads(outcome.stdout)


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


@pytest.fixture
def define(tmp_path: Path) -> Callable[..., Definition]:
    """Makes the resolved definition of a stream of this test's `rows.csv`."""

    def make(**raw: Any) -> Definition:
        file = {"entity": "rows", "path": str(tmp_path / "rows.csv"), **raw}
        return resolve(load_settings(TapCsvSettings, {"files": [file]}))[0]

    return make


@pytest.fixture(scope="session")
def data() -> Path:
    """Directory of the files that come with the tests."""
    return DATA
