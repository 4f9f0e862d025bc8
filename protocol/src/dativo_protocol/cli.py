"""The command line every connector has (C1..C5), and the edge of its process (S1..S4).

Exit codes: 0 success; 1 failure of data, source, store or configuration; 2 wrong usage; 3 whoever reads our
output has gone; 130 SIGINT; 143 SIGTERM.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from dativo_protocol.config import load_settings, secret_values, unknown_settings
from dativo_protocol.errors import CatalogError, ConfigError, DativoError, DownstreamClosed
from dativo_protocol.signals import Stopped, StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dativo_protocol.about import Form
    from dativo_protocol.catalog import Catalog
    from dativo_protocol.config import Connector
    from dativo_protocol.gate import Gate
    from dativo_protocol.reader import ReadOptions
    from dativo_protocol.state import State
    from dativo_protocol.tap import Tap
    from dativo_protocol.target import Loader

S = TypeVar("S")
L = TypeVar("L", bound="Loader")

log = logging.getLogger(__name__)


def tap_command(connector: Connector[S], open_tap: Callable[[S], Tap]) -> click.Command:
    """Make the command of a tap.

    Args:
        connector: what the tap is.
        open_tap: opens the source with its settings.
    """

    def invoke(
        stop: StopRequest,
        config: tuple[str, ...],
        catalog: str | None,
        state: str | None,
        test: str | None,
        *,
        discover: bool,
    ) -> None:
        from dativo_protocol.batch_settings import batches_of
        from dativo_protocol.state_file import StateFile
        from dativo_protocol.tap import run_tap, try_tap, write_catalog

        out_fd = claim_stdout()
        settings = read_config(connector, config)
        tap = open_tap(settings)
        if discover:
            write_catalog(tap, out_fd)
        elif test:
            try_tap(tap, _read_catalog(catalog), out_fd, records=1 if test == "all" else 0)
        else:
            given = None if state is None else StateFile(state)
            chosen, start = _read_catalog(catalog), _read_state(state)
            run_tap(tap, chosen, start, out_fd, stop=stop, batches=batches_of(settings), given=given)

    command = _command(connector, invoke)
    command.params += [
        click.Option(["-d", "--discover"], is_flag=True, help="Write the catalog of the source."),
        click.Option(["--catalog", "--properties", "-p", "catalog"], help="Catalog file: what to read."),
        click.Option(["-s", "--state"], help="State file: where to start."),
        click.Option(
            ["--test"],
            is_flag=False,
            flag_value="all",
            type=click.Choice(["all", "schema"]),
            help="Try the source: one record of each stream, or with =schema none.",
        ),
    ]
    return command


def target_command(
    connector: Connector[S],
    open_target: Callable[[S], L],
    read_options: Callable[[S], ReadOptions] | None = None,
    *,
    recover: Callable[[S], bytes | None] | None = None,
    standing: Callable[[L], bytes | None] | None = None,
    extra_commands: Sequence[click.Command] = (),
) -> click.Command:
    """Make the command of a target.

    Args:
        connector: what the target is.
        open_target: opens the destination with its settings.
        read_options: memory bounds and epochs that follow from the settings.
        recover: completes what a run that died had begun, and returns the STATE the destination holds; a
            target that has it offers `--recover` and the capability of that name.
        standing: what `recover` would return now, from a loader that was just opened; a target that has it
            offers the capability `recover-gate` (see `gate`).
        extra_commands: subcommands (see `subcommand`); without one the target loads its input.
    """

    def invoke(stop: StopRequest, config: tuple[str, ...], file_input: str | None, **flags: bool) -> None:
        if recover is not None and flags["recover"]:
            _write_state(recover, connector, config)
            return
        from dativo_protocol.gate import take_gate
        from dativo_protocol.target import run_target

        gate = take_gate(os.environ) if standing else None
        source = open_input(file_input)
        state_fd = claim_stdout()
        settings = read_config(connector, config)
        options = read_options(settings) if read_options else None
        loader = open_target(settings)
        if gate is None or standing is None or _may_load(gate, loader, standing, state_fd):
            run_target(loader, source, state_fd, options=options, stop=stop)

    command = _command(connector, invoke, extra_commands)
    command.params.append(
        click.Option(["--input", "file_input"], help="File to read messages from instead of standard input.")
    )
    if recover is not None:
        help_text = "Complete what a killed run had prepared, and write the STATE to start the tap from."
        command.params.append(click.Option(["--recover"], is_flag=True, help=help_text))
    return command


def subcommand(
    connector: Connector[S],
    name: str,
    action: Callable[..., None],
    *,
    help: str,  # noqa: A002 -- click's name for it
    params: Sequence[click.Parameter] = (),
) -> click.Command:
    """Make a subcommand of a target, which takes `--config` like the target itself.

    Args:
        connector: whose settings `--config` gives.
        name: of the subcommand.
        action: called with the settings and, by name, the values of `params`.
        help: one sentence.
        params: more options and arguments.
    """

    def invoke(config: tuple[str, ...], **values: Any) -> None:
        from dativo_protocol.log import set_up_logging

        set_up_logging(connector)
        parent = click.get_current_context().parent
        before = parent.params.get("config", ()) if parent else ()
        action(read_config(connector, (*before, *config)), **values)

    return click.Command(name, callback=invoke, params=[_config_option(), *params], help=help)


def run(command: click.Command, argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command as a process: its outcome becomes the exit code, a failure one CRITICAL line (S2)."""
    stop = StopRequest()
    code: int | None = None
    # A signal may come as soon as it is listened to, and until it no longer is.
    try:
        stop.install()
        code = _exit_code(command, argv, stop)
        stop.ignore()
    except Stopped as stopped:
        stop.ignore()
        if code is None:
            log.critical("%s", stopped)
            code = stopped.exit_code
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process without unwinding the libraries it has loaded.

    Arrow's reader threads may be alive while its static objects are destroyed, which aborts a process whose
    work is done and written ("terminate called without an active exception").
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def read_config(connector: Connector[S], sources: Sequence[str]) -> S:
    """Read, validate and type the settings of `--config`; from here on their secrets are kept out of logs.

    Raises:
        ConfigError: with every problem found.
    """
    from dativo_protocol.config_sources import read_settings
    from dativo_protocol.log import redact

    raw = read_settings(connector, sources)
    redact(secret_values(connector.settings, raw))
    if ignored := unknown_settings(connector.settings, raw):
        log.warning("settings that %s does not have are ignored: %s", connector.name, ", ".join(ignored))
    return load_settings(connector.settings, raw)


