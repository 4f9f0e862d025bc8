"""Commands about connectors: what there is, installing, removing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dativo.cli.options import project_of, project_option, registry_of, registry_option

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.connectors.install import Connectors, Done

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
python_option = click.option(
    "--python", metavar="PYTHON", help="Python for its environment; left out, the one that runs dativo."
)


@click.command(name="list")
@registry_option
@project_option
@click.option("--installed", is_flag=True, help="Only those that can be used here.")
@json_option
def list_command(
    registry_file: Path | None, project_file: Path | None, *, installed: bool, as_json: bool
) -> None:
    """List the connectors of the registry and whether they are installed here."""
    from dativo.connectors.listing import listing, listing_lines

    project = project_of(project_file)
    rows = listing(registry_of(registry_file, project), project.home)
    rows = [row for row in rows if row["installed"] or not installed]
    if as_json:
        _print_json(rows)
        return
    for line in listing_lines(rows):
        click.echo(line)


@click.command(name="show")
@click.argument("connector", metavar="NAME[@VERSION]")
@registry_option
@project_option
@json_option
def show_command(
    connector: str, registry_file: Path | None, project_file: Path | None, *, as_json: bool
) -> None:
    """Show what is known of a connector: versions, capabilities, policy, settings."""
    from dativo.connectors.listing import details, details_lines
    from dativo.connectors.programs import resolve
    from dativo.connectors.settings import settings_of
    from dativo.connectors.versions import parse_spec
    from dativo.errors import ConnectorError

    project = project_of(project_file)
    registry, locks, settings = registry_of(registry_file, project), project.root / "connectors.lock", None
    try:
        spec = parse_spec(connector)
        entry = registry.look_up(spec.name)
    except LookupError as error:
        raise ConnectorError(str(error)) from error
    found = details(entry, spec.version, project.home, locks)
    try:
        settings = settings_of(
            resolve(connector, entry.connector.kind, registry, project.home, locks), project.home
        )
    except LookupError as error:
        found["missing"] = str(error)
    if as_json:
        _print_json({**found, "settings": settings})
        return
    for line in details_lines(found, settings):
        click.echo(line)


@click.command(name="install")
@click.argument("connectors", nargs=-1, metavar="[NAME[@VERSION] | WHEEL | DIRECTORY]...")
@registry_option
@project_option
@click.option(
    "--all", "everything", is_flag=True, help="Every connector that is locked; so does no argument."
)
@click.option("--upgrade", is_flag=True, help="Resolve anew, whatever is locked.")
@python_option
def install_command(
    connectors: tuple[str, ...],
    registry_file: Path | None,
    project_file: Path | None,
    *,
    everything: bool,
    upgrade: bool,
    python: str | None,
) -> None:
    """Install connectors, each into an environment of its own, locked with hashes.

    A name is looked up in the registry, else on the package index. Without arguments, everything that
    connectors.lock names is installed exactly as it says there.
    """
    project = _connectors(registry_file, project_file)
    if not connectors or everything:
        _restore(project, python)
    for each in connectors:
        click.echo(_told(_install(project, each, python=python, upgrade=upgrade)))
        project = _connectors(
            registry_file, project_file
        )  # what was installed may have been entered into connectors.yaml


@click.command(name="update")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@registry_option
@project_option
@python_option
def update_command(
    names: tuple[str, ...], registry_file: Path | None, project_file: Path | None, *, python: str | None
) -> None:
    """Install the newest versions of connectors that are locked, of all of them without a name.

    Jobs that name a version keep it; take an old one away with `dativo remove`.
    """
    from dativo.errors import InstallError

    project = _connectors(registry_file, project_file)
    locked = {lock.head.name for lock in project.locks}
    if missing := [name for name in names if name not in locked]:
        known = ", ".join(sorted(locked)) or "nothing"
        raise InstallError(
            f"{', '.join(missing)}: not locked here (locked: {known}): dativo install it first"
        )
    for name in sorted(names or locked):
        click.echo(_told(_install(project, name, python=python, upgrade=True)))


@click.command(name="remove")
@click.argument("connector", metavar="NAME@VERSION")
@registry_option
@project_option
def remove_command(connector: str, registry_file: Path | None, project_file: Path | None) -> None:
    """Remove an installed version of a connector, and its lock."""
    from dativo.connectors.versions import parse_spec
    from dativo.errors import InstallError

    project = _connectors(registry_file, project_file)
    try:
        spec = parse_spec(connector)
    except LookupError as error:
        raise InstallError(str(error)) from error
    here = sorted({each.version for each in project.venvs if each.name == spec.name})
    locked = {lock.head.version for lock in project.locks if lock.head.name == spec.name}
    if spec.version is None or spec.version not in {*here, *locked}:
        found = ", ".join(f"{spec.name}@{version}" for version in sorted({*here, *locked})) or "nothing"
        raise InstallError(f"name the version to remove; installed: {found}")
    project.remove(spec.name, spec.version)
    click.echo(f"{spec.name} {spec.version}: removed")


def _restore(project: Connectors, python: str | None) -> None:
    """Installs whatever is locked; raises InstallError with what could not be, when all the rest is there."""
    from dativo.errors import InstallError

    failures = []
    for lock in project.locks:
        try:
            click.echo(_told(project.restore(lock, python=python)))
        except InstallError as error:
            failures.append(str(error))
    if failures:
        raise InstallError("\n".join(failures))


def _install(project: Connectors, text: str, *, python: str | None, upgrade: bool) -> Done:
    return project.install(text, python=python, upgrade=upgrade)


def _told(done: Done) -> str:
    one = done.installed
    path = done.lock_file.relative_to(done.lock_file.parent.parent)
    how = f"installed in {done.seconds:.1f} s" if done.seconds else "installed already"
    count = done.lock.packages
    text = f"{one.name} {one.version}: {count} package{'' if count == 1 else 's'} locked, {how} ({path})"
    if done.listed:
        text += f"\n  entered into {done.listed.name}: look whether kind and secret_settings are right"
    return text


def _connectors(registry_file: Path | None, project_file: Path | None) -> Connectors:
    from dativo.connectors.install import Connectors
    from dativo.connectors.installers import find_installer

    project = project_of(project_file)
    return Connectors(registry_of(registry_file, project), project.home, project.root, find_installer())


def _print_json(document: object) -> None:
    import json

    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
