"""Secrets in Google Cloud Secret Manager, by its HTTP API.

Source: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
"""

from __future__ import annotations

from base64 import b64decode
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dativo.errors import SecretBackendDown, SecretError
from dativo.secrets.backends import Payload

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dativo.jobs.secret_backends import GcpSecrets
    from dativo.secrets.scope import Scope

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
SECONDS = 15
_TEMPORARY = {408, 429, 500, 502, 503, 504}


class GcpBackend:
    """Credentials are application default credentials, or a key file.

    Args:
        directory: where a relative key file starts.
        environ: GOOGLE_CLOUD_PROJECT where the project file does not say.
    """

    name = "gcp"

    def __init__(self, source: GcpSecrets, directory: Path, environ: Mapping[str, str]) -> None:
        self._source = source
        self._directory = directory
        self._environ = environ
        self._opening = Lock()
        self._session: Any = None
        self.warnings: list[str] = []

    def place(self, scope: Scope, name: str) -> str:
        return f"gcp {self._project}/{scope.place(self._source.name, name)}"

    def fetch(self, scope: Scope, name: str, version: str | None) -> Payload | None:
        place = self.place(scope, name)
        exceptions, requests = _libraries()
        which = quote(version or self._source.version, safe="")
        secret = quote(scope.place(self._source.name, name), safe="")
        url = f"{self._source.endpoint}/v1/projects/{self._project}/secrets/{secret}/versions/{which}:access"
        try:
            answer = self._opened().get(url, timeout=SECONDS)
        except (exceptions.TransportError, requests.RequestException) as error:
            raise SecretBackendDown(f"{place}: {self._source.endpoint} does not answer") from error
        except (exceptions.GoogleAuthError, OSError, ValueError) as error:
            raise SecretError(f"{place}: no access to Google Cloud: {error}") from error
        return _payload(answer, place)

    @property
    def _project(self) -> str:
        project = self._source.project or self._environ.get("GOOGLE_CLOUD_PROJECT")
        if not project:
            raise SecretError("gcp: say which project: `project` in dativo.yaml, or GOOGLE_CLOUD_PROJECT")
        return project

    def _opened(self) -> Any:
        with self._opening:
            if self._session is None:
                from google.auth.transport.requests import AuthorizedSession

                self._session = AuthorizedSession(self._credentials())  # type: ignore[no-untyped-call]
            return self._session

    def _credentials(self) -> Any:
        if self._source.credentials_file:
            from google.oauth2.service_account import Credentials

            file = str(self._directory / self._source.credentials_file)
            load: Any = Credentials.from_service_account_file
            return load(file, scopes=[SCOPE])
        import google.auth

        return google.auth.default(scopes=[SCOPE])[0]


def _payload(answer: Any, place: str) -> Payload | None:
    if answer.status_code == 404:
        return None
    if answer.status_code in _TEMPORARY:
        raise SecretBackendDown(f"{place}: Secret Manager does not answer: {answer.status_code}")
    if answer.status_code != 200:
        raise SecretError(f"{place}: Secret Manager refuses: {_reason(answer)}")
    payload = answer.json()["payload"]
    data = b64decode(payload["data"])
    if "dataCrc32c" in payload and int(payload["dataCrc32c"]) != crc32c(data):
        raise SecretBackendDown(f"{place}: what came is not what Secret Manager sent (its checksum differs)")
    return Payload(data)


def _reason(answer: Any) -> str:
    try:
        error = answer.json()["error"]
        return f"{error['status']}: {error['message']}"
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), as Google sends it; payloads have at most 64 KiB."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _libraries() -> tuple[Any, Any]:
    try:
        import google.auth.exceptions
        import requests
    except ImportError as error:
        raise SecretError("gcp: it needs google-auth: pip install 'dativo[gcp]'") from error
    return google.auth.exceptions, requests
