"""Commands about connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dativo.cli.options import registry_of, registry_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="list")
@registry_option
def list_command(registry_file: Path | None) -> None:
    """List the connectors of the registry and whether they are installed here."""
    from dativo.connectors.listing import listing_lines

    for line in listing_lines(registry_of(registry_file)):
        click.echo(line)
