"""The `dativo` command: its groups are imported when one of their commands is called."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import NoReturn

import click

from dativo.errors import ProblemsError, RunnerError
from dativo.run.signals import raise_on_stop_signals
from dativo.secrets.tracebacks import hide_in_tracebacks

COMMANDS = {
    "audit": "audit",
    "check": "jobs",
    "discover": "jobs",
    "install": "connectors",
    "list": "connectors",
    "migrate": "migrate",
    "new": "jobs",
    "plan": "jobs",
    "remove": "connectors",
    "run": "run",
    "runs": "runs",
    "schedule": "jobs",
    "schema": "jobs",
    "secrets": "secrets",
    "show": "connectors",
    "state": "state",
    "update": "connectors",
    "validate": "jobs",
}
"""Command → module of this package that holds it, as a click command called `NAME_command`."""

_OBJECTS_BEFORE_A_LOOK = 100_000
"""Before garbage is looked for: what is imported is none, and looking through it delays the start."""


class LazyGroup(click.Group):
    """Imports the module of a command when it is asked for, so that no command pays for another's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"dativo.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command


def main() -> NoReturn:
    """Entry point: every error of the runner becomes its message on stderr and its exit code."""
    raise_on_stop_signals()
    gc.set_threshold(_OBJECTS_BEFORE_A_LOOK)
    hide_in_tracebacks()
    try:
        code = cli.main(standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except ProblemsError as error:
        click.echo(_shown(error), err=True)
        code = error.exit_code
    except RunnerError as error:
        click.echo(f"dativo: {_shown(error)}", err=True)
        code = error.exit_code
    except OSError as error:
        _say_of_the_system(error)
        code = 1
    sys.exit(code)


def _say_of_the_system(error: OSError) -> None:
    """What the system refuses and no room has put into words: above all an output on a disk that is full."""
    from contextlib import suppress

    from dativo.observe.console import point_at_nothing

    where = f"{error.filename}: " if error.filename else ""
    with suppress(OSError):
        click.echo(_shown(f"dativo: {where}{error.strerror or error}"), err=True)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            point_at_nothing(stream)


def _shown(error: object) -> str:
    from dativo.secrets.redact import everywhere

    return everywhere()(str(error))


@click.group(cls=LazyGroup)
@click.version_option(package_name="dativo", prog_name="dativo", message="%(prog)s %(version)s")
def cli() -> None:
    """Run Singer taps into targets."""
