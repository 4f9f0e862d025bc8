"""`dativo audit`: who ran what, and whether the log of it is whole."""

from __future__ import annotations

from pathlib import Path

import click

_project = click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True),
    help="The project file, or its directory; left out, the nearest upwards.",
)
_tenant = click.option("--tenant", help="Of one tenant; left out, of all.")


@click.group(name="audit")
def audit_command() -> None:
    """Show who ran what, and verify that the log of it is whole."""


@audit_command.command(name="verify")
@_tenant
@_project
def verify_audit(tenant: str | None, project: Path | None) -> None:
    """Follow the chain of every entry; the first broken one is named."""
    import os

    from dativo.audit.open import audit_key
    from dativo.audit.verify import verify
    from dativo.jobs.project import find_project

    found = find_project(Path.cwd(), os.environ, chosen=project)
    key = audit_key(found, os.environ)
    for each in [tenant] if tenant else found.home.tenants():
        directory = found.home.tenant(each).audit
        if not directory.is_dir():
            continue
        whole = verify(directory, key)
        name = each or "jobs without a tenant"
        noted = f"{whole.entries:,} {'entry' if whole.entries == 1 else 'entries'}"
        files = f"{whole.files} file{'s' if whole.files != 1 else ''}"
        click.echo(f"{name}: {noted} in {files}, chain whole, last {whole.last[:12]}")


@audit_command.command(name="show")
@click.option("--month", metavar="YYYY-MM", help="Of one month.")
@_tenant
@_project
def show_audit(month: str | None, tenant: str | None, project: Path | None) -> None:
    """Print the entries as JSON lines, oldest first."""
    import json
    import os

    from dativo.audit.verify import entries
    from dativo.jobs.project import find_project

    found = find_project(Path.cwd(), os.environ, chosen=project)
    for each in [tenant] if tenant else found.home.tenants():
        for entry in entries(found.home.tenant(each).audit, month):
            click.echo(json.dumps(entry, ensure_ascii=False))
