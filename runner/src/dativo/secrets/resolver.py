"""The secrets of one run: found, read, put into the texts that ask for them, and remembered for hiding."""

from __future__ import annotations

import json
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from dativo.errors import SecretError, SecretMissing
from dativo.secrets.backends import open_backend
from dativo.secrets.parse import parse_payload
from dativo.secrets.scope import scopes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dativo.jobs.project import Project
    from dativo.jobs.secret_text import SecretRef, SecretText
    from dativo.secrets.backends import Backend


@dataclass(frozen=True, slots=True, order=True)
class UsedSecret:
    """A secret that a run has been given: never its value."""

    name: str
    backend: str
    scope: str

    def __str__(self) -> str:
        return f"{self.name} ← {self.backend} ({'global' if self.scope == 'global' else 'tenant'})"


class Secrets:
    """Finds secrets for the jobs of one tenant; each is fetched once, and never kept on disk.

    Args:
        tenant: whose; its scope comes before the global one, and no other is ever looked into.
        backends: in the order they are asked.
    """

    def __init__(self, tenant: str | None, backends: Sequence[Backend]) -> None:
        self._tenant = tenant
        self._backends = tuple(backends)
        self._found: dict[tuple[str, str | None], tuple[Any, UsedSecret]] = {}

    @property
    def used(self) -> list[UsedSecret]:
        """What has been fetched so far, sorted."""
        return sorted({used for _, used in self._found.values()})

    @property
    def warnings(self) -> list[str]:
        """What is to be told of the secrets fetched so far."""
        return [warning for backend in self._backends for warning in backend.warnings]

    @property
    def values(self) -> Iterator[str]:
        """Every value fetched so far, the members of objects and the whole text too, for hiding."""
        for payload, _ in self._found.values():
            yield from _texts_in(payload)
            if not isinstance(payload, str):
                yield json.dumps(payload, ensure_ascii=False)

    def resolve(self, text: SecretText) -> Any:
        """What a text with references stands for; the payload itself if it is one reference and nothing else.

        Raises:
            SecretMissing: no backend has it, or it has no such field.
            SecretBackendDown: a backend does not answer.
            SecretError: a backend refuses, or a payload cannot be read.
        """
        if text.whole is not None:
            return self.value(text.whole)
        return "".join(part if isinstance(part, str) else self._inside(part) for part in text.parts)

    def fetch(self, refs: Iterable[SecretRef]) -> None:
        """Fetches secrets ahead, all backends at once; raises what `resolve` would."""
        wanted = sorted(
            {(ref.name, ref.version or "") for ref in refs} - {(n, v or "") for n, v in self._found}
        )
        if len(wanted) < 2:
            for name, version in wanted:
                self._payload(name, version or None)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=min(len(wanted), 8)) as pool:
            for done in [pool.submit(self._payload, name, version or None) for name, version in wanted]:
                done.result()

    def value(self, ref: SecretRef) -> Any:
        """The payload that a reference means, or the member of it."""
        payload = self._payload(ref.name, ref.version)
        if ref.field is None:
            return payload
        if not isinstance(payload, dict):
            raise SecretMissing(f"${{secret:{ref}}}: the secret {ref.name} is a text, it has no fields")
        if ref.field not in payload:
            has = ", ".join(sorted(map(str, payload))) or "none"
            raise SecretMissing(
                f"${{secret:{ref}}}: the secret {ref.name} has no field {ref.field} (it has {has})"
            )
        return payload[ref.field]

    def places(self, name: str) -> list[str]:
        """Where a secret is looked for, one text a backend, in order."""
        scopes = scopes_of(self._tenant)
        return [", ".join(each.place(scope, name) for scope in scopes) for each in self._backends]

    def origin(self, ref: SecretRef) -> str:
        """Which backend and scope a fetched secret came from: `vault (tenant)`."""
        used = self._found[ref.name, ref.version][1]
        return str(used).partition(" ← ")[2]

    def _inside(self, ref: SecretRef) -> str:
        """A value as part of a longer text."""
        value = self.value(ref)
        if isinstance(value, dict | list):
            raise SecretMissing(
                f"${{secret:{ref}}}: the secret {ref.name} is an object; say which field of it: "
                f"${{secret:{ref.name}#FIELD}}"
            )
        return value if isinstance(value, str) else json.dumps(value)

    def _payload(self, name: str, version: str | None) -> Any:
        if (name, version) not in self._found:
            self._found[name, version] = self._search(name, version)
        return self._found[name, version][0]

    def _search(self, name: str, version: str | None) -> tuple[Any, UsedSecret]:
        for scope in scopes_of(self._tenant):
            for backend in self._backends:
                payload = backend.fetch(scope, name, version)
                if payload is None:
                    continue
                try:
                    value = parse_payload(payload.content, payload.form)
                except ValueError as error:
                    raise SecretError(
                        f"{backend.place(scope, name)}: the secret cannot be read: {error}"
                    ) from error
                return value, UsedSecret(name, backend.name, str(scope))
        raise self._missing(name, version)

    def _missing(self, name: str, version: str | None) -> SecretMissing:
        which = f"version {version} of the secret {name}" if version else f"secret {name}"
        whose = f" for tenant {self._tenant}" if self._tenant else ""
        return SecretMissing(f"no {which}{whose} (looked in {'; '.join(self.places(name)) or 'no backend'})")


def open_secrets(project: Project, tenant: str | None, environ: Mapping[str, str]) -> Secrets:
    """The secrets that jobs of a tenant may use; no backend is reached before one is asked for."""
    sources = project.tenant(tenant).secrets or project.settings.secrets
    return Secrets(tenant, [_Late(source, project.root, environ) for source in sources])


class _Late:
    """A backend that is opened when it is first asked: what it imports is slow."""

    def __init__(self, source: Any, directory: Path, environ: Mapping[str, str]) -> None:
        self.name: str = source.backend
        self._how = (source, directory, environ)
        self._backend: Backend | None = None
        self._opening = Lock()

    @property
    def warnings(self) -> list[str]:
        return self._backend.warnings if self._backend else []

    def place(self, scope: Any, name: str) -> str:
        return self._open().place(scope, name)

    def fetch(self, scope: Any, name: str, version: str | None) -> Any:
        return self._open().fetch(scope, name, version)

    def _open(self) -> Backend:
        with self._opening:
            if self._backend is None:
                self._backend = open_backend(*self._how)
            return self._backend


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for child in value.values():
            yield from _texts_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts_in(child)
    elif value is not None and not isinstance(value, bool):
        yield value if isinstance(value, str) else json.dumps(value)
