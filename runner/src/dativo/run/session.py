"""One job with its private files open: how its connectors are called."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from dativo.errors import ConnectorError, Problem, ProblemsError
from dativo.jobs.selection import NothingSelected, apply_rules
from dativo.run.invoke import ask
from dativo.run.process import Command
from dativo.run.workspace import Workspace, private_workspace
from dativo.secrets.redact import Redactor, secret_variables, secrets_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dativo.connectors.programs import Program
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.connector_log import ConnectorLog

METRICS_SECONDS = "0.5"
"""How often our connectors log their counts during a run; their own default is once a minute."""

DISCOVER_SECONDS = 600.0


class Session:
    """The connectors of a job, ready to be called with their configurations in private files.

    `DATIVO_JOB` and `DATIVO_TENANT` tell them who they work for.
    """

    def __init__(self, ready: ReadyJob, workspace: Workspace) -> None:
        self.ready = ready
        self.workspace = workspace
        self._config_files = {
            ready.tap.name: workspace.write_json("tap.config.json", dict(ready.job.source.config)),
            ready.target.name: workspace.write_json("target.config.json", dict(ready.job.target.config)),
        }
        self._environ = dict(os.environ)
        self._environ.setdefault("DATIVO_METRICS_SECONDS", METRICS_SECONDS)
        self._environ["DATIVO_JOB"] = ready.job.name
        self._environ["DATIVO_TENANT"] = ready.job.tenant or ""
        self._log_config = workspace.write_json("logging.json", _structured_logging(self._environ))

    def configure(self, program: Program, config: Mapping[str, Any]) -> None:
        """Lets a connector be called with another configuration than that of the job file."""
        path = self._config_files[program.name]
        self._config_files[program.name] = self.workspace.write_json(f"completed.{path.name}", dict(config))

    def command(self, program: Program, *arguments: str | Path, configured: bool = True) -> Command:
        """A call of a connector.

        Args:
            program: tap or target of this job.
            arguments: what follows the configuration on the command line.
            configured: whether it gets its configuration.
        """
        config = ("--config", str(self._config_files[program.name])) if configured else ()
        environ = dict(self._environ)
        if program.connector.can("structured-logging"):
            environ["SINGER_SDK_LOG_CONFIG"] = str(self._log_config)
        argv = (str(program.executable), *config, *map(str, arguments))
        return Command(program.name, argv, self.ready.directory, environ)

    def discover(self, log: ConnectorLog, state: Path | None = None) -> dict[str, Any]:
        """The catalog of the source; raises ConnectorError if the tap does not give one."""
        tap = self.ready.tap
        state_arguments = ("--state", state) if state else ()
        command = self.command(tap, *state_arguments, "--discover")
        answer = self.ask(command, log, seconds=DISCOVER_SECONDS)
        try:
            catalog = json.loads(answer)
        except ValueError as error:
            raise ConnectorError(
                f"`{tap.name} --discover` answered with something that is not JSON"
            ) from error
        if not isinstance(catalog, dict) or not isinstance(catalog.get("streams"), list):
            raise ConnectorError(f"`{tap.name} --discover` answered with something that is no catalog")
        return catalog

    def selected_catalog(
        self, log: ConnectorLog, state: Path | None = None
    ) -> tuple[dict[str, Any], list[str]]:
        """The catalog with the selection of the job, and warnings about patterns that match nothing.

        Raises:
            ProblemsError: the selection leaves no stream.
        """
        source = self.ready.job.source
        catalog = self.discover(log, state)
        try:
            return catalog, apply_rules(catalog, source.select, source.metadata)
        except NothingSelected as error:
            place = self.ready.document.place_of(["source", "select"])
            raise ProblemsError([Problem(place, f"source.select: {error}")]) from error

    def ask(self, command: Command, log: ConnectorLog, *, seconds: float) -> str:
        """What a connector answers on stdout; raises ConnectorError with its last words if it fails."""
        try:
            return ask(command, partial(log.take, command.name), seconds=seconds)
        except ConnectorError as error:
            words = log.last_words(command.name)
            if words is None:
                raise
            raise ConnectorError(f"{error}: {words}") from error


@contextmanager
def open_session(ready: ReadyJob) -> Iterator[Session]:
    """Writes the private files of a job; they are gone afterwards."""
    with private_workspace() as workspace:
        yield Session(ready, workspace)


def redactor_of(ready: ReadyJob) -> Redactor:
    """Masks every secret that the job file or the variables in it brought in."""
    job = ready.job
    return Redactor(
        [
            *secrets_in(job.source.config, ready.tap.connector.secret_settings),
            *secrets_in(job.target.config, ready.target.connector.secret_settings),
            *secret_variables(ready.variables),
        ]
    )


def _structured_logging(environ: dict[str, str]) -> dict[str, Any]:
    """Logging of a connector as one JSON object a line, as Meltano asks for it too."""
    level = environ.get("LOGLEVEL", "INFO").upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": {"()": "singer_sdk.logging.StructuredFormatter"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "structured",
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
    }
