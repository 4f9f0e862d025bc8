"""The executable `target-parquet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click
from dativo_protocol.cli import run, subcommand, target_command

from target_parquet.settings import CONNECTOR, Settings

if TYPE_CHECKING:
    from dativo_protocol.reader import ReadOptions

    from target_parquet.loader import ParquetLoader


def main() -> NoReturn:
    """Run as a process."""
    commands = [verify_command()]
    run(target_command(CONNECTOR, open_target, read_options, recover=recover_state, extra_commands=commands))


def open_target(settings: Settings) -> ParquetLoader:
    """Open the destination the settings name.

    Raises:
        StoreError: it cannot be written to.
    """
    from target_parquet.loader import ParquetLoader
    from target_parquet.stores import open_store

    return ParquetLoader(settings, open_store(settings))


def recover_state(settings: Settings) -> bytes | None:
    """Complete what a run that died had prepared; returns the STATE to start the tap from.

    Raises:
        StoreError: the destination refuses.
    """
    from target_parquet.recovery import starting_state
    from target_parquet.stores import open_store

    return starting_state(settings, open_store(settings))


def verify_command() -> click.Command:
    """Make the subcommand that holds the files of a destination against its ledger."""

    def verify(settings: Settings, **options: Any) -> None:
        from target_parquet.verify_command import verify_files

        verify_files(settings, **options)

    stream = click.Option(["--stream"], multiple=True, help="Only this stream; may be repeated.")
    form = click.Option(
        ["--format", "form"], type=click.Choice(["text", "json"]), default="text", help="Form of the report."
    )
    return subcommand(
        CONNECTOR,
        "verify",
        verify,
        help="Read all files again and say whether they hold what was loaded, row for row.",
        params=[stream, form],
    )


def read_options(settings: Settings) -> ReadOptions:
    """Work out how much is read at once, and how often it is published."""
    from target_parquet.reading import read_options

    return read_options(settings)


if __name__ == "__main__":
    main()
