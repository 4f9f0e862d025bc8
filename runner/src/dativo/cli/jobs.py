"""Commands about job files: what they say, whether they would run."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

import click

from dativo.cli.options import (
    console_of,
    job_argument,
    jobs_argument,
    project_of,
    project_option,
    ready_job,
    registries_of,
    registry_of,
    registry_option,
    tag_option,
    tenant_option,
)
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dativo.connectors.registry import Registry
    from dativo.jobs.project import Project
    from dativo.jobs.ready import ReadyJob

json_option = click.option("--json", "as_json", is_flag=True, help="For machines: one JSON document.")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The job files that a command is about.

    Attributes:
        files: in the order in which they were named.
        registries: what the connectors of a project's jobs are looked up in.
        shared: the project that `--project` names for all of them; each finds its own without.
    """

    files: tuple[Path, ...]
    registries: Callable[[Project], Registry]
    shared: Project | None

    def ready(self) -> tuple[ReadyJob, ...]:
        """The jobs; raises ProblemsError with everything that is wrong with any of them."""
        from dativo.jobs.ready import load_jobs

        return load_jobs(self.files, self.registries, os.environ, project=self.shared)


def choosing_jobs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the arguments and options that choose jobs, and to its function what they chose."""

    @functools.wraps(command)
    def with_chosen(
        jobs: tuple[str, ...],
        tags: tuple[str, ...],
        tenant: str | None,
        registry_file: Path | None,
        project_file: Path | None,
        **options: Any,
    ) -> Any:
        from dativo.jobs.globs import job_files, only

        project = project_of(project_file)
        files = only(job_files(jobs, project), tags, tenant, os.environ)
        shared = project if project_file else None
        return command(Chosen(files, registries_of(registry_file), shared), **options)

    for option in (project_option, registry_option, tenant_option, tag_option, jobs_argument):
        with_chosen = option(with_chosen)
    return with_chosen


@click.command(name="check")
@job_argument
@registry_option
@project_option
def check_command(job_file: Path, registry_file: Path | None, project_file: Path | None) -> int:
    """Tell whether a job would run: connectors, settings, and whether the source answers."""
    from dativo.jobs.check import check_job
    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.given_secrets import redactor_of, with_secrets

    ready, _ = with_secrets(ready_job(job_file, registry_file, project_file), os.environ)
    log = ConnectorLog(console_of(ready), redactor_of(ready, os.environ))
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
@project_option
def discover_command(job_file: Path, registry_file: Path | None, project_file: Path | None) -> None:
    """Print the catalog of a job's source, with the selection of the job in it."""
    import json

    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.given_secrets import redactor_of, with_secrets
    from dativo.run.session import open_session

    ready, _ = with_secrets(ready_job(job_file, registry_file, project_file), os.environ)
    console = console_of(ready)
    with open_session(ready) as session:
        catalog, warnings = session.selected_catalog(ConnectorLog(console, redactor_of(ready, os.environ)))
    for warning in warnings:
        console.say(f"WARNING: {warning}")
    click.echo(json.dumps(catalog, indent=2, ensure_ascii=False))


@click.command(name="validate")
@choosing_jobs
@json_option
@click.option("--check-secrets", is_flag=True, help="Fetch secrets too, to see that they are there.")
def validate_command(chosen: Chosen, *, as_json: bool, check_secrets: bool) -> int:
    """Tell everything that is wrong with job files, each problem with its file, line and column.

    JOB is a file, a directory, a pattern or the name of a job of the project; without one, every job of the
    project is looked at. Nothing is run but connectors that must be asked for their settings.
    """
    import json

    from dativo.jobs.validate import validate

    found = validate(chosen.files, chosen.registries, os.environ, chosen.shared, secrets=check_secrets)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2, ensure_ascii=False))
    else:
        for problem in found.problems:
            click.echo(str(problem))
        for warning in found.warnings:
            click.echo(f"{warning.place}: WARNING: {warning.message}")
        click.echo(found.summary())
    return int(bool(found.problems))


@click.command(name="plan")
@choosing_jobs
@json_option
def plan_command(chosen: Chosen, *, as_json: bool) -> None:
    """Print what would run: connectors, limits, state, schedule; secrets by name, never a value."""
    import json

    from dativo.jobs.plan import plan_lines, plan_of

    plans = [plan_of(each) for each in chosen.ready()]
    if as_json:
        click.echo(json.dumps(plans, indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join("\n".join(plan_lines(plan)) for plan in plans))


@click.command(name="new")
@click.argument("job", metavar="JOB")
@click.option("--from", "tap", required=True, metavar="TAP", help="Tap in the registry, such as tap-csv.")
@click.option("--to", "target", required=True, metavar="TARGET", help="Target, such as target-parquet.")
@click.option("--tenant", help="Owner of the job.")
@registry_option
@project_option
def new_command(
    job: str,
    tap: str,
    target: str,
    tenant: str | None,
    registry_file: Path | None,
    project_file: Path | None,
) -> None:
    """Write a job file to start from, with every setting of its connectors in it.

    JOB is the name of the job, written to jobs/[TENANT/]NAME.yaml of the project, or a file to write.
    """
    from dativo.jobs.new import new_job

    project = project_of(project_file)
    made = new_job(job, tap, target, tenant, registry_of(registry_file, project), project)
    if made.project_file:
        click.echo(f"{made.project_file} is written: the project of every job below its directory")
    click.echo(f"{made.file} is written")
    if made.scaffold.open:
        click.echo(f"  to fill in: {', '.join(made.scaffold.open)}")
    if made.scaffold.secrets:
        click.echo(f"  secrets to give: {', '.join(made.scaffold.secrets)}")
    click.echo(f"  then: dativo validate {made.file}")


@click.command(name="schedule")
@choosing_jobs
@click.option(
    "--format",
    "form",
    type=click.Choice(["crontab", "systemd", "json"]),
    default="crontab",
    show_default=True,
    help="What to print.",
)
def schedule_command(chosen: Chosen, form: str) -> None:
    """Print when jobs are to run, for cron, systemd or an orchestrator; nothing here waits for the time."""
    from dativo.jobs.timetable import timetable

    click.echo(timetable(chosen.ready(), form))


@click.command(name="schema")
@click.option(
    "--for",
    "subject",
    type=click.Choice(["job", "project", "registry"]),
    default="job",
    show_default=True,
    help="Which format.",
)
@click.option("--markdown", is_flag=True, help="The reference of the format instead, as in docs.")
def schema_command(subject: str, *, markdown: bool) -> None:
    """Print the JSON Schema of job files, dativo.yaml or registries, for editors and checks."""
    import json

    from dativo.connectors.reference import registry_reference, registry_schema
    from dativo.jobs.reference import job_reference, project_reference
    from dativo.jobs.schema import job_schema, project_schema

    schema, reference = {
        "job": (job_schema, job_reference),
        "project": (project_schema, project_reference),
        "registry": (registry_schema, registry_reference),
    }[subject]
    click.echo(reference() if markdown else json.dumps(schema(), indent=2), nl=not markdown)
