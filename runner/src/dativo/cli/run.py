"""`dativo run`."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dativo.cli.options import (
    console_of,
    jobs_argument,
    project_of,
    project_option,
    registries_of,
    registry_option,
    suffix_option,
    tag_option,
    tenant_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo.jobs.ready import ReadyJob
    from dativo.run.options import RunOptions

_OF_EACH_JOB = {
    "select": "--select",
    "full_refresh": "--full-refresh",
    "dry_run": "--dry-run",
    "limit": "--limit",
    "suffix": "--state-id-suffix",
    "wait": "--wait",
    "no_retry": "--no-retry",
    "grace_seconds": "--grace-seconds",
}
"""Parameters that are handed on to the run of each of several jobs."""


def _duration(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float:
    from dativo.jobs.quantities import Duration

    try:
        return Duration.parse(text) if text else 0.0
    except ValueError as error:
        raise click.BadParameter(f"it must be {error}") from error


@click.command(name="run")
@jobs_argument
@tag_option
@tenant_option
@registry_option
@project_option
@click.option(
    "--parallel",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Jobs at once; how many streams each loads at once it says itself.",
)
@click.option("--select", multiple=True, help="Streams and properties, in place of the job's `select`.")
@click.option("--full-refresh", is_flag=True, help="Load everything anew, without the state.")
@click.option("--dry-run", is_flag=True, help="Load nothing; print what each stream is made of, as JSON.")
@click.option("--limit", type=click.IntRange(min=1), help="Records of each stream; no state is kept.")
@suffix_option("--state-id-suffix", help_text="Use a state of its own, kept beside the job's.")
@click.option("--wait", callback=_duration, help="How long to wait for another run of the job, such as 10m.")
@click.option("--no-retry", is_flag=True, help="Fail at the first failure, whatever the job's `retries` say.")
@click.option(
    "--grace-seconds",
    type=click.FloatRange(min=0),
    help="How long a connector that is told to stop may take before it is killed (`timeouts.grace`).",
)
def run_command(
    jobs: tuple[str, ...],
    tags: tuple[str, ...],
    tenant: str | None,
    registry_file: Path | None,
    project_file: Path | None,
    parallel: int,
    **options: Any,
) -> int:
    """Load what jobs describe, each from where its last run stopped.

    JOB is a file, a directory, a pattern or the name of a job of the project; without one, every job of the
    project is run.
    """
    ready = _ready(jobs, tags, tenant, registry_file, project_file, options)
    if len(ready) == 1:
        _run_one(ready[0], options)
        return 0
    handed_on = [*_as_words(options), *_files(registry_file, project_file)]
    return _run_all(ready, parallel, handed_on)


def _ready(
    jobs: tuple[str, ...],
    tags: tuple[str, ...],
    tenant: str | None,
    registry_file: Path | None,
    project_file: Path | None,
    options: dict[str, Any],
) -> tuple[ReadyJob, ...]:
    """The jobs that are meant; raises ProblemsError with everything that is wrong with any of them."""
    from dativo.jobs.effective import Overrides
    from dativo.jobs.globs import job_files, only
    from dativo.jobs.ready import load_jobs

    project = project_of(project_file)
    files = only(job_files(jobs, project), tags, tenant, os.environ)
    overrides = Overrides(select=options["select"], suffix=options["suffix"])
    shared = project if project_file else None
    return load_jobs(files, registries_of(registry_file), os.environ, project=shared, overrides=overrides)


def _run_one(ready: ReadyJob, options: dict[str, Any]) -> None:
    from dativo.observe.report import result_lines
    from dativo.run.run_job import run_job

    ready = _changed(ready, options)
    result = run_job(ready, console_of(ready), _run_options(options))
    if result.described is not None:
        click.echo(json.dumps(json.loads(result.described), indent=2, ensure_ascii=False))
        return
    for line in result_lines(ready.job.full_name, result):
        _tell(line)


def _tell(text: str) -> None:
    """Says what came of a run that is over; that nobody can be told does not make it fail."""
    from dativo.observe.console import point_at_nothing

    try:
        click.echo(text)
    except OSError:
        point_at_nothing(sys.stdout)


def _run_options(options: dict[str, Any]) -> RunOptions:
    from dativo.run.options import RunOptions

    names = ("full_refresh", "wait", "limit", "dry_run")
    return RunOptions(**{name: options[name] for name in names})


def _changed(ready: ReadyJob, options: dict[str, Any]) -> ReadyJob:
    """The job with what the command line says over its retries and timeouts."""
    from dativo.deprecated import warn_of
    from dativo.jobs.quantities import Duration

    job = ready.job
    if options["no_retry"]:
        job = dataclasses.replace(job, retries=dataclasses.replace(job.retries, attempts=1))
    if options["grace_seconds"] is not None:
        warn_of("--grace-seconds")
        timeouts = dataclasses.replace(job.timeouts, grace=Duration(options["grace_seconds"]))
        job = dataclasses.replace(job, timeouts=timeouts)
    return dataclasses.replace(ready, job=job)


def _run_all(ready: Sequence[ReadyJob], parallel: int, handed_on: Sequence[str]) -> int:
    """Every job as a run of its own; prints how each went, and what came of all."""
    from dativo.observe.console import Console
    from dativo.observe.text_table import text_table
    from dativo.run.process import Command
    from dativo.run.scheduler import Done, Scheduler, Work, worst

    names = tuple(each.job.full_name for each in ready)
    program = (sys.executable, "-P", "-m", "dativo", "run", *handed_on)
    works = [
        Work(
            each.job.tenant,
            Command(name, (*program, str(each.document.place.file)), Path.cwd(), dict(os.environ)),
        )
        for name, each in zip(names, ready, strict=True)
    ]
    most = {each.job.tenant: each.project.tenant(each.job.tenant).max_parallel for each in ready}

    def tell(done: Done) -> None:
        if done.summary:
            _tell(done.summary.removesuffix("\n"))
        if done.code:
            _tell(done.reason or f"{done.name}: exit code {done.code}")

    done = Scheduler(parallel, most, Console(sys.stderr, names), tell).run(works)
    rows = [("job", "outcome", "seconds")]
    rows += [(each.name, _outcome(each.code), f"{each.seconds:.1f}") for each in done]
    for line in text_table(rows):
        _tell(line)
    return worst([each.code for each in done])


def _outcome(code: int) -> str:
    return {0: "succeeded", 75: "failed, may pass later"}.get(code, "stopped" if code > 128 else "failed")


def _as_words(options: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, flag in _OF_EACH_JOB.items():
        value = options[name]
        if value is True:
            words.append(flag)
        elif isinstance(value, tuple):
            words += [word for each in value for word in (flag, each)]
        elif value:
            words += [flag, f"{value:g}s" if name == "wait" else str(value)]
    return words


def _files(registry_file: Path | None, project_file: Path | None) -> list[str]:
    registry = ["--registry", str(registry_file)] if registry_file else []
    return registry + (["--project", str(project_file)] if project_file else [])
