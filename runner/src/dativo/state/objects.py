"""States in object stores: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

Names are those of the home: `PREFIX/tenants/TENANT/state/JOB/{state.json,lock.json,history/…}`. Every write
says which version it replaces, and the store refuses it if another is there.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dativo.errors import StateConflict, StateDamaged, StateError, StateUnreachable
from dativo.home import NO_TENANT
from dativo.state.buckets import open_bucket
from dativo.state.envelope import Envelope, now, seal, unseal
from dativo.state.layout import file_name
from dativo.state.lease import TTL_SECONDS, Lease, leased, release_lease
from dativo.state.store import HISTORY, Owner, StateKey, Stored, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dativo.state.lease import LeaseHeld

STATE = "state.json"


class ObjectStore:
    """A store of states in a bucket.

    Args:
        url: `s3://BUCKET/PREFIX`, `gs://…`, `az://…`; credentials and endpoints come from the variables that
            the cloud's own tools use.
        history: how many versions of each key are kept.
        ttl: seconds after which a run that does not answer loses its hold.
        options: of obstore, in place of variables.
    """

    pace = 1.0

    def __init__(
        self,
        url: str,
        *,
        history: int = HISTORY,
        ttl: float = TTL_SECONDS,
        options: dict[str, Any] | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._history = max(history, 1)
        self._ttl = ttl
        self._options = options or {}
        self._opened: Any = None

    def place(self, key: StateKey) -> str:
        return f"{self._url}/{_directory(key)}/{STATE}"

    def tenants(self) -> list[str | None]:
        import obstore

        with self._asking(self._url):
            listed = obstore.list_with_delimiter(self._store, "tenants/")
        names = sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in listed["common_prefixes"])
        return [None if name == NO_TENANT else name for name in names]

    def keys(self, tenant: str | None) -> Iterator[StateKey]:
        top = f"tenants/{tenant or NO_TENANT}/state/"
        found = [path.removeprefix(top).split("/") for path in self._list(top)]
        for parts in sorted(found):
            job, _, suffix = parts[0].partition("+")
            if parts[1:] == [STATE]:
                yield StateKey(tenant, job, suffix or None)
            elif len(parts) == 4 and parts[1] == "parts" and parts[3] == STATE:
                yield StateKey(tenant, job, suffix or None, unquote(parts[2]))

    def read(self, key: StateKey) -> Stored | None:
        found = self._get(f"{_directory(key)}/{STATE}")
        if found is None:
            return None
        return _stored(unseal(found[0], str(key), self.place(key)), found[1])

    def write(self, key: StateKey, text: str, *, run: str, after: Stored | None) -> Stored:
        seq = after.seq + 1 if after else 1 + max(self._kept(key), default=0)
        envelope = Envelope(str(key), text, seq, run, now())
        path = f"{_directory(key)}/{STATE}"
        try:
            return _stored(envelope, self._put(path, seal(envelope), after.tag if after else None))
        except StateConflict:
            # A write whose answer was lost is tried again, and meets itself.
            found = self._get(path)
            if found and found[0] == seal(envelope):
                return _stored(envelope, found[1])
            raise

    def versions(self, key: StateKey) -> list[Version]:
        kept = [self._version(key, seq) for seq in self._kept(key)]
        return [Version(each.seq, each.at, each.run, each.reason) for each in kept]

    def version(self, key: StateKey, seq: int) -> str:
        kept = self._kept(key)
        if seq not in kept:
            known = ", ".join(map(str, kept)) or "nothing"
            raise StateError(f"{key}: the history holds no state number {seq} (it holds {known})")
        return self._version(key, seq).text

    def keep(self, key: StateKey, reason: str) -> None:
        present = self.read(key)
        if present is None:
            return
        envelope = Envelope(str(key), present.text, present.seq, present.run, present.at, reason)
        with suppress(StateConflict):  # it is there already
            self._put(_past(key, present.seq), seal(envelope), None)
        for seq in self._kept(key)[self._history :]:
            self._delete(_past(key, seq))

    def remove(self, key: StateKey) -> None:
        path = f"{_directory(key)}/{STATE}"
        try:
            self.keep(key, "cleared")
        except StateDamaged:
            self._put_aside(path)
        self._delete(path)

    def _put_aside(self, path: str) -> None:
        found = self._get(path)
        if found is not None:
            self._delete(f"{path}.damaged")
            self._put(f"{path}.damaged", found[0], None)

    def unlock(self, key: StateKey, *, force: bool) -> list[str]:
        box = _Box(self, key)
        try:
            return release_lease(box, str(key), force=force)
        except StateDamaged:
            if not force:
                raise
            box.remove()
            return [f"the lock of {key} was damaged", "it is removed"]

    @contextmanager
    def lock(self, key: StateKey, owner: Owner, wait: float = 0.0) -> Iterator[LeaseHeld]:
        with leased(_Box(self, key), str(key), owner, wait, ttl=self._ttl) as held:
            yield held

    def _kept(self, key: StateKey) -> list[int]:
        """Numbers of the history, newest first."""
        names = [
            path.rpartition("/")[2].removesuffix(".json")
            for path in self._list(f"{_directory(key)}/history/")
        ]
        return sorted((int(name) for name in names if name.isdecimal()), reverse=True)

    def _version(self, key: StateKey, seq: int) -> Envelope:
        place = f"{self._url}/{_past(key, seq)}"
        found = self._get(_past(key, seq))
        if found is None:
            raise StateError(f"{place}: it has gone meanwhile")
        return unseal(found[0], str(key), place)

    def _get(self, path: str) -> tuple[bytes, str] | None:
        import obstore
        from obstore.exceptions import NotFoundError

        with self._asking(path):
            try:
                answer = obstore.get(self._store, path)
            except (NotFoundError, FileNotFoundError):
                return None
            return bytes(answer.bytes()), _tag(answer.meta)

    def _put(self, path: str, content: bytes, after: str | None) -> str:
        import obstore

        mode: Any = "create" if after is None else json.loads(after)
        with self._asking(path):
            return _tag(obstore.put(self._store, path, content, mode=mode, use_multipart=False))

    def _delete(self, path: str) -> None:
        import obstore
        from obstore.exceptions import NotFoundError

        with self._asking(path), suppress(NotFoundError, FileNotFoundError):
            obstore.delete(self._store, path)

    def _list(self, prefix: str) -> list[str]:
        import obstore

        with self._asking(prefix):
            return [meta["path"] for chunk in obstore.list(self._store, prefix) for meta in chunk]

    @contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        """Errors of the store in our words."""
        from obstore.exceptions import (
            AlreadyExistsError,
            BaseError,
            PermissionDeniedError,
            PreconditionError,
            UnauthenticatedError,
        )

        place = f"{self._url}/{path}" if path != self._url else path
        try:
            yield
        except (AlreadyExistsError, PreconditionError) as error:
            raise StateConflict(
                f"{place}: another process has stored a state meanwhile: run again"
            ) from error
        except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
            raise StateError(f"{place}: the store does not let us: {_line(error)}") from error
        except (BaseError, OSError) as error:
            raise StateUnreachable(f"{place}: the store does not answer: {_line(error)}") from error

    @property
    def _store(self) -> Any:
        if self._opened is None:
            self._opened = open_bucket(self._url, self._options)
        return self._opened


class _Box:
    """The lease of a key as an object."""

    def __init__(self, store: ObjectStore, key: StateKey) -> None:
        self._get: Callable[[str], tuple[bytes, str] | None] = store._get  # noqa: SLF001  (its other half)
        self._put: Callable[[str, bytes, str | None], str] = store._put  # noqa: SLF001
        self._delete: Callable[[str], None] = store._delete  # noqa: SLF001
        self._path = f"{_directory(key)}/lock.json"

    def read(self) -> tuple[Lease, str] | None:
        found = self._get(self._path)
        if found is None:
            return None
        try:
            content = json.loads(found[0])
            return Lease(Owner(**content["owner"]), float(content["until"])), found[1]
        except (ValueError, TypeError, KeyError) as error:
            raise StateDamaged(
                f"{self._path}: the lock is damaged; dativo state unlock --yes removes it"
            ) from error

    def remove(self) -> None:
        self._delete(self._path)

    def put(self, lease: Lease, after: str | None) -> str:
        return self._put(
            self._path, json.dumps({"owner": asdict(lease.owner), "until": lease.until}).encode(), after
        )


def _directory(key: StateKey) -> str:
    suffix = f"+{key.suffix}" if key.suffix else ""
    whole = f"tenants/{key.tenant or NO_TENANT}/state/{key.job}{suffix}"
    return f"{whole}/parts/{file_name(key.part)}" if key.part else whole


def _past(key: StateKey, seq: int) -> str:
    return f"{_directory(key)}/history/{seq:08d}.json"


def _tag(meta: Any) -> str:
    """What the store compares: Google goes by the version, the others by the tag of the content."""
    return json.dumps({name: meta[name] for name in ("e_tag", "version") if meta.get(name)})


def _stored(envelope: Envelope, tag: str) -> Stored:
    return Stored(envelope.text, envelope.seq, envelope.run, envelope.at, tag)


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
