"""`dativo run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dativo.cli.options import console_of, job_argument, project_option, ready_job, registry_option

if TYPE_CHECKING:
    from pathlib import Path

GRACE_SECONDS = 30.0


@click.command(name="run")
@job_argument
@registry_option
@project_option
@click.option(
    "--grace-seconds",
    type=click.FloatRange(min=0),
    default=GRACE_SECONDS,
    show_default=True,
    help="How long a connector that is told to stop may take before it is killed.",
)
def run_command(
    job_file: Path, registry_file: Path | None, project_file: Path | None, grace_seconds: float
) -> None:
    """Load what a job describes, from where its last run stopped."""
    from dativo.observe.report import result_lines
    from dativo.run.run_job import run_job

    ready = ready_job(job_file, registry_file, project_file)
    result = run_job(ready, console_of(ready), grace_seconds=grace_seconds)
    for line in result_lines(ready.job.full_name, result):
        click.echo(line)
