"""Commands about job files: what they say, whether they would run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dativo.cli.options import console_of, job_argument, ready_job, registry_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="check")
@job_argument
@registry_option
def check_command(job_file: Path, registry_file: Path | None) -> int:
    """Tell whether a job would run: connectors, settings, and whether the source answers."""
    from dativo.jobs.check import check_job
    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.session import redactor_of

    ready = ready_job(job_file, registry_file)
    log = ConnectorLog(console_of(ready), redactor_of(ready))
    failed = False
    for finding in check_job(ready, log):
        failed = failed or not finding.ok
        click.echo(f"{'ok    ' if finding.ok else 'FAILED'}  {finding.subject}")
        for line in finding.detail:
            click.echo(f"        {line}")
    return int(failed)


@click.command(name="discover")
@job_argument
@registry_option
def discover_command(job_file: Path, registry_file: Path | None) -> None:
    """Print the catalog of a job's source, with the selection of the job in it."""
    import json

    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.session import open_session, redactor_of

    ready = ready_job(job_file, registry_file)
    console = console_of(ready)
    with open_session(ready) as session:
        catalog, warnings = session.selected_catalog(ConnectorLog(console, redactor_of(ready)))
    for warning in warnings:
        console.say(f"WARNING: {warning}")
    click.echo(json.dumps(catalog, indent=2, ensure_ascii=False))


@click.command(name="schema")
@click.option("--markdown", is_flag=True, help="The reference of the format instead, as in docs/jobs.md.")
def schema_command(*, markdown: bool) -> None:
    """Print the JSON Schema of job files, for editors and checks."""
    import json

    from dativo.jobs.reference import job_reference
    from dativo.jobs.schema import job_schema

    click.echo(job_reference() if markdown else json.dumps(job_schema(), indent=2), nl=not markdown)
