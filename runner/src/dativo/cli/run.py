"""`dativo run`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from dativo.cli.options import console_of, job_argument, project_option, ready_job, registry_option

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.jobs.format import Job


@click.command(name="run")
@job_argument
@registry_option
@click.option("--no-retry", is_flag=True, help="Fail at the first failure, whatever the job's `retries` say.")
@project_option
@click.option(
    "--grace-seconds",
    type=click.FloatRange(min=0),
    help="How long a connector that is told to stop may take before it is killed (`timeouts.grace`).",
)
def run_command(
    job_file: Path,
    registry_file: Path | None,
    project_file: Path | None,
    *,
    no_retry: bool,
    grace_seconds: float | None,
) -> None:
    """Load what a job describes, from where its last run stopped."""
    from dativo.observe.report import result_lines
    from dativo.run.run_job import run_job

    ready = ready_job(job_file, registry_file, project_file)
    ready = dataclasses.replace(ready, job=_changed(ready.job, no_retry, grace_seconds))
    result = run_job(ready, console_of(ready))
    for line in result_lines(ready.job.full_name, result):
        click.echo(line)


def _changed(job: Job, no_retry: bool, grace_seconds: float | None) -> Job:  # noqa: FBT001  (an option)
    """The job with what the command line says of this run alone."""
    from dativo.jobs.quantities import Duration

    if no_retry:
        job = dataclasses.replace(job, retries=dataclasses.replace(job.retries, attempts=1))
    if grace_seconds is not None:
        timeouts = dataclasses.replace(job.timeouts, grace=Duration(grace_seconds))
        job = dataclasses.replace(job, timeouts=timeouts)
    return job
