"""Where secrets come from: the seam of backends, and their table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dativo.jobs.secret_backends import AwsSecrets, EnvSecrets, FileSecrets, GcpSecrets, VaultSecrets
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dativo.jobs.secret_backends import SecretSource
    from dativo.secrets.parse import Form
    from dativo.secrets.scope import Scope


@dataclass(frozen=True, slots=True)
class Payload:
    """What a backend holds under a name.

    Attributes:
        form: how it is to be read, if the place says so.
    """

    content: str | bytes
    form: Form = "auto"


class Backend(Protocol):
    """One place that secrets come from."""

    @property
    def name(self) -> str:
        """As in `secrets: [{backend: NAME}]`."""

    @property
    def warnings(self) -> list[str]:
        """What is to be told of the secrets fetched so far; never a value."""

    def place(self, scope: Scope, name: str) -> str:
        """Where a secret would be, for messages: `vault secret/acme/pg`."""

    def fetch(self, scope: Scope, name: str, version: str | None) -> Payload | None:
        """The payload; None if there is no such secret.

        Raises:
            SecretBackendDown: it does not answer, or not now.
            SecretError: it does not let us.
        """


def open_backend(source: SecretSource, directory: Path, environ: Mapping[str, str]) -> Backend:
    """The backend that a project names.

    Args:
        directory: of the project; relative paths start there.
        environ: of this process; addresses and credentials that the project file leaves out.

    Raises:
        SecretError: what it needs is not installed, or not said.
    """
    if isinstance(source, EnvSecrets):
        from dativo.secrets.env import EnvBackend

        return EnvBackend(environ)
    if isinstance(source, FileSecrets):
        from dativo.secrets.files import FileBackend

        return FileBackend(directory / source.dir)
    if isinstance(source, VaultSecrets):
        from dativo.secrets.vault import VaultBackend

        return VaultBackend(source, environ)
    if isinstance(source, AwsSecrets):
        from dativo.secrets.aws import AwsBackend

        return AwsBackend(source)
    assert isinstance(source, GcpSecrets)
    from dativo.secrets.gcp import GcpBackend

    return GcpBackend(source, directory, environ)
