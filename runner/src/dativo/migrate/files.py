"""Files that a job of dativo-ingest names."""

from __future__ import annotations

from pathlib import Path


def find_upwards(job: Path, written: str) -> Path | None:
    """The file that a path means: as written, or below a directory that the job file lies in.

    Such paths start where dativo-ingest was called, or where its container had them (`/app/connectors/…`), so
    leading directories are left out as long as one is kept.
    """
    path = Path(written)
    if path.is_absolute() and path.is_file():
        return path
    parts = path.parts[1:] if path.is_absolute() else path.parts
    for start in range(max(1, len(parts) - 1)):
        for directory in job.absolute().parents:
            candidate = directory.joinpath(*parts[start:])
            if candidate.is_file() and candidate != job.absolute():
                return candidate
    return None
