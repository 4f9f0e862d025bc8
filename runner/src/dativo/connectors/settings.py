"""The JSON Schema of a connector's settings: from its registry, else from the connector itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dativo.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.connectors.probe import AboutCache
    from dativo.connectors.programs import Program
    from dativo.home import Home


def settings_of(program: Program, home: Home) -> Mapping[str, Any] | None:
    """The schema, None if the connector does not tell one.

    Raises:
        ConnectorError: the registry names a file that holds none, or the connector cannot be asked.
    """
    listed = _listed(program)
    if listed is not None:
        return listed
    return _answers(home).about(program.executable, program.fingerprint).settings


def known_settings(program: Program, home: Home) -> Mapping[str, Any] | None:
    """The schema as far as it is known without starting the connector.

    Raises:
        ConnectorError: the registry names a file that holds none.
    """
    listed = _listed(program)
    if listed is not None:
        return listed
    kept = _answers(home).kept(program.executable, program.fingerprint)
    return kept.settings if kept else None


def keep_settings(program: Program, home: Home, answer: Mapping[str, Any]) -> None:
    """Keeps what the connector has answered to `--about`, so that nobody asks again."""
    _answers(home).keep(program.executable, program.fingerprint, answer)


def _listed(program: Program) -> Mapping[str, Any] | None:
    """The schema in the file that the registry names."""
    entry = program.entry
    if entry is None or entry.connector.settings is None:
        return None
    file = entry.file.parent / entry.connector.settings
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConnectorError(f"{program.name}: its settings {file} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise ConnectorError(f"{program.name}: {file} holds no JSON Schema of settings")
    return document


def _answers(home: Home) -> AboutCache:
    from dativo.connectors.probe import AboutCache

    return AboutCache(home.cache("about"))
