"""A new job file in its place, for `dativo new`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.connectors.programs import resolve
from dativo.connectors.settings import settings_of
from dativo.errors import ConnectorError, RunnerError
from dativo.jobs.editors import put_schema
from dativo.jobs.globs import SUFFIXES, near
from dativo.jobs.names import NAME, TENANT, must
from dativo.jobs.project import PROJECT_FILE
from dativo.jobs.scaffold import Part, Scaffold, scaffold
from dativo.jobs.schema import PROJECT_SCHEMA_FILE, SCHEMA_FILE
from dativo.records import dataclass

if TYPE_CHECKING:
    from dativo.connectors.entry import Kind
    from dativo.connectors.registry import Registry
    from dativo.jobs.project import Project


_PROJECT = """\
# yaml-language-server: $schema={schema}
# What every job below this directory shares: connectors, states, secrets. See docs/project.md.
version: 1
"""


@dataclass(frozen=True, slots=True)
class NewJob:
    """What was written.

    Attributes:
        project_file: the project's, if there was none yet.
    """

    file: Path
    scaffold: Scaffold
    project_file: Path | None = None


def new_job(
    job: str, tap: str, target: str, tenant: str | None, registry: Registry, project: Project
) -> NewJob:
    """Writes a job file, never over another, and a project file where one is needed and missing.

    Without one a job below the working directory is a project of its own, and what is installed here is not
    installed there.

    Raises:
        RunnerError: the name cannot be one, or the file exists.
        ConnectorError: a connector is not known or not installed.
    """
    file = _file(job, tenant, project)
    name = file.stem if Path(job).suffix in SUFFIXES else job
    for text, pattern, what in ((name, NAME, "job"), (tenant, TENANT, "tenant")):
        if text is not None and not re.fullmatch(pattern, text):
            raise RunnerError(f"{text!r} cannot be the name of a {what}: it must {must(pattern)}")
    source = _part(tap, "tap", registry, project)
    sink = _part(target, "target", registry, project)
    made = scaffold(name, tenant, source, sink, _schema_for(file, project, SCHEMA_FILE))
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(made.text)
    except FileExistsError as error:
        raise RunnerError(f"{file} exists: choose another name, or remove it") from error
    return NewJob(file, made, _begin(project, file))


def _begin(project: Project, file: Path) -> Path | None:
    root = project.root
    if project.file is not None or root not in file.absolute().parent.parents:
        return None
    made = near(root / PROJECT_FILE)
    made.write_text(_PROJECT.format(schema=_schema_for(made, project, PROJECT_SCHEMA_FILE)), encoding="utf-8")
    return made


def _file(job: str, tenant: str | None, project: Project) -> Path:
    if Path(job).suffix in SUFFIXES:
        return Path(job)
    directory = project.root / "jobs" / tenant if tenant else project.root / "jobs"
    return near(directory / f"{job}.yaml")


def _part(spec: str, kind: Kind, registry: Registry, project: Project) -> Part:
    try:
        program = resolve(spec, kind, registry, project.home, project.root / "connectors.lock")
    except LookupError as error:
        raise ConnectorError(str(error)) from error
    return Part(spec, program, settings_of(program, project.home))


def _schema_for(file: Path, project: Project, schema: str) -> str:
    return put_schema(Path(__file__).with_name(schema), project.home, file)
