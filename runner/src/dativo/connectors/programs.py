"""From a name in a job to a program on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dativo.connectors.registry import Connector, Entry


@dataclass(frozen=True, slots=True)
class Program:
    """A connector that is installed here."""

    connector: Connector
    executable: Path

    @property
    def name(self) -> str:
        return self.connector.name


def find_program(entry: Entry) -> Program:
    """Finds the executable of a registry entry; raises LookupError with what to install.

    A name is looked for beside the running Python first, so that the connectors of one virtual environment
    belong together whatever PATH says, then on PATH. A path is relative to the registry file that gives it.
    """
    connector = entry.connector
    wanted = connector.executable
    if os.sep in wanted:
        found = shutil.which(str(entry.file.parent / wanted))
        searched = str(entry.file.parent / wanted)
    else:
        beside = Path(sys.executable).parent
        found = shutil.which(wanted, path=str(beside)) or shutil.which(wanted)
        searched = f"{beside} and PATH"
    if found is None:
        raise LookupError(
            f"{connector.name} is in the registry, but its executable {wanted!r} is not installed "
            f"(looked in {searched}): install the package {connector.distribution}"
        )
    return Program(connector, Path(found).absolute())
