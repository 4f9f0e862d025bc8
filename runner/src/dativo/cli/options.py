"""Options and arguments that several commands share, and what they become."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.connectors.registry import Registry
    from dativo.jobs.project import Project
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.console import Console

Function = TypeVar("Function", bound="Callable[..., Any]")

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


def _suffix(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    import re

    from dativo.jobs.names import NAME, must

    if value and not re.fullmatch(NAME, value):
        raise click.BadParameter(f"it must {must(NAME)}")
    return value or None


def suffix_option(*names: str, help_text: str) -> Callable[[Function], Function]:
    """An option for the suffix of a state, which becomes part of a file's name."""
    return click.option(*names, "suffix", metavar="S", callback=_suffix, help=help_text)


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


def registries_of(registry_file: Path | None) -> Callable[[Project], Registry]:
    """The registry of each project that jobs lie in, wherever the command is given; each is read once."""
    known: dict[Path, Registry] = {}

    def registry(project: Project) -> Registry:
        if project.root not in known:
            known[project.root] = registry_of(registry_file, project)
        return known[project.root]

    return registry


def ready_job(job_file: Path, registry_file: Path | None, project_file: Path | None = None) -> ReadyJob:
    """The job of a file; raises ProblemsError for what is wrong with it, or cannot be done."""
    from dativo.jobs.ready import load_job

    project = project_of(project_file, job_file)
    return load_job(job_file, registry_of(registry_file, project), os.environ, project=project)


def console_of(ready: ReadyJob) -> Console:
    from dativo.observe.console import Console
    from dativo.secrets.redact import everywhere

    return Console(sys.stderr, (ready.tap.name, ready.target.name), everywhere())
