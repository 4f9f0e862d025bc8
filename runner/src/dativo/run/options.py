"""What the command line says of one run alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of `dativo run` that are of no meaning to the job itself.

    Attributes:
        full_refresh: load everything anew, as if nothing had been loaded before.
        wait: seconds to wait for another run of the job.
    """

    full_refresh: bool = False
    wait: float = 0.0
