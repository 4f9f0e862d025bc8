"""`dativo validate`: everything that is wrong with job files, without moving a record or reading a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo.connectors.settings import known_settings, settings_of
from dativo.errors import ConnectorError, Problem, ProblemsError, SecretError
from dativo.jobs.ready import in_order, load_job, problems_between
from dativo.jobs.secret_text import SecretText
from dativo.jobs.settings import settings_problems, unknown_settings
from dativo.records import dataclass
from dativo.secrets.resolver import open_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dativo.connectors.programs import Program
    from dativo.jobs.limits import Sandbox
    from dativo.jobs.project import Project
    from dativo.jobs.ready import ReadyJob, Registries
    from dativo.jobs.settings import Side


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found in a number of job files.

    Attributes:
        problems: what keeps a job from running, in the order of the files.
        warnings: what is probably not meant.
    """

    jobs: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def summary(self) -> str:
        """`12 jobs, 3 problems`."""
        jobs, problems = self.jobs, len(self.problems)
        found = f"{problems or 'no'} problem{'' if problems == 1 else 's'}"
        return f"{jobs} job{'' if jobs == 1 else 's'}, {found}"

    def document(self) -> dict[str, Any]:
        """The same as JSON-like data."""
        return {
            "jobs": self.jobs,
            "problems": [_document(problem) for problem in self.problems],
            "warnings": [_document(problem) for problem in self.warnings],
        }


def _document(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {
        "file": str(place.file),
        "line": place.line,
        "column": place.column,
        "message": problem.message,
    }


def validate(
    files: Sequence[Path],
    registry: Registries,
    environ: Mapping[str, str],
    project: Project | None = None,
    *,
    secrets: bool = False,
) -> Validation:
    """Reads every file, and holds every job against the settings that its connectors declare.

    Args:
        files: job files.
        registry: where connectors are looked up, or what gives it for the project of a file.
        environ: where `${VAR}` and secrets of the environment come from.
        project: in the place of the one that each file lies in.
        secrets: whether secrets are fetched, to see that they are there.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    ready: list[ReadyJob] = []
    for file in files:
        try:
            job = load_job(file, registry, environ, project=project)
        except ProblemsError as error:
            problems.extend(error.problems)
            continue
        ready.append(job)
        problems.extend(_missing_secrets(job, environ) if secrets else ())
        warnings.extend(Problem(job.document.place, warning) for warning in job.warnings)
        for side, program, sandbox in _sides(job):
            found, doubtful = _settings(job, side, program, sandbox)
            problems.extend(found)
            warnings.extend(doubtful)
    problems.extend(problems_between(ready))
    unique = list(dict.fromkeys(problems))
    return Validation(len(files), tuple(in_order(unique)), tuple(in_order(warnings)))


def _sides(job: ReadyJob) -> Iterator[tuple[Side, Program, Sandbox]]:
    yield "source", job.tap, job.job.source.sandbox
    for index, (mapper, said) in enumerate(zip(job.mappers, job.job.mappers, strict=True)):
        yield ("mappers", index), mapper, said.sandbox
    yield "target", job.target, job.job.target.sandbox


def _missing_secrets(job: ReadyJob, environ: Mapping[str, str]) -> list[Problem]:
    """References that no backend answers, each where it stands."""
    found = open_secrets(job.project, job.job.tenant, environ)
    problems = []
    for scalar in job.document.scalars():
        for ref in scalar.value.refs if isinstance(scalar.value, SecretText) else ():
            try:
                found.value(ref)
            except SecretError as error:
                problems.append(Problem(scalar.place, str(error)))
    return problems


def _settings(
    job: ReadyJob, side: Side, program: Program, sandbox: Sandbox
) -> tuple[list[Problem], list[Problem]]:
    connector = program.connector
    if connector.settings is None and not connector.can("about"):
        return [], []
    path = [side] if isinstance(side, str) else list(side)
    place = job.document.place_of([*path, "connector"])
    ask = settings_of if sandbox == "none" else known_settings
    try:
        schema = ask(program, job.project.home)
    except ConnectorError as error:
        return [Problem(place, str(error))], []
    if schema is None:
        unknown = f"the settings of {program.name} are not checked: it is asked for them in its sandbox only"
        return [], [] if sandbox == "none" else [Problem(place, unknown)]
    return settings_problems(schema, job.document, side), unknown_settings(schema, job.document, side)
