"""Subcommands that our file-writing targets have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from dativo_protocol.cli import claim_stdout, subcommand
from dativo_protocol.signals import StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo_protocol.config import Connector

    from target_parquet.loader import ParquetLoader


def replay_command(connector: Connector[Any], open_target: Callable[[Any], ParquetLoader]) -> click.Command:
    """Make the subcommand that brings quarantined records back."""

    def action(
        settings: Any, *, file_input: str | None, give_up: bool, stream: str | None, run_id: str | None
    ) -> None:
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

    return subcommand(
        connector,
        "replay",
        action,
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


def verify_command(connector: Connector[Any], verify: Callable[..., None]) -> click.Command:
    """Make the subcommand that holds a destination against its ledger.

    Args:
        connector: whose it is.
        verify: called with the settings, the names of streams and the form of the report.
    """
    stream = click.Option(["--stream"], multiple=True, help="Only this stream; may be repeated.")
    form = click.Option(
        ["--format", "form"], type=click.Choice(["text", "json"]), default="text", help="Form of the report."
    )
    return subcommand(
        connector,
        "verify",
        verify,
        help="Read all files again and say whether they hold what was loaded, row for row.",
        params=[stream, form],
    )
