"""One job with its private files open: how its connectors are called."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.errors import ConnectorError, Problem, ProblemsError
from dativo.isolation.bounds import bounds_of
from dativo.isolation.cgroup import Leaves, divided, find_ground
from dativo.isolation.enforcement import enforcement
from dativo.jobs.selection import NothingSelected, apply_rules
from dativo.run.environment import environment_of
from dativo.run.invoke import Question
from dativo.run.process import Command
from dativo.run.reason import unanswered
from dativo.run.sides import Side, sides_of
from dativo.run.workspace import Workspace, private_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dativo.connectors.programs import Program
    from dativo.isolation.cgroup import Leaf
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.invoke import Answering
    from dativo.run.sandbox import Sandbox


class Session:
    """The connectors of a job, ready to be called with their configurations in private files.

    Args:
        ready: the job.
        workspace: where the private files are written.
        scratch: directory of its temporary files.
        lock: descriptor of the job's lock, which connectors hold too: while one lives, no other run begins.
        leaves: cgroups for its connectors, if there are any.
    """

    def __init__(
        self,
        ready: ReadyJob,
        workspace: Workspace,
        scratch: Path,
        lock: int | None = None,
        leaves: Leaves | None = None,
    ) -> None:
        self.ready = ready
        self.workspace = workspace
        self.scratch = scratch
        self.sides = sides_of(ready)
        self.tap, self.target = self.sides[0], self.sides[-1]
        self._config_files = {
            side.name: workspace.write_json(f"{side.name}.config.json", dict(side.settings.config))
            for side in self.sides
        }
        self._environs = {
            side.name: environment_of(side, ready, os.environ, scratch / side.name) for side in self.sides
        }
        self.lock = lock
        self.told: dict[str, str] = {}
        self._leaves = leaves or Leaves(None)
        self._leaf_of = {side.name: self._leaves.make(bounds_of(side.settings.limits)) for side in self.sides}
        self._sandbox: Sandbox | None = None
        self._log_config = workspace.write_json("logging.json", _structured_logging(dict(os.environ)))

    def tell(self, variables: Mapping[str, str]) -> None:
        """Adds to the environment of every connector."""
        self.told.update(variables)
        for environ in self._environs.values():
            environ.update(variables)

    def leaf(self, side: Side) -> Leaf | None:
        """The cgroup of a connector, None where there is none."""
        return self._leaf_of[side.name]

    def enforcement(self) -> dict[str, str]:
        """Limit → by what it is enforced on this machine."""
        return enforcement(self._leaves.controllers)

    def configure(self, side: Side, config: Mapping[str, Any]) -> None:
        """Lets a connector be called with another configuration than that of the job file."""
        path = self.workspace.write_json(f"{side.name}.completed.json", dict(config))
        self._config_files[side.name] = path

    def command(self, called: Side | Program, *arguments: str | Path, configured: bool = True) -> Command:
        """A call of a connector.

        Args:
            called: one of this job.
            arguments: what follows the configuration on the command line.
            configured: whether it gets its configuration.
        """
        side = called if isinstance(called, Side) else self._side_of(called)
        config = ("--config", str(self._config_files[side.name])) if configured else ()
        environ = dict(self._environs[side.name])
        if side.program.connector.can("structured-logging"):
            environ["SINGER_SDK_LOG_CONFIG"] = str(self._log_config)
        argv = (str(side.program.executable), *config, *map(str, arguments))
        limits = bounds_of(side.settings.limits).of_the_kernel()
        inherits = () if self.lock is None else (self.lock,)
        leaf = self.leaf(side)
        door = leaf.door if leaf else None
        command = Command(side.name, argv, self.ready.directory, environ, limits, inherits, door)
        if side.settings.sandbox == "none":
            return command
        files = [path for path in arguments if isinstance(path, Path)]
        files += [self._config_files[side.name]] if configured else []
        return self._shut_in(side, command, [*files, self._log_config])

    def close(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()

    def _shut_in(self, side: Side, command: Command, files: list[Path]) -> Command:
        if self._sandbox is None:
            # Loaded late: most jobs have none.
            from dativo.run.sandbox import Sandbox

            self._sandbox = Sandbox(self.ready, self.workspace, self.scratch, self.lock)
        return self._sandbox.around(side, command, files)

    def _side_of(self, program: Program) -> Side:
        return next(side for side in self.sides if side.program is program)

    def discover(
        self, log: ConnectorLog, state: Path | None = None, meanwhile: Callable[[], None] | None = None
    ) -> dict[str, Any]:
        """The catalog of the source; raises ConnectorError if the tap does not give one.

        Args:
            log: is given what the tap says.
            state: file that the tap is given.
            meanwhile: is called again and again while that lasts.
        """
        tap = self.tap
        state_arguments = ("--state", state) if state else ()
        command = self.command(tap, *state_arguments, "--discover")
        with closing(self.question(command, log, seconds=self.ready.job.timeouts.discover)) as question:
            answer = self.answer(question, log, meanwhile)
        try:
            catalog = json.loads(answer)
        except (ValueError, RecursionError) as error:
            raise ConnectorError(
                f"`{tap.name} --discover` answered with something that is not JSON"
            ) from error
        if not isinstance(catalog, dict) or not isinstance(catalog.get("streams"), list):
            raise ConnectorError(f"`{tap.name} --discover` answered with something that is no catalog")
        return catalog

    def _given_catalog(self, written: str) -> dict[str, Any]:
        """The catalog file of the job; raises ProblemsError if it holds none."""
        file = self.ready.directory / Path(written).expanduser()
        place = self.ready.document.place_of(["source", "catalog"])
        try:
            catalog = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ProblemsError([Problem(place, f"{file} cannot be read: {error.strerror}")]) from error
        except ValueError as error:
            raise ProblemsError([Problem(place, f"{file} is not JSON")]) from error
        if not isinstance(catalog, dict) or not isinstance(catalog.get("streams"), list):
            raise ProblemsError([Problem(place, f"{file} is no catalog: it has no list of streams")])
        return catalog

    def selected_catalog(
        self, log: ConnectorLog, state: Path | None = None, meanwhile: Callable[[], None] | None = None
    ) -> tuple[dict[str, Any], list[str]]:
        """The catalog with the selection of the job, and warnings about patterns that match nothing.

        Raises:
            ProblemsError: the selection leaves no stream.
        """
        source = self.ready.job.source
        catalog = (
            self._given_catalog(source.catalog) if source.catalog else self.discover(log, state, meanwhile)
        )
        try:
            return catalog, apply_rules(catalog, source.select, source.metadata, source.schema)
        except NothingSelected as error:
            place = self.ready.document.place_of(["source", "select"])
            raise ProblemsError([Problem(place, f"source.select: {error}")]) from error

    def ask(
        self, command: Command, log: ConnectorLog, *, seconds: float, stdin: int = subprocess.DEVNULL
    ) -> str:
        """What a connector answers on stdout; raises ConnectorError with its last words if it fails."""
        with closing(self.question(command, log, seconds=seconds, stdin=stdin)) as question:
            return self.answer(question, log)

    def question(
        self, command: Command, log: ConnectorLog, *, seconds: float, stdin: int = subprocess.DEVNULL
    ) -> Question:
        """Starts a connector that is to answer on stdout."""
        return Question(command, partial(log.take, command.name), seconds=seconds, stdin=stdin)

    def answer(
        self, question: Answering, log: ConnectorLog, meanwhile: Callable[[], None] | None = None
    ) -> str:
        """What it answers.

        Raises:
            Unanswered: it failed; its last words are in the message.
            ConnectorError: it answers too late, too much or no text.
        """
        try:
            return question.answer(meanwhile) if meanwhile else question.answer()
        except ConnectorError as error:
            if not question.returncode:
                raise
            never = self.ready.job.retries.never
            raise unanswered(error, question.name, question.returncode, log, never) from error


@contextmanager
def open_session(ready: ReadyJob, scratch: Path | None = None, lock: int | None = None) -> Iterator[Session]:
    """Writes the private files of a job; they are gone afterwards.

    Args:
        ready: the job.
        scratch: directory of its temporary files; left out, they are private files too.
        lock: descriptor of the job's lock, if it is held.
    """
    with private_workspace() as workspace, divided(find_ground()) as leaves:
        session = Session(ready, workspace, scratch or workspace.directory, lock, leaves)
        try:
            yield session
        finally:
            session.close()


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
