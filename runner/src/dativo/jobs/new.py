"""A new job file in its place, for `dativo new`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.connectors.programs import resolve
from dativo.connectors.settings import settings_of
from dativo.errors import ConnectorError, RunnerError
from dativo.home import make_private
from dativo.jobs.format import NAME, TENANT
from dativo.jobs.globs import SUFFIXES, near
from dativo.jobs.scaffold import Part, Scaffold, scaffold
from dativo.jobs.schema import SCHEMA_FILE

if TYPE_CHECKING:
    from dativo.connectors.entry import Kind
    from dativo.connectors.registry import Registry
    from dativo.jobs.project import Project


@dataclass(frozen=True, slots=True)
class NewJob:
    file: Path
    scaffold: Scaffold


def new_job(
    job: str, tap: str, target: str, tenant: str | None, registry: Registry, project: Project
) -> NewJob:
    """Writes a job file; never over another.

    Raises:
        RunnerError: the name cannot be one, or the file exists.
        ConnectorError: a connector is not known or not installed.
    """
    file = _file(job, tenant, project)
    name = file.stem
    for text, pattern, what in ((name, NAME, "job"), (tenant, TENANT, "tenant")):
        if text is not None and not re.fullmatch(pattern, text):
            raise RunnerError(f"{text!r} cannot be the name of a {what}: it must match {pattern}")
    source = _part(tap, "tap", registry, project)
    sink = _part(target, "target", registry, project)
    made = scaffold(name, tenant, source, sink, _schema_for(file, project))
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(made.text)
    except FileExistsError as error:
        raise RunnerError(f"{file} exists: choose another name, or remove it") from error
    return NewJob(file, made)


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


def _schema_for(file: Path, project: Project) -> str:
    """Puts the schema into the project, where editors of this job file find it."""
    shipped = Path(__file__).with_name(SCHEMA_FILE)
    copy = make_private(project.home.root / "schemas") / SCHEMA_FILE
    copy.write_bytes(shipped.read_bytes())
    return os.path.relpath(copy, file.absolute().parent)
