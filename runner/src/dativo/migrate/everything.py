"""Tells what lies at a path, and has it migrated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import Place, Problem, ProblemsError
from dativo.jobs.schema import SCHEMA_FILE
from dativo.migrate.meltano import migrate_meltano
from dativo.migrate.meltano_settings import DATABASE
from dativo.migrate.meltano_state import MeltanoStates, states_of_database, states_of_export
from dativo.migrate.migration import Migration
from dativo.migrate.predecessor import is_predecessor_job, migrate_predecessor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo.connectors.registry import Registry

MELTANO_FILE = "meltano.yml"


def migrate(
    paths: Sequence[Path],
    to: Path,
    registry: Registry,
    *,
    environment: str | None = None,
    states: bool = False,
    export: Path | None = None,
) -> Migration:
    """What the files at `paths` become.

    Args:
        paths: meltano.yml, job files of dativo-ingest, or directories with either.
        to: directory for the new files.
        registry: connectors that need no entry of their own.
        environment: of Meltano projects.
        states: whether states are taken over.
        export: file of `meltano state export`, in place of Meltano's database.

    Raises:
        ProblemsError: there is nothing to migrate, or a file cannot be read.
    """
    migration = Migration()
    schema = _schema(to)
    for path in paths:
        meltano = path / MELTANO_FILE if path.is_dir() else path
        if meltano.is_file() and meltano.name == MELTANO_FILE:
            known = _states(meltano.parent, export) if states else None
            migrate_meltano(
                meltano, to, registry, migration, environment=environment, schema=schema, states=known
            )
            continue
        jobs = [file for file in _yaml_files(path) if is_predecessor_job(file)]
        if not jobs:
            message = "holds neither a meltano.yml nor job files of dativo-ingest"
            raise ProblemsError([Problem(Place(path), message)])
        for job in jobs:
            migrate_predecessor(job, to, migration, schema=schema, states=states)
    return migration


def _states(root: Path, export: Path | None) -> MeltanoStates:
    if export is not None:
        return states_of_export(export)
    if (root / DATABASE).is_file():
        return states_of_database(root / DATABASE)
    message = "is not there: give the states with --state-export (`meltano state export > FILE`)"
    raise ProblemsError([Problem(Place(root / DATABASE), message)])


def _yaml_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())


def _schema(to: Path) -> str:
    """Where editors find the schema of the new files: in the installed package."""
    shipped = Path(__file__).parents[1] / "jobs" / SCHEMA_FILE
    return os.path.relpath(shipped, to.absolute())
