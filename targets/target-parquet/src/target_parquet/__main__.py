"""The executable `target-parquet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click
from dativo_protocol.cli import claim_stdout, run, subcommand, target_command
from dativo_protocol.signals import StopRequest

from target_parquet.settings import CONNECTOR, Settings

if TYPE_CHECKING:
    from dativo_protocol.reader import ReadOptions

    from target_parquet.loader import ParquetLoader


def main() -> NoReturn:
    """Run as a process."""
    command = target_command(
        CONNECTOR,
        open_target,
        read_options,
        recover=recover_state,
        extra_commands=[replay_command(), verify_command()],
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


def replay_command() -> click.Command:
    """Make the subcommand that brings quarantined records back."""
    return subcommand(
        CONNECTOR,
        "replay",
        replay,
        help="Write the quarantined records as Singer lines; with --input, load them repaired.",
        params=[
            click.Option(["--input", "file_input"], help="Repaired lines to load, - for standard input."),
            click.Option(
                ["--give-up"], is_flag=True, help="With --input: give up the records whose lines are deleted."
            ),
            click.Option(["--stream"], help="Write those of one stream only."),
            click.Option(["--run-id"], help="Write those of one run only."),
        ],
    )


def replay(
    settings: Settings, *, file_input: str | None, give_up: bool, stream: str | None, run_id: str | None
) -> None:
    """Carry the subcommand out.

    Raises:
        DativoError: see `target_parquet.replay`.
    """
    from target_parquet.replay import load_repaired, write_open_rows

    out_fd = claim_stdout()
    if file_input is None and give_up:
        raise click.UsageError("--give-up says what --input has to do")
    if file_input is None:
        write_open_rows(settings, out_fd, stream=stream, run=run_id)
    elif stream is not None or run_id is not None:
        raise click.UsageError("--stream and --run-id choose what is written, not what --input loads")
    else:
        stop = click.get_current_context().find_object(StopRequest) or StopRequest()
        load_repaired(settings, file_input, stop, open_target, give_up=give_up)


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
