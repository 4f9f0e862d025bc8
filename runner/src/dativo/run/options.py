"""What the command line says of one run alone."""

from __future__ import annotations

from dativo.records import dataclass


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of `dativo run` that are of no meaning to the job itself.

    Attributes:
        full_refresh: load everything anew, as if nothing had been loaded before.
        wait: seconds to wait for another run of the job.
        limit: records of each stream to load; no state is kept then.
        dry_run: load nothing, and say what would be loaded.
    """

    full_refresh: bool = False
    wait: float = 0.0
    limit: int | None = None
    dry_run: bool = False

    @property
    def is_sample(self) -> bool:
        return self.dry_run or self.limit is not None
