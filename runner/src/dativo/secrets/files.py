"""Secrets in files: `DIR/TENANT/NAME[.json|.env|.txt]`, `DIR/global/…`; as orchestrators mount them."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from dativo.errors import SecretError
from dativo.records import dataclass
from dativo.secrets.backends import Payload

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.secrets.parse import Form
    from dativo.secrets.scope import Scope

_ENDINGS: dict[str, Form] = {"": "auto", ".json": "json", ".env": "env", ".txt": "text"}


@dataclass(frozen=True, slots=True)
class FileBackend:
    """Reads below a directory; never through a link out of the tenant's own part of it."""

    directory: Path
    warnings: list[str] = field(default_factory=list)
    name: Final = "files"

    def place(self, scope: Scope, name: str) -> str:
        return f"files {self.directory / str(scope) / name}"

    def fetch(self, scope: Scope, name: str, version: str | None) -> Payload | None:
        del version
        root = self.directory / str(scope)
        for ending, form in _ENDINGS.items():
            path = root / f"{name}{ending}"
            if path.is_file():
                return Payload(self._read(path, root), form)
        return None

    def _read(self, path: Path, root: Path) -> bytes:
        if not path.resolve().is_relative_to(root.resolve()):
            raise SecretError(f"{path} leads out of {root}: a secret lies in the directory of its tenant")
        try:
            # Mounted secrets are often so, and nobody else is in that container: no ground to refuse.
            if path.stat().st_mode & 0o007:
                self.warnings.append(f"{path} can be read by everybody: chmod 600 it")
            return path.read_bytes()
        except OSError as error:
            raise SecretError(f"{path}: the secret cannot be read: {error.strerror}") from error
