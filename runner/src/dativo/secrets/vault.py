"""Secrets in HashiCorp Vault or OpenBao, by their key-value engine, version 1 or 2."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from dativo.errors import SecretBackendDown, SecretError
from dativo.secrets.backends import Payload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.jobs.secret_backends import VaultSecrets
    from dativo.secrets.scope import Scope

SECONDS = 15


class VaultBackend:
    """Logs in when the first secret is asked for.

    Args:
        environ: VAULT_ADDR, VAULT_NAMESPACE where the project does not say; VAULT_TOKEN, or VAULT_ROLE_ID and
            VAULT_SECRET_ID.
    """

    name = "vault"

    def __init__(self, source: VaultSecrets, environ: Mapping[str, str]) -> None:
        self._source = source
        self._environ = environ
        self._opening = Lock()
        self._client: Any = None
        self.warnings: list[str] = []

    def place(self, scope: Scope, name: str) -> str:
        return f"vault {self._source.mount}/{scope.place(self._source.path, name)}"

    def fetch(self, scope: Scope, name: str, version: str | None) -> Payload | None:
        place = self.place(scope, name)
        exceptions = _exceptions()
        try:
            members = self._read(scope.place(self._source.path, name), version)
        except exceptions.InvalidPath as error:
            # 404 is said of an engine that is not there too, and that is no missing secret.
            if "no handler for route" in str(error):
                raise SecretError(f"{place}: there is no engine mounted at {self._source.mount!r}") from error
            return None
        except (exceptions.Forbidden, exceptions.Unauthorized) as error:
            raise SecretError(f"{place}: permission denied by {self._address}") from error
        except (exceptions.InvalidRequest, ValueError) as error:
            raise SecretError(f"{place}: {_line(error)}") from error
        except (exceptions.VaultError, _connection_error()) as error:
            raise SecretBackendDown(f"{place}: {self._address} does not answer: {_line(error)}") from error
        return Payload(json.dumps(members), "json")

    def _read(self, path: str, version: str | None) -> Any:
        engine, mount = self._logged_in().secrets.kv, self._source.mount
        if self._source.kv == 1:
            return engine.v1.read_secret(path, mount_point=mount)["data"]
        answer = engine.v2.read_secret_version(
            path,
            version=int(version) if version else None,
            mount_point=mount,
            raise_on_deleted_version=True,
        )
        return answer["data"]["data"]

    @property
    def _address(self) -> str:
        address = self._source.address or self._environ.get("VAULT_ADDR")
        if not address:
            raise SecretError("vault: say where it is: `address` in dativo.yaml, or VAULT_ADDR")
        return address

    def _logged_in(self) -> Any:
        with self._opening:
            if self._client is None:
                self._client = self._log_in()
            return self._client

    def _log_in(self) -> Any:
        import hvac  # type: ignore[import-untyped]

        namespace = self._source.namespace or self._environ.get("VAULT_NAMESPACE")
        client = hvac.Client(url=self._address, namespace=namespace, timeout=SECONDS)
        if self._source.auth == "token":
            client.token = self._token()
        else:
            client.token = None
            client.auth.approle.login(self._variable("VAULT_ROLE_ID"), self._variable("VAULT_SECRET_ID"))
        return client

    def _token(self) -> str:
        file = Path(self._environ.get("HOME", "/")) / ".vault-token"
        if "VAULT_TOKEN" not in self._environ and file.is_file():
            return file.read_text(encoding="utf-8").strip()
        return self._variable("VAULT_TOKEN")

    def _variable(self, name: str) -> str:
        if not self._environ.get(name):
            raise SecretError(f"vault: {name} is not set, and `auth: {self._source.auth}` needs it")
        return self._environ[name]


def _exceptions() -> Any:
    try:
        import hvac.exceptions  # type: ignore[import-untyped]
    except ImportError as error:
        raise SecretError("vault: it needs hvac: pip install 'dativo[vault]'") from error
    return hvac.exceptions


def _connection_error() -> type[Exception]:
    import requests

    return requests.exceptions.RequestException


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
