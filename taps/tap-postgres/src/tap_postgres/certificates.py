"""Keys and certificates that the settings hold as text, in files that nobody else can read."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

PEM_BEGINS = "-----BEGIN"


class PrivateFiles:
    """A directory of this process that is gone when the context ends."""

    def __init__(self) -> None:
        self._directory: Path | None = None

    def __enter__(self) -> Self:
        """Begin; the directory is made when the first file needs it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the files."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def path_of(self, given: str, name: str) -> str:
        """Return the path of a file that holds what was given: a path as it is, PEM text written out."""
        if PEM_BEGINS not in given:
            return str(Path(given).expanduser())
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="tap-postgres-"))
        path = self._directory / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(pem_text(given))
        return str(path)


def pem_text(pem: str) -> str:
    """Return PEM with line ends: environment variables have them as backslash and n."""
    text = pem.replace("\\n", "\n") if "\n" not in pem.strip() else pem
    return text.strip() + "\n"
