"""What the benchmark is made of: cases, their groups, the files that they read and write."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import Command
from tests.bench.streams import STREAMS
from tests.paths import CACHE, ROOT

WORK = CACHE / "bench"


@dataclass(frozen=True)
class Share:
    """A run on fewer records."""

    pipeline: tuple[Command, ...]
    records: int


@dataclass(frozen=True)
class Case:
    """A pipeline over an input of so many records and bytes; none for a command that reads nothing.

    `output` is emptied before each run; what a run leaves there must hold all the records. `spool` is emptied
    too: what the processes of the pipeline leave to each other there. A tool that takes minutes for so many
    records has two `shares` in place of the pipeline, and what all of them take is worked out.
    """

    name: str
    pipeline: tuple[Command, ...]
    records: int
    input_bytes: int
    stdin: Path | None = None
    output: Path | None = None
    spool: Path | None = None
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True)
class Group:
    """Cases measured in turn; the ratios are against the one named `baseline`, if one is named.

    Those of a second column are against `second_baseline`.
    """

    name: str
    title: str
    baseline: str | None
    cases: tuple[Case, ...]
    second_baseline: str | None = None

    @property
    def baselines(self) -> list[str]:
        return [name for name in (self.baseline, self.second_baseline) if name is not None]


@dataclass(frozen=True)
class Scale:
    """How large a run is: the full count of records divided by this."""

    divisor: int

    def records(self, stream: str) -> int:
        return STREAMS[stream].records // self.divisor


def dataset(stream: str, form: str, records: int) -> Path:
    """The input file, made by another process: what this one holds would count as its children's memory."""
    command = (sys.executable, "-m", "tests.bench.generate", stream, form, str(records))
    made = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return Path(made.stdout.strip())


def empty(output: Path) -> None:
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)


def config_file(name: str, settings: dict[str, object], suffix: str = ".json") -> str:
    """JSON, which YAML is too."""
    path = (WORK / "config").joinpath(f"{name}{suffix}").resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings))
    return str(path)
