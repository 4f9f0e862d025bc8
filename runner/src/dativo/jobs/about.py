"""The settings that connectors declare (`--about`), each connector asked once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.errors import ConnectorError
from dativo.run.invoke import ask
from dativo.run.process import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.connectors.programs import Program

ANSWER_SECONDS = 60.0


class Abouts:
    """Answers of connectors to `--about`, kept for as long as this process runs."""

    def __init__(self) -> None:
        self._known: dict[Path, Mapping[str, Any] | ConnectorError] = {}

    def settings(self, program: Program) -> Mapping[str, Any] | None:
        """JSON Schema of a connector's settings; None if it does not say.

        Raises:
            ConnectorError: it does not start, or its answer is no description of settings.
        """
        if not program.connector.can("about"):
            return None
        if program.executable not in self._known:
            try:
                self._known[program.executable] = _asked(program)
            except ConnectorError as error:
                self._known[program.executable] = error
        found = self._known[program.executable]
        if isinstance(found, ConnectorError):
            raise found
        return found


def _asked(program: Program) -> dict[str, Any]:
    argv = (str(program.executable), "--about", "--format=json")
    command = Command(program.name, argv, Path.cwd(), dict(os.environ))
    return settings_in(ask(command, lambda _: None, seconds=ANSWER_SECONDS), program.name)


def settings_in(answer: str, name: str) -> dict[str, Any]:
    """The settings in what `--about --format=json` answers; raises ConnectorError if there are none."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        settings = json.loads(answer)["settings"]
        Draft202012Validator.check_schema(settings)
    except (ValueError, TypeError, KeyError, SchemaError) as error:
        raise ConnectorError(
            f"`{name} --about --format=json` does not give a JSON Schema of settings"
        ) from error
    if not isinstance(settings, dict):
        raise ConnectorError(f"`{name} --about --format=json` does not give an object of settings")
    return settings
