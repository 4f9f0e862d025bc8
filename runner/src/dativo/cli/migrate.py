"""`dativo migrate`: Meltano projects and jobs of dativo-ingest become jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dativo.cli.options import project_of, project_option, registry_option

if TYPE_CHECKING:
    from dativo.home import Home
    from dativo.migrate.migration import Migration


@click.command(name="migrate")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Directory for the new files.")
@click.option("--write", is_flag=True, help="Write the files; without it, only show what would be written.")
@click.option("--state", "with_state", is_flag=True, help="Take over states too.")
@click.option(
    "--state-export",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of `meltano state export`, in place of Meltano's database.",
)
@click.option("--environment", help="Environment of the Meltano project; left out, its default one.")
@click.option("--rollback", metavar="ID", help="Take back a migration that was written.")
@registry_option
@project_option
def migrate_command(
    paths: tuple[Path, ...],
    to: Path | None,
    state_export: Path | None,
    environment: str | None,
    rollback: str | None,
    registry_file: Path | None,
    project_file: Path | None,
    *,
    write: bool,
    with_state: bool,
) -> int:
    """Make jobs of a Meltano project, or of jobs of dativo-ingest.

    PATH is a meltano.yml, a job file of dativo-ingest, or a directory with either. What would be written is
    shown as a diff, with a list of what cannot be carried over; exit code 1 says that something needs a hand.
    """
    from dativo.connectors.registry import built_in_registry, load_registry
    from dativo.migrate.everything import migrate

    if rollback:
        return _roll_back(rollback, _home(project_file, to or Path()))
    if not paths:
        raise click.UsageError("name a meltano.yml, a job file of dativo-ingest, or a directory with either")
    target = to or (paths[0] if paths[0].is_dir() else paths[0].parent)
    migration = migrate(
        paths,
        target,
        load_registry([built_in_registry(), *([registry_file] if registry_file else [])]),
        environment=environment,
        states=with_state or state_export is not None,
        export=state_export,
    )
    return _tell(migration, _home(project_file, target), write=write)


def _home(project_file: Path | None, directory: Path) -> Home:
    """Where copies are kept: with the project that the directory is, or becomes by the migration."""
    from dativo.home import DIRECTORY, Home

    project = project_of(project_file, directory)
    if project_file is not None or project.root == directory.absolute():
        return project.home
    return Home(directory / DIRECTORY)


def _tell(migration: Migration, home: Home, *, write: bool) -> int:
    from dativo.migrate.rollback import diff_lines, write_migration

    for line in diff_lines(migration):
        click.echo(line)
    for note in migration.notes:
        click.echo(str(note), err=True)
    if not write:
        click.echo("nothing is written: add --write", err=True)
        return int(migration.needs_a_hand)
    migration_id = write_migration(migration, home)
    if migration_id is None:
        click.echo("nothing to write: everything is there", err=True)
    else:
        click.echo(f"written; to take it back: dativo migrate --rollback {migration_id}", err=True)
    _store_states(migration)
    return int(migration.needs_a_hand)


def _store_states(migration: Migration) -> None:
    from dativo.migrate.states import store_state

    for state in migration.states:
        click.echo(store_state(state), err=True)


def _roll_back(migration_id: str, home: Home) -> int:
    from dativo.migrate.rollback import roll_back

    for line in roll_back(migration_id, home):
        click.echo(line)
    return 0
