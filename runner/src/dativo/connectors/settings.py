"""The JSON Schema of a connector's settings: from its registry, else from the connector itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dativo.connectors.probe import AboutCache
from dativo.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.connectors.programs import Program
    from dativo.home import Home


def settings_of(program: Program, home: Home) -> Mapping[str, Any] | None:
    """The schema, None if the connector does not tell one.

    Raises:
        ConnectorError: the registry names a file that holds none, or the connector cannot be asked.
    """
    entry = program.entry
    if entry is not None and entry.connector.settings is not None:
        file = entry.file.parent / entry.connector.settings
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConnectorError(f"{program.name}: its settings {file} cannot be read: {error}") from error
        if not isinstance(document, dict):
            raise ConnectorError(f"{program.name}: {file} holds no JSON Schema of settings")
        return document
    return AboutCache(home.cache("about")).about(program.executable, program.fingerprint).settings
