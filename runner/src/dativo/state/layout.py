"""Which file holds what: in the home, one directory a job; or beside a file that the job names itself."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote

from dativo.records import dataclass
from dativo.state.store import StateKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dativo.home import Home

STATE = "state.json"
_BESIDE = re.compile(r"(\+(?P<suffix>[^#+]+))?(#(?P<part>[^#]+))?")
_NO_STATE = (".lock", ".damaged")


class Layout(Protocol):
    """Where a local store keeps the files of a key."""

    def state(self, key: StateKey) -> Path: ...
    def lock(self, key: StateKey) -> Path: ...
    def history(self, key: StateKey) -> Path: ...
    def tenants(self) -> list[str | None]: ...
    def keys(self, tenant: str | None) -> Iterator[StateKey]: ...


@dataclass(frozen=True, slots=True)
class HomeLayout:
    """`tenants/TENANT/state/JOB[+SUFFIX]/{state.json,lock,history/,parts/STREAM/…}`."""

    home: Home

    def state(self, key: StateKey) -> Path:
        return self._directory(key) / STATE

    def lock(self, key: StateKey) -> Path:
        return self._directory(key) / "lock"

    def history(self, key: StateKey) -> Path:
        return self._directory(key) / "history"

    def tenants(self) -> list[str | None]:
        return self.home.tenants()

    def keys(self, tenant: str | None) -> Iterator[StateKey]:
        jobs = self.home.tenant(tenant).state("x").parent
        for directory in sorted(jobs.iterdir()) if jobs.is_dir() else ():
            job, _, suffix = directory.name.partition("+")
            whole = StateKey(tenant, job, suffix or None)
            if self.state(whole).is_file():
                yield whole
            for path in sorted(directory.glob(f"parts/*/{STATE}")):
                yield StateKey(tenant, job, suffix or None, unquote(path.parent.name))

    def _directory(self, key: StateKey) -> Path:
        whole = self.home.tenant(key.tenant).state(key.job, key.suffix)
        return whole / "parts" / file_name(key.part) if key.part else whole


@dataclass(frozen=True, slots=True)
class FileLayout:
    """The one file that a job names as `state.path`; everything else is beside it."""

    path: Path
    owner: StateKey

    def state(self, key: StateKey) -> Path:
        suffix = f"+{key.suffix}" if key.suffix else ""
        part = f"#{file_name(key.part)}" if key.part else ""
        return self.path.with_name(self.path.stem + suffix + part + self.path.suffix)

    def lock(self, key: StateKey) -> Path:
        return self._beside(key, "lock")

    def history(self, key: StateKey) -> Path:
        return self._beside(key, "history")

    def tenants(self) -> list[str | None]:
        return [self.owner.tenant]

    def keys(self, tenant: str | None) -> Iterator[StateKey]:
        if tenant != self.owner.tenant or not self.path.parent.is_dir():
            return
        found = [_BESIDE.fullmatch(between) for between in self._between()]
        names = [(match["suffix"] or "", match["part"] or "") for match in found if match]
        for suffix, part in sorted(names):
            yield replace(self.owner, suffix=suffix or None, part=unquote(part) or None)

    def _between(self) -> Iterator[str]:
        """Of files that are named like that of the job, what stands before the ending."""
        stem, kind = self.path.stem, self.path.suffix
        for path in self.path.parent.iterdir():
            # Without an ending of its own, a state looks like what stands beside it.
            if not kind and path.name.endswith(_NO_STATE):
                continue
            if path.name.startswith(stem) and path.name.endswith(kind) and path.is_file():
                yield path.name.removeprefix(stem).removesuffix(kind)

    def _beside(self, key: StateKey, what: str) -> Path:
        path = self.state(key)
        return path.with_name(f"{path.name}.{what}")


def file_name(stream: str) -> str:
    """A stream's name as that of a file: percent-encoded, `.` at its beginning too."""
    encoded = quote(stream, safe="")
    return f"%2E{encoded[1:]}" if encoded.startswith(".") else encoded
