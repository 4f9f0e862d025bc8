"""Options and arguments that several commands share, and what they become."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dativo.connectors.registry import Registry
    from dativo.jobs.project import Project
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.console import Console

registry_option = click.option(
    "--registry",
    "registry_file",
    envvar="DATIVO_REGISTRY",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A registry file of your own; its connectors come before those that ship with dativo.",
)
project_option = click.option(
    "--project",
    "project_file",
    envvar="DATIVO_PROJECT",
    type=click.Path(path_type=Path),
    help="Project file (or its directory), in place of the dativo.yaml found upwards.",
)
job_argument = click.argument("job_file", metavar="JOB.yaml", type=click.Path(path_type=Path, dir_okay=False))
jobs_argument = click.argument("jobs", metavar="[JOB]...", nargs=-1)
tag_option = click.option("--tag", "tags", multiple=True, help="Only jobs with this tag.")
tenant_option = click.option("--tenant", help="Only jobs of this tenant.")


def project_of(project_file: Path | None, start: Path | None = None) -> Project:
    """The project chosen, or the one that `start` (the working directory) lies in."""
    from dativo.jobs.project import find_project

    return find_project(start or Path.cwd(), os.environ, chosen=project_file)


def project_here() -> Project:
    """The project of the directory in which the command is given."""
    return project_of(None)


def registry_of(registry_file: Path | None, project: Project | None = None) -> Registry:
    """The registry that ships with dativo, the project's before it, and the user's before both."""
    from dativo.connectors.registry import built_in_registry, load_registry

    given = [registry_file] if registry_file else []
    return load_registry([built_in_registry(), *(project or project_here()).registries, *given])


def ready_job(job_file: Path, registry_file: Path | None, project_file: Path | None = None) -> ReadyJob:
    """The job of a file; raises ProblemsError for what is wrong with it, or cannot be done."""
    from dativo.jobs.ready import load_job

    project = project_of(project_file, job_file)
    return load_job(job_file, registry_of(registry_file, project), os.environ, project=project)


def console_of(ready: ReadyJob) -> Console:
    from dativo.observe.console import Console

    return Console(sys.stderr, (ready.tap.name, ready.target.name))
