"""Where the runner keeps what outlives a run; the only place that knows these paths.

    .dativo/
        .gitignore
        cache/{about,catalog}/          answers of connectors
        venvs/NAME/VERSION-LOCK/        installed connectors
        migrations/ID/                  what a migration replaced
        tenants/TENANT/                 one directory a tenant, `_` for jobs without one
            state/JOB[+SUFFIX]/         state.json, lock, history/, parts/
            runs/JOB/RUN/               run.json, report.json, summary.txt, log.jsonl
            audit/                      2026-11.jsonl, HEAD
            work/                       temporary directories of connectors

Everything in it is made for its owner alone: directories 0700, files 0600.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dativo.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY = ".dativo"
NO_TENANT = "_"


@dataclass(frozen=True, slots=True)
class TenantHome:
    """What one tenant's jobs keep; no path of it is shared with another tenant."""

    root: Path

    def state(self, job: str, suffix: str | None = None) -> Path:
        """Directory of the state of a job; `+` stands in no name, so it joins without doubt."""
        return self.root / "state" / (f"{job}+{suffix}" if suffix else job)

    def runs(self, job: str) -> Path:
        return self.root / "runs" / job

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def work(self) -> Path:
        return self.root / "work"


@dataclass(frozen=True, slots=True)
class Home:
    """The `.dativo` directory of a project."""

    root: Path

    def tenant(self, tenant: str | None) -> TenantHome:
        return TenantHome(self.root / "tenants" / (tenant or NO_TENANT))

    def tenants(self) -> list[str | None]:
        """Everyone who has kept something here, None for jobs without a tenant, sorted."""
        directory = self.root / "tenants"
        found = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
        return [None if name == NO_TENANT else name for name in found]

    def cache(self, kind: str) -> Path:
        return self.root / "cache" / kind

    @property
    def venvs(self) -> Path:
        return self.root / "venvs"

    @property
    def migrations(self) -> Path:
        return self.root / "migrations"


def make_private(directory: Path) -> Path:
    """Makes a directory and what is missing above it, for its owner alone.

    A `.dativo` made on the way keeps itself out of git.
    """
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        if each.name == DIRECTORY:
            ignored = each / ".gitignore"
            ignored.touch(0o600)
            ignored.write_text("*\n", encoding="utf-8")
    return directory


def open_private(path: Path, flags: int) -> int:
    """Opens a file, made 0600 if it is made; never through a symbolic link, never inherited."""
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