def claim_stdout() -> int:
    """Keep standard output for messages (S1): return a new descriptor for it, send all else to stderr.

    The exchange is made below Python, so that what a C library prints cannot tear the stream either.
    """
    out_fd = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)  # never the number of a closed standard stream
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out_fd


def _may_load(gate: Gate, loader: L, standing: Callable[[L], bytes | None], state_fd: int) -> bool:
    """Wait at the gate; a loader that is not let through leaves nothing behind."""
    from dativo_protocol.target import give_up

    try:
        is_open = gate.lets_through(standing(loader), state_fd)
    except BaseException:
        give_up(loader)
        raise
    if not is_open:
        give_up(loader)
        log.info("nothing is loaded: the gate was closed")
    return is_open


def _write_state(
    recover: Callable[[S], bytes | None], connector: Connector[S], config: tuple[str, ...]
) -> None:
    from dativo_protocol.pipes import write_all

    state_fd = claim_stdout()
    state = recover(read_config(connector, config))
    if state is not None:
        write_all(state_fd, state + b"\n")


def _command(
    connector: Connector[Any], invoke: Callable[..., None], extra_commands: Sequence[click.Command] = ()
) -> click.Command:
    """Make a command with the options every connector has; a group only if there are subcommands."""

    def main(*, version: bool, about: bool, about_format: Form, **options: Any) -> None:
        context = click.get_current_context()
        if version or about:
            _describe(connector, about_format if about else None)
        elif context.invoked_subcommand is None:
            from dativo_protocol.log import set_up_logging

            set_up_logging(connector)
            invoke(context.obj, **options)

    params: list[click.Parameter] = [
        click.Option(["--version"], is_flag=True, help="Show the version."),
        click.Option(["--about"], is_flag=True, help="Show capabilities and settings."),
        click.Option(
            ["--format", "about_format"],
            type=click.Choice(["text", "json", "markdown"], case_sensitive=False),
            default="text",
            help="Form of --about.",
        ),
        _config_option(),
    ]
    if not extra_commands:
        return click.Command(connector.name, callback=main, params=params, help=connector.description)
    return click.Group(
        connector.name,
        callback=main,
        params=params,
        help=connector.description,
        invoke_without_command=True,
        commands=list(extra_commands),
    )


def _config_option() -> click.Option:
    help_text = "File of settings (JSON), a JSON object, or ENV for environment variables; may be repeated."
    return click.Option(["-c", "--config"], multiple=True, help=help_text)


def _describe(connector: Connector[Any], about_format: Form | None) -> None:
    from dativo_protocol.about import about, version_line
    from dativo_protocol.pipes import write_all

    text = version_line(connector) if about_format is None else about(connector, about_format)
    write_all(1, text.encode() + b"\n")


def _exit_code(command: click.Command, argv: Sequence[str] | None, stop: StopRequest) -> int:
    try:
        code = command.main(argv, prog_name=command.name, standalone_mode=False, obj=stop)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except DownstreamClosed as error:
        return stop.exit_code or error.exit_code
    except DativoError as error:
        text = " ".join(filter(None, [_sentence(str(error)), error.instruction]))
        log.critical("%s", text, extra={"error": type(error).__name__, "retryable": error.retryable})
        log.debug("where it happened:", exc_info=True)
        return error.exit_code
    except Exception:
        log.critical("unexpected failure; this is a defect, please report it", exc_info=True)
        return 1
    return code if isinstance(code, int) else 0


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."


def _read_catalog(path: str | None) -> Catalog | None:
    from dativo_protocol.catalog import parse_catalog

    if path is None:
        return None
    try:
        return parse_catalog(_read(path))
    except OSError as error:
        raise CatalogError(f"catalog file {path} cannot be read: {error.strerror}") from error


def _read_state(path: str | None) -> State:
    from dativo_protocol.envelope import read_state
    from dativo_protocol.state import State

    if path is None:
        return State()
    try:
        return read_state(_read(path))
    except OSError as error:
        raise ConfigError(f"state file {path} cannot be read: {error.strerror}") from error


def _read(path: str) -> bytes:
    from pathlib import Path

    return Path(path).read_bytes()


def open_input(path: str | None) -> int:
    """Open the file, or make sure that there is a standard input before something else takes its number.

    Raises:
        ConfigError: there is none.
    """
    try:
        if path is not None:
            return os.open(path, os.O_RDONLY)
        os.fstat(0)
    except OSError as error:
        name = "standard input" if path is None else f"input file {path}"
        raise ConfigError(
            f"{name} cannot be read: {error.strerror}", instruction="Give it an input."
        ) from error
    return 0
