"""`dativo runs`: what has run, how it went, and what was said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from dativo.cli.options import project_of, project_option

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.observe.runs import Run

FOLLOW_SECONDS = 0.2

job_argument = click.argument("job", required=False, metavar="[JOB]")
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.group(name="runs")
def runs_command() -> None:
    """Look at runs of jobs: those that are over, and those that go on."""


@runs_command.command(name="list")
@job_argument
@project_option
@click.option(
    "--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many, newest last."
)
@json_option
def list_runs(job: str | None, project_file: Path | None, last: int, *, as_json: bool) -> None:
    """List runs, of one job (NAME or TENANT/NAME) or of all."""
    from dativo.observe.run_lines import list_lines

    found = _runs(job, project_file)[-last:]
    if as_json:
        _print_json([{**run.document, "outcome": run.outcome} for run in found])
        return
    for line in list_lines(found):
        click.echo(line)


@runs_command.command(name="show")
@click.argument("job", metavar="JOB | RUN")
@project_option
@json_option
def show_run(job: str, project_file: Path | None, *, as_json: bool) -> None:
    """Show a run, or the last one of a job."""
    from dativo.observe.run_lines import show_lines

    run = _one(job, 1, project_file)
    if as_json:
        _print_json({**run.document, "outcome": run.outcome})
        return
    for line in show_lines(run):
        click.echo(line)


@runs_command.command(name="logs")
@click.argument("job", metavar="JOB | RUN")
@project_option
@click.option(
    "--last", type=click.IntRange(min=1), default=1, show_default=True, help="The how-manieth from the end."
)
@click.option("--side", metavar="CONNECTOR", help="Only what this connector said; `dativo` for the runner.")
@click.option(
    "--level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False),
    help="Only this level and above.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run is over.")
def show_logs(
    job: str, project_file: Path | None, last: int, side: str | None, level: str | None, *, follow: bool
) -> None:
    """Print what connectors and runner said in a run, in the last one of a job."""
    from dativo.observe.run_lines import is_wanted, log_line
    from dativo.observe.run_log import read_log

    run, shown = _one(job, last, project_file), 0
    while True:
        over = not follow or run.outcome != "running"  # asked before reading, so that the last lines are read
        lines = [line for line in read_log(run.directory) if is_wanted(line, side, level)]
        for line in lines[shown:]:
            click.echo(log_line(line))
        shown = len(lines)
        if over:
            return
        time.sleep(FOLLOW_SECONDS)
        run = _one(run.name, 1, project_file)


@runs_command.command(name="clean")
@job_argument
@project_option
@click.option(
    "--keep", type=click.IntRange(min=0), default=10, show_default=True, help="Newest runs to keep, a job."
)
def clean_runs(job: str | None, project_file: Path | None, keep: int) -> None:
    """Remove old runs; never one that goes on, and never a state."""
    from dativo.observe.runs import keep_newest

    jobs = sorted({(run.tenant or "", run.job) for run in _runs(job, project_file)})
    gone = sum(
        len(keep_newest(project_of(project_file).home, tenant or None, name, keep)) for tenant, name in jobs
    )
    click.echo(f"{gone} run{'' if gone == 1 else 's'} removed")


def _runs(wanted: str | None, project_file: Path | None) -> list[Run]:
    """Runs of a job (NAME or TENANT/NAME), the run of that name, or all; oldest first."""
    from dativo.observe.runs import all_runs

    found = list(all_runs(project_of(project_file).home))
    if wanted is None:
        return found
    exact = [run for run in found if wanted in (run.full_name, run.name)]
    if exact or "/" in wanted:
        return exact
    same = [run for run in found if run.job == wanted]
    names = sorted({run.full_name for run in same})
    if len(names) > 1:
        raise click.ClickException(f"{wanted} is a job of several tenants: name one of {', '.join(names)}")
    return same


def _one(wanted: str, last: int, project_file: Path | None) -> Run:
    found = _runs(wanted, project_file)
    if len(found) < last:
        count = "is 1 run" if len(found) == 1 else f"are {len(found)} runs"
        raise click.ClickException(f"{wanted}: there {count} of it here: dativo runs list")
    return found[-last]


def _print_json(document: object) -> None:
    import json

    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
