"""Job files as jobs that can run: read, checked, their connectors found. All problems are told at once."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from dativo.connectors.policy import check_policy, must_be_shut_in, rules_of
from dativo.connectors.programs import Program, resolve
from dativo.errors import Place, PolicyError, Problem, ProblemsError
from dativo.jobs.effective import Overrides, Side, effective
from dativo.jobs.granted import ungranted
from dativo.jobs.limits import Parallel
from dativo.jobs.located import Located, load_yaml
from dativo.jobs.project import Project, find_project
from dativo.jobs.references import Variables
from dativo.jobs.resolving import resolved_in, secrets_of
from dativo.jobs.schedule import schedule_problems
from dativo.jobs.tenant_names import tenant_problems
from dativo.records import dataclass
from dativo.state.store import StateKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dativo.connectors.entry import Kind
    from dativo.connectors.registry import Registry
    from dativo.jobs.format import Job
    from dativo.jobs.secret_text import SecretRef, SecretText

    Registries = Registry | Callable[[Project], Registry]


@dataclass(frozen=True, slots=True)
class ReadyJob:
    """A job whose connectors are installed here.

    Attributes:
        job: what the file says with the project's defaults in it, variables expanded, secrets not.
        document: the file with its line numbers.
        variables: name → value of every environment variable that the file took a value from.
        directory: where relative paths of the job start, and the working directory of its connectors.
        mappers: between tap and target, in the order records pass them.
        suffix: of the state's key (`--state-id-suffix`).
        part: the one stream that this run of it loads, where each has a state of its own.
    """

    job: Job
    document: Located
    variables: Mapping[str, str]
    directory: Path
    tap: Program
    target: Program
    project: Project
    mappers: tuple[Program, ...] = ()
    suffix: str | None = None
    warnings: tuple[str, ...] = field(default=())
    part: str | None = None

    @property
    def chain(self) -> tuple[Program, ...]:
        """Every connector, in the order records pass them."""
        return (self.tap, *self.mappers, self.target)

    @property
    def key(self) -> StateKey:
        return StateKey(self.job.tenant, self.job.name, self.suffix, self.part)

    @property
    def secret_refs(self) -> tuple[SecretRef, ...]:
        """Every secret that the job asks for, each once, sorted by name."""
        return secrets_of(self.job)

    def resolved(self, resolve: Callable[[SecretText], Any]) -> ReadyJob:
        """The same with every secret in its place."""
        return replace(self, job=resolved_in(self.job, resolve))


def load_job(
    path: Path,
    registry: Registries,
    environ: Mapping[str, str],
    *,
    project: Project | None = None,
    overrides: Overrides | None = None,
) -> ReadyJob:
    """Reads a job file and finds its connectors.

    Args:
        path: the job file.
        registry: where connectors are looked up, or what gives it for the project of the file.
        environ: where `${VAR}` come from.
        project: whose defaults hold; left out, the one that the file lies in.
        overrides: what the command line says.

    Raises:
        ProblemsError: with every problem of the file that can be known without starting a connector.
    """
    project = project or find_project(path, environ)
    registry = registry(project) if callable(registry) else registry
    overrides = overrides or Overrides()
    variables = Variables(environ)
    problems: list[Problem] = []
    document = load_yaml(path, problems, variables)
    job = effective(document, project, overrides, problems)
    finder = _Finder(document, registry, project, problems)
    tap, target = finder.side("source", "tap"), finder.side("target", "target")
    mappers = finder.mappers()
    if job and tap:
        _check_selectable(job, tap, document, problems)
        job = _in_parts_if_it_can(job, tap, document, finder)
    if job:
        problems.extend(schedule_problems(job, document))
        problems.extend(ungranted(job, project.tenant(job.tenant), document, variables.used))
    if problems or job is None or tap is None or target is None:
        raise ProblemsError(in_order(problems))
    directory = path.absolute().parent
    used = variables.used
    return ReadyJob(
        _shut_in(job, (tap, *mappers, target), project),
        document,
        used,
        directory,
        tap,
        target,
        project,
        mappers,
        overrides.suffix,
        tuple(finder.warnings),
    )


def load_jobs(
    paths: Sequence[Path],
    registry: Registries,
    environ: Mapping[str, str],
    *,
    project: Project | None = None,
    overrides: Overrides | None = None,
) -> tuple[ReadyJob, ...]:
    """Reads job files; raises ProblemsError with every problem of all of them, names used twice included."""
    ready: list[ReadyJob] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            ready.append(load_job(path, registry, environ, project=project, overrides=overrides))
        except ProblemsError as error:
            problems.extend(error.problems)
    problems.extend(problems_between(ready))
    if problems:
        raise ProblemsError(list(dict.fromkeys(problems)))
    return tuple(ready)


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda each: (str(each.place.file), each.place.line, each.place.column))


def problems_between(jobs: Sequence[ReadyJob]) -> list[Problem]:
    """What keeps jobs from standing side by side, each of which could run alone."""
    return [*name_problems(jobs), *tenant_problems(jobs)]


def name_problems(jobs: Sequence[ReadyJob]) -> list[Problem]:
    """Two jobs of one name would share a state."""
    first: dict[tuple[Path, StateKey], Place] = {}
    problems = []
    for each in jobs:
        place = each.document.place_of(["name"])
        before = first.setdefault((each.project.root, each.key), place)
        if before is not place:
            problems.append(Problem(place, f"the name {each.job.full_name} is already used at {before}"))
    return problems


class _Finder:
    """Finds the programs that a file names; what it does not name, the reader has reported."""

    def __init__(
        self, document: Located, registry: Registry, project: Project, problems: list[Problem]
    ) -> None:
        self.warnings: list[str] = []
        self._document = document
        self._registry = registry
        self._project = project
        self.problems = problems

    def side(self, side: str, kind: Kind) -> Program | None:
        return self._find([side], self._document, kind)

    def mappers(self) -> tuple[Program, ...]:
        listed = _child(self._document, "mappers")
        if listed is None or not isinstance(listed.value, list):
            return ()
        found = [
            self._find(["mappers", index], self._document, "mapper") for index in range(len(listed.value))
        ]
        return tuple(program for program in found if program is not None)

    def _find(self, path: list[str | int], document: Located, kind: Kind) -> Program | None:
        here: Located | None = document
        for step in [*path, "connector"]:
            here = _child(here, step) if here is not None else None
        if here is None or not isinstance(here.value, str):
            return None
        try:
            return self._allowed(here.value, kind)
        except (LookupError, PolicyError) as error:
            dotted = ".".join(map(str, path))
            self.problems.append(Problem(here.place, f"{dotted}.connector: {error}"))
            return None

    def _allowed(self, text: str, kind: Kind) -> Program:
        """The program, if the policy of the project lets the tenant use it."""
        project = self._project
        tenant = _child(self._document, "tenant")
        name = tenant.value if tenant is not None and isinstance(tenant.value, str) else None
        program = resolve(text, kind, self._registry, project.home, project.root / "connectors.lock")
        self.warnings += check_policy(program, name, rules_of(project, name))
        return program


def _in_parts_if_it_can(job: Job, tap: Program, document: Located, finder: _Finder) -> Job:
    """The job; what only its project wants of it, and its tap cannot do, is left out with a warning."""
    missing = _missing(job, tap)
    if job.parallel.streams == 1 or not missing:
        return job
    what = f"parallel.streams: {tap.name} cannot do it, it lacks {' and '.join(missing)}"
    if _child(document, "parallel") is not None:
        finder.problems.append(Problem(document.place_of(["parallel", "streams"]), what))
        return job
    finder.warnings.append(f"{what}; its streams are loaded one after the other")
    return replace(job, parallel=Parallel())


def _child(located: Located, step: str | int) -> Located | None:
    inside = dict(enumerate(located.value)) if isinstance(located.value, list) else located.value
    found = inside.get(step) if isinstance(inside, dict) else None
    return found if isinstance(found, Located) else None


def _shut_in(job: Job, chain: Sequence[Program], project: Project) -> Job:
    """The job with a sandbox around every connector that the project's policy wants in one."""
    rules = rules_of(project, job.tenant)

    def held(side: Side, program: Program) -> Side:
        return replace(side, sandbox="strict") if must_be_shut_in(program, rules) else side

    tap, *between, target = chain
    return replace(
        job,
        source=held(job.source, tap),
        mappers=tuple(map(held, job.mappers, between)),
        target=held(job.target, target),
    )


def _check_selectable(job: Job, tap: Program, document: Located, problems: list[Problem]) -> None:
    """What is set in a catalog needs a tap that takes one, and that discovers it unless a file is given."""
    missing = _missing(job, tap)
    for key in ("select", "metadata", "schema", "catalog"):
        if missing and getattr(job.source, key):
            place: Place = document.place_of(["source", key])
            lacks = " and ".join(missing)
            problems.append(Problem(place, f"source.{key}: {tap.name} cannot do it, it lacks {lacks}"))


def _missing(job: Job, tap: Program) -> list[str]:
    """What a tap lacks to be given a catalog."""
    needed = ["catalog"] if job.source.catalog else ["discover", "catalog"]
    return [capability for capability in needed if not tap.connector.can(capability)]
