"""The executable `target-iceberg`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click
from dativo_protocol.cli import run, subcommand, target_command
from target_parquet.allocator import settle_allocator
from target_parquet.commands import replay_command, verify_command

from target_iceberg.origin import origin_of
from target_iceberg.settings import CONNECTOR, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo_protocol.reader import ReadOptions
    from target_parquet.loader import ParquetLoader


def main() -> NoReturn:
    """Run as a process."""
    settle_allocator()
    command = target_command(
        CONNECTOR,
        open_target,
        read_options,
        recover=recover_state,
        standing=lambda loader: loader.standing,
        extra_commands=[
            replay_command(CONNECTOR, open_target),
            verify_command(CONNECTOR, verify),
            maintain_command(),
        ],
    )
    run(command)


def open_target(settings: Settings) -> ParquetLoader:
    """Open the warehouse the settings name.

    Raises:
        StoreError: it cannot be written to, or its catalog cannot be opened.
    """
    from target_parquet.loader import ParquetLoader
    from target_parquet.stores import open_store

    from target_iceberg.tables import IcebergTables

    store = open_store(settings)
    return ParquetLoader(settings, store, IcebergTables(settings, store, origin_of(os.environ)))


def recover_state(settings: Settings) -> bytes | None:
    """Complete what a run that died had prepared; returns the STATE to start the tap from.

    Raises:
        StoreError: the warehouse or its catalog refuses.
    """
    from target_parquet.recovery import starting_state
    from target_parquet.stores import open_store

    from target_iceberg.tables import IcebergTables

    store = open_store(settings)
    return starting_state(settings, store, IcebergTables(settings, store).publisher)


def verify(settings: Settings, *, stream: Sequence[str], form: Literal["text", "json"]) -> None:
    """Hold the tables of a warehouse against its ledger.

    Raises:
        DativoError: they do not match, or cannot be read.
    """
    from target_parquet.verify_command import write_reports

    from target_iceberg.verify import verify_tables

    write_reports(verify_tables(settings, stream), form)


def maintain_command() -> click.Command:
    """Make the subcommand that keeps tables fast and small."""

    def maintain(settings: Settings, **options: Any) -> None:
        from target_iceberg.maintenance.command import maintain_tables

        maintain_tables(settings, **options)

    return subcommand(
        CONNECTOR,
        "maintain",
        maintain,
        help="Put small files together, apply deletes, expire snapshots and delete what nothing names.",
        params=[
            click.Option(
                ["--table"], multiple=True, help="Only this table, as namespace.name; may be repeated."
            ),
            click.Option(
                ["--branch"],
                multiple=True,
                help="Only files of this branch; may be repeated. Without it those of `main`, or of the "
                "setting `branch`.",
            ),
            click.Option(["--dry-run"], is_flag=True, help="Change nothing; say what would be done."),
            click.Option(
                ["--format", "form"],
                type=click.Choice(["text", "json"]),
                default="text",
                help="Form of the report.",
            ),
        ],
    )


def read_options(settings: Settings) -> ReadOptions:
    """Work out how much is read at once, and how often it is committed."""
    from target_parquet.reading import read_options

    return read_options(settings)


if __name__ == "__main__":
    main()
