"""The executable `target-parquet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from dativo_protocol.cli import run, target_command

from target_parquet.allocator import settle_allocator
from target_parquet.commands import replay_command, verify_command
from target_parquet.settings import CONNECTOR, Settings

if TYPE_CHECKING:
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
        extra_commands=[replay_command(CONNECTOR, open_target), verify_command(CONNECTOR, verify)],
    )
    run(command)


def open_target(settings: Settings) -> ParquetLoader:
    """Open the destination the settings name.

    Raises:
        StoreError: it cannot be written to.
    """
    from target_parquet.loader import ParquetLoader
    from target_parquet.stores import open_store
    from target_parquet.table_format import PlainFiles

    store = open_store(settings)
    return ParquetLoader(settings, store, PlainFiles(settings, store))


def recover_state(settings: Settings) -> bytes | None:
    """Complete what a run that died had prepared; returns the STATE to start the tap from.

    Raises:
        StoreError: the destination refuses.
    """
    from target_parquet.publication import FilePublisher
    from target_parquet.recovery import starting_state
    from target_parquet.stores import open_store

    store = open_store(settings)
    return starting_state(settings, store, FilePublisher(store))


def verify(settings: Settings, **options: Any) -> None:
    """Hold the files of a destination against its ledger.

    Raises:
        DativoError: see `target_parquet.verify_command`.
    """
    from target_parquet.verify_command import verify_files

    verify_files(settings, **options)


def read_options(settings: Settings) -> ReadOptions:
    """Work out how much is read at once, and how often it is published."""
    from target_parquet.reading import read_options

    return read_options(settings)


if __name__ == "__main__":
    main()
