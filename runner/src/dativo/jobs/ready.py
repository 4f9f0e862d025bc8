"""A job file as a job that can run: read, checked, its connectors found. All problems are told at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.connectors.programs import Program, find_program
from dativo.errors import Place, Problem, ProblemsError
from dativo.jobs.format import Job
from dativo.jobs.located import Located, load_yaml
from dativo.jobs.references import Variables
from dativo.jobs.typed import read_dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.connectors.entry import Kind
    from dativo.connectors.registry import Registry


@dataclass(frozen=True, slots=True)
class ReadyJob:
    """A job whose connectors are installed here.

    Attributes:
        job: what the file says, variables expanded.
        document: the file with its line numbers.
        variables: name → value of every environment variable that the file took a value from.
        directory: where relative paths of the job start, and the working directory of both connectors.
    """

    job: Job
    document: Located
    variables: Mapping[str, str]
    directory: Path
    tap: Program
    target: Program

    @property
    def state_path(self) -> Path:
        """Absolute path of the state file."""
        chosen = self.job.state.path
        default = Path(".dativo", "state", f"{self.job.full_name}.json")
        return self.directory / (Path(chosen).expanduser() if chosen else default)


def load_job(path: Path, registry: Registry, environ: Mapping[str, str]) -> ReadyJob:
    """Reads a job file and finds its connectors.

    Raises:
        ProblemsError: with every problem of the file that can be known without starting a connector.
    """
    variables = Variables(environ)
    problems: list[Problem] = []
    document = load_yaml(path, problems, variables)
    job = read_dataclass(Job, document, problems)
    programs = {
        "tap": _find(document, "source", "tap", registry, problems),
        "target": _find(document, "target", "target", registry, problems),
    }
    tap, target = programs["tap"], programs["target"]
    if job and tap:
        _check_selectable(job, tap, document, problems)
    if problems or job is None or tap is None or target is None:
        raise ProblemsError(sorted(problems, key=lambda problem: (problem.place.line, problem.place.column)))
    return ReadyJob(job, document, variables.used, path.absolute().parent, tap, target)


def _find(
    document: Located, side: str, kind: Kind, registry: Registry, problems: list[Problem]
) -> Program | None:
    """The program of one side; nothing if the file does not name one, which the reader has then reported."""
    name = _text_at(document, side, "connector")
    if name is None:
        return None
    try:
        return find_program(registry.look_up(name, kind))
    except LookupError as error:
        place = document.place_of([side, "connector"])
        problems.append(Problem(place, f"{side}.connector: {error}"))
        return None


def _text_at(document: Located, *path: str) -> str | None:
    here = document
    for step in path:
        if not isinstance(here.value, dict) or step not in here.value:
            return None
        here = here.value[step]
    return here.value if isinstance(here.value, str) else None


def _check_selectable(job: Job, tap: Program, document: Located, problems: list[Problem]) -> None:
    """`select` and `metadata` need a tap that discovers and that takes a catalog."""
    missing = [capability for capability in ("discover", "catalog") if not tap.connector.can(capability)]
    for key in ("select", "metadata"):
        if missing and getattr(job.source, key):
            place: Place = document.place_of(["source", key])
            lacks = " and ".join(missing)
            problems.append(Problem(place, f"source.{key}: {tap.name} cannot do it, it lacks {lacks}"))
