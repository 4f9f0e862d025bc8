"""What a job has when the project's and its tenant's defaults, and the command line, have had their say."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

from dativo.errors import Problem
from dativo.jobs.format import Job, Mapper, Source, Target
from dativo.jobs.located import Located
from dativo.jobs.typed import read_dataclass
from dativo.records import dataclass

if TYPE_CHECKING:
    from dativo.jobs.limits import Limits
    from dativo.jobs.project import Project
    from dativo.jobs.project_format import MaxLimits

INHERITED = ("limits", "retries", "timeouts", "sandbox", "parallel", "notifications")
"""Keys of a job that `defaults` can hold."""

Side = TypeVar("Side", Source, Mapper, Target)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says over the job file.

    Attributes:
        select: in the place of `source.select`, if given.
        suffix: of the state's key (`--state-id-suffix`).
    """

    select: tuple[str, ...] = ()
    suffix: str | None = None


def effective(
    document: Located, project: Project, overrides: Overrides, problems: list[Problem]
) -> Job | None:
    """Reads a job with everything that holds for it merged in, mappings key by key.

    Args:
        document: the job file.
        project: whose defaults, tenants and limits hold.
        overrides: what the command line says.
        problems: every departure from the format, and every limit beyond `max_limits`, is added here.

    Returns:
        The job, whose connectors have the whole limits and the sandbox that hold for each; None if a problem
        was found.
    """
    before = len(problems)
    tenant = _tenant_of(document)
    job = read_dataclass(Job, _merged(document, project, tenant), problems)
    if job is None:
        return None
    if overrides.select:
        job = dataclasses.replace(job, source=dataclasses.replace(job.source, select=overrides.select))
    most = project.tenant(tenant).max_limits
    job = _Sides(document, most, problems).completed(job)
    return job if len(problems) == before else None


def _tenant_of(document: Located) -> str | None:
    found = document.value.get("tenant") if isinstance(document.value, dict) else None
    return found.value if found is not None and isinstance(found.value, str) else None


def _merged(document: Located, project: Project, tenant: str | None) -> Located:
    """The job over its tenant's defaults over the project's."""
    if not isinstance(document.value, dict):
        return document
    shared = project.document
    of_tenant = _at(shared, "tenants", tenant or "")
    below = Located({}, document.place)
    for layer in (shared, of_tenant):
        if layer is None:
            continue
        if (state := _at(layer, "state")) is not None:
            below = _over(below, Located({"state": state}, state.place, {"state": state.place}))
        if (defaults := _at(layer, "defaults")) is not None:
            below = _over(below, defaults)
    return _over(below, document)


def _at(located: Located, *path: str) -> Located | None:
    here = located
    for step in path:
        if not isinstance(here.value, dict) or step not in here.value:
            return None
        here = here.value[step]
    return here


def _over(below: Located, above: Located) -> Located:
    """Both merged; where they meet, mappings go on being merged, and anything else of `above` stands."""
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    value = dict(below.value)
    for name, child in above.value.items():
        value[name] = _over(value[name], child) if name in value else child
    return Located(value, above.place, below.key_places | above.key_places)


class _Sides:
    """Gives every connector of a job the limits and the sandbox that hold for it."""

    def __init__(self, document: Located, most: MaxLimits, problems: list[Problem]) -> None:
        self._document = document
        self._most = most
        self._problems = problems

    def completed(self, job: Job) -> Job:
        mappers = tuple(self._side(job, mapper, "mappers", index) for index, mapper in enumerate(job.mappers))
        return dataclasses.replace(
            job,
            source=self._side(job, job.source, "source"),
            mappers=mappers,
            target=self._side(job, job.target, "target"),
            limits=self._capped(job.limits, ["limits"]),
        )

    def _side(self, job: Job, side: Side, *path: str | int) -> Side:
        given = self._given([*path, "limits"])
        own = {name: getattr(side.limits, name) for name in given}
        limits = self._capped(dataclasses.replace(job.limits, **own), [*path, "limits"])
        sandbox = side.sandbox if "sandbox" in self._given([*path]) else job.sandbox
        return dataclasses.replace(side, limits=limits, sandbox=sandbox)

    def _given(self, path: list[str | int]) -> dict[str, Any]:
        """The mapping that the job file itself holds at `path`."""
        here: Any = self._document
        for step in path:
            inside = dict(enumerate(here.value)) if isinstance(here.value, list) else here.value
            if not isinstance(inside, dict) or step not in inside:
                return {}
            here = inside[step]
        return here.value if isinstance(here.value, dict) else {}

    def _capped(self, limits: Limits, path: list[str | int]) -> Limits:
        capped: dict[str, Any] = {}
        given = self._given(path)
        for name in (field.name for field in dataclasses.fields(self._most)):
            most, asked = getattr(self._most, name), getattr(limits, name)
            if most is None or (asked is not None and asked <= most):
                continue
            capped[name] = most
            if name in given:
                place = self._document.place_of([*path, name])
                dotted = ".".join(map(str, [*path, name]))
                message = f"{dotted!r} is more than the {most} that max_limits of the tenant allows"
                self._problems.append(Problem(place, message))
        return dataclasses.replace(limits, **capped)
