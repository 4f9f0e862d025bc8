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
job_argument = click.argument("job_file", metavar="JOB.yaml", type=click.Path(path_type=Path, dir_okay=False))


def registry_of(registry_file: Path | None) -> Registry:
    """The registry that ships with dativo; before it the project's, and before that the one given."""
    from dativo.connectors.registry import built_in_registry, load_registry

    given = [registry_file] if registry_file else []
    return load_registry([built_in_registry(), *project_here().registries, *given])


def project_here() -> Project:
    """The project of the directory in which the command is given."""
    from dativo.jobs.project import find_project

    return find_project(Path.cwd(), os.environ)


def ready_job(job_file: Path, registry_file: Path | None) -> ReadyJob:
    from dativo.jobs.ready import load_job

    return load_job(job_file, registry_of(registry_file), os.environ)


def console_of(ready: ReadyJob) -> Console:
    from dativo.observe.console import Console

    return Console(sys.stderr, (ready.tap.name, ready.target.name))
