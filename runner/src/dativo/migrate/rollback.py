"""Writes a migration, with a copy of everything it replaces; and takes one back, byte for byte."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dativo.errors import RunnerError
from dativo.home import make_private, open_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dativo.home import Home
    from dativo.migrate.migration import Migration

MANIFEST = "manifest.json"


def changes(migration: Migration) -> dict[Path, str]:
    """The files that would change, with their new texts."""
    return {path: text for path, text in sorted(migration.files.items()) if _present(path) != text.encode()}


def diff_lines(migration: Migration) -> Iterator[str]:
    """Every change as a unified diff."""
    for path, text in changes(migration).items():
        before = _present(path)
        old = (before or b"").decode(errors="replace").splitlines(keepends=True)
        source = str(path) if before is not None else "/dev/null"
        for line in difflib.unified_diff(old, text.splitlines(keepends=True), source, str(path)):
            yield line.rstrip("\n")


def write_migration(migration: Migration, home: Home) -> str | None:
    """Writes what changes, after copying what it replaces.

    Returns:
        Id to roll it back with, None if nothing had to be written.
    """
    changed = changes(migration)
    if not changed:
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    migration_id = f"{stamp}-{secrets.token_hex(3)}"
    directory = make_private(home.migrations / migration_id)
    entries: list[dict[str, Any]] = []
    for number, (path, text) in enumerate(changed.items()):
        before = _present(path)
        copy = f"{number}{path.suffix}" if before is not None else None
        if copy is not None and before is not None:
            _keep(directory / copy, before)
        digest = hashlib.sha256(text.encode()).hexdigest()
        entries.append({"path": str(path.absolute()), "before": copy, "sha256": digest})
    _keep(directory / MANIFEST, json.dumps({"version": 1, "files": entries}, indent=2).encode())
    for path, text in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return migration_id


def roll_back(migration_id: str, home: Home) -> list[str]:
    """Puts back what a migration replaced, and removes what it made.

    Returns:
        One line for each file. A file that has been changed since stays, and its line says so.

    Raises:
        RunnerError: there is no such migration.
    """
    from pathlib import Path

    directory = home.migrations / migration_id
    known = sorted(each.name for each in home.migrations.glob("*")) if home.migrations.is_dir() else []
    if migration_id not in known:
        raise RunnerError(
            f"no migration {migration_id!r} in {home.migrations}; there are: {', '.join(known) or 'none'}"
        )
    manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    said = []
    for entry in manifest["files"]:
        path = Path(entry["path"])
        present = _present(path)
        if present is None:
            said.append(f"{path}: is not there any more")
        elif hashlib.sha256(present).hexdigest() != entry["sha256"]:
            said.append(f"{path}: has been changed since and stays as it is")
        elif entry["before"] is None:
            path.unlink()
            said.append(f"{path}: removed")
        else:
            path.write_bytes((directory / entry["before"]).read_bytes())
            said.append(f"{path}: as it was")
    return said


def _keep(file: Path, content: bytes) -> None:
    """For the owner alone: what was replaced may hold more than its own file showed to others."""
    with os.fdopen(open_private(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as kept:
        kept.write(content)


def _present(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
