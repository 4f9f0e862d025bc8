"""The `dativo` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from dativo.errors import ProblemsError, RunnerError
from dativo.run.signals import raise_on_stop_signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.connectors.registry import Registry
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.console import Console

F = TypeVar("F", bound="Callable[..., Any]")

GRACE_SECONDS = 30.0

_registry_option = click.option(
    "--registry",
    "registry_file",
    envvar="DATIVO_REGISTRY",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A registry file of your own; its connectors come before those that ship with dativo.",
)
_job_argument = click.argument(
    "job_file", metavar="JOB.yaml", type=click.Path(path_type=Path, dir_okay=False)
)


def main() -> NoReturn:
    """Entry point: every error of the runner becomes its message on stderr and its exit code."""
    raise_on_stop_signals()
    try:
        code = cli.main(standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except ProblemsError as error:
        click.echo(str(error), err=True)
        code = error.exit_code
    except RunnerError as error:
        click.echo(f"dativo: {error}", err=True)
        code = error.exit_code
    sys.exit(code)


@click.group()
@click.version_option(package_name="dativo", prog_name="dativo", message="%(prog)s %(version)s")
def cli() -> None:
    """Run Singer taps into targets."""


@cli.command()
@_job_argument
@_registry_option
@click.option(
    "--grace-seconds",
    type=click.FloatRange(min=0),
    default=GRACE_SECONDS,
    show_default=True,
    help="How long a connector that is told to stop may take before it is killed.",
)
def run(job_file: Path, registry_file: Path | None, grace_seconds: float) -> None:
    """Load what a job describes, from where its last run stopped."""
    from dativo.observe.report import result_lines
    from dativo.run.run_job import run_job

    ready = _ready(job_file, registry_file)
    result = run_job(ready, _console(ready), grace_seconds=grace_seconds)
    for line in result_lines(ready.job.full_name, result):
        click.echo(line)


@cli.command()
@_job_argument
@_registry_option
def check(job_file: Path, registry_file: Path | None) -> int:
    """Tell whether a job would run: connectors, settings, and whether the source answers."""
    from dativo.jobs.check import check_job
    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.session import redactor_of

    ready = _ready(job_file, registry_file)
    log = ConnectorLog(_console(ready), redactor_of(ready))
    failed = False
    for finding in check_job(ready, log):
        failed = failed or not finding.ok
        click.echo(f"{'ok    ' if finding.ok else 'FAILED'}  {finding.subject}")
        for line in finding.detail:
            click.echo(f"        {line}")
    return int(failed)


@cli.command()
@_job_argument
@_registry_option
def discover(job_file: Path, registry_file: Path | None) -> None:
    """Print the catalog of a job's source, with the selection of the job in it."""
    import json

    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.session import open_session, redactor_of

    ready = _ready(job_file, registry_file)
    console = _console(ready)
    with open_session(ready) as session:
        catalog, warnings = session.selected_catalog(ConnectorLog(console, redactor_of(ready)))
    for warning in warnings:
        console.say(f"WARNING: {warning}")
    click.echo(json.dumps(catalog, indent=2, ensure_ascii=False))


@cli.command(name="list")
@_registry_option
def list_connectors(registry_file: Path | None) -> None:
    """List the connectors of the registry and whether they are installed here."""
    from dativo.connectors.listing import listing_lines

    for line in listing_lines(_registry(registry_file)):
        click.echo(line)


@cli.command()
@click.option("--markdown", is_flag=True, help="The reference of the format instead, as in docs/jobs.md.")
def schema(*, markdown: bool) -> None:
    """Print the JSON Schema of job files, for editors and checks."""
    import json

    from dativo.jobs.reference import job_reference
    from dativo.jobs.schema import job_schema

    click.echo(job_reference() if markdown else json.dumps(job_schema(), indent=2), nl=not markdown)


def _registry(registry_file: Path | None) -> Registry:
    from dativo.connectors.registry import built_in_registry, load_registry

    return load_registry([built_in_registry(), *([registry_file] if registry_file else [])])


def _ready(job_file: Path, registry_file: Path | None) -> ReadyJob:
    from dativo.jobs.ready import load_job

    return load_job(job_file, _registry(registry_file), os.environ)


def _console(ready: ReadyJob) -> Console:
    from dativo.observe.console import Console

    return Console(sys.stderr, (ready.tap.name, ready.target.name))
