"""`dativo secrets`: which secrets jobs use, and whether they are there. Values are never shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.audit.log import Audit
    from dativo.errors import Problem
    from dativo.jobs.secret_text import SecretRef
    from dativo.secrets.resolver import Secrets

_NAMES = ("name", "tenant")
_project = click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True),
    help="The project file, or its directory; left out, the nearest upwards.",
)
_job = click.argument("job_file", metavar="JOB.yaml", type=click.Path(path_type=Path, dir_okay=False))


@click.group(name="secrets")
def secrets_command() -> None:
    """Tell which secrets a job uses, and whether they are there; values are never shown."""


@secrets_command.command(name="list")
@_job
@_project
def list_secrets(job_file: Path, project: Path | None) -> None:
    """List the secrets that a job names, and the places where each is looked for."""
    refs, secrets, _ = _secrets_of(job_file, project)
    for ref in refs:
        click.echo(f"{ref}  {'; '.join(secrets.places(ref.name))}")
    if not refs:
        click.echo("this job uses no secrets")


@secrets_command.command(name="test")
@_job
@_project
def test_secrets(job_file: Path, project: Path | None) -> int:
    """Fetch every secret that a job names, and tell which backend gave it."""
    from dativo.errors import SecretError
    from dativo.secrets.redact import everywhere

    refs, secrets, audit = _secrets_of(job_file, project)
    failed = False
    for ref in refs:
        try:
            secrets.value(ref)
        except SecretError as error:
            failed = True
            click.echo(f"FAILED  {ref}: {everywhere()(str(error))}")
            continue
        audit().note("secret.read", name=ref.name, why="dativo secrets test")
        click.echo(f"ok      {ref} ← {secrets.origin(ref)}")
    for warning in secrets.warnings:
        click.echo(f"WARNING {warning}")
    return int(failed)


def _secrets_of(job_file: Path, project: Path | None) -> tuple[list[SecretRef], Secrets, Callable[[], Audit]]:
    """What a job file names, where those of its tenant come from, and the audit log of that tenant."""
    import os
    from functools import cache, partial

    from dativo.audit.open import open_audit
    from dativo.errors import ProblemsError
    from dativo.jobs.located import load_yaml
    from dativo.jobs.project import find_project
    from dativo.jobs.references import Variables
    from dativo.jobs.secret_text import SecretText
    from dativo.secrets.resolver import open_secrets

    problems: list[Problem] = []
    document = load_yaml(job_file, problems, Variables(os.environ))
    if problems:
        raise ProblemsError(problems)
    members = document.value if isinstance(document.value, dict) else {}
    name, tenant = (str(members[each].value or "") or None if each in members else None for each in _NAMES)
    texts = [each.value for each in document.scalars() if isinstance(each.value, SecretText)]
    refs = sorted({ref for text in texts for ref in text.refs}, key=str)
    found = find_project(job_file, os.environ, chosen=project)
    audit = cache(partial(open_audit, found, tenant, os.environ, job=name))
    return refs, open_secrets(found, tenant, os.environ), audit
