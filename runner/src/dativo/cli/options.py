"""Options and arguments that several commands share, and what they become."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dativo.connectors.registry import Registry
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

    own = project_directory() / "connectors.yaml"
    files = [built_in_registry(), own if own.is_file() else None, registry_file]
    return load_registry([file for file in files if file is not None])


def project_directory() -> Path:
    """The nearest directory from here upwards with a `dativo.yaml`, else this one."""
    here = Path.cwd()
    return next((each for each in (here, *here.parents) if (each / "dativo.yaml").is_file()), here)


def ready_job(job_file: Path, registry_file: Path | None) -> ReadyJob:
    from dativo.jobs.ready import load_job

    return load_job(job_file, registry_of(registry_file), os.environ)


def console_of(ready: ReadyJob) -> Console:
    from dativo.observe.console import Console

    return Console(sys.stderr, (ready.tap.name, ready.target.name))
