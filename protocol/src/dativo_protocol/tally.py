"""Where the records of a run went: nothing that was read may be missing from the sum."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counts of one run; at its clean end `read = written + deleted + quarantined + skipped`.

    Attributes:
        read: records, and lines that could not be used; counted where they are read, by the loop for its
            input and by a loader for what it reads itself from batch files.
        written: records that the destination has now.
        deleted: records that deleted a row and became none.
        quarantined: kept aside because they did not fit.
        skipped: dropped because they did not fit.
    """

    read: int = 0
    written: int = 0
    deleted: int = 0
    quarantined: int = 0
    skipped: int = 0

    @property
    def missing(self) -> int:
        """Records that were read and are not accounted for; 0 unless there is a defect."""
        return self.read - self.written - self.deleted - self.quarantined - self.skipped

    def counts(self) -> dict[str, int]:
        """All counts by name; `deleted` only where a destination deletes rows."""
        deleted = {"deleted": self.deleted} if self.deleted else {}
        counted = {"read": self.read, "written": self.written, **deleted}
        return {**counted, "quarantined": self.quarantined, "skipped": self.skipped}

    def __str__(self) -> str:
        read, *others = self.counts().items()
        parts = ", ".join(f"{count:,} {name}" for name, count in others)
        return f"{read[1]:,} records read: {parts}"
