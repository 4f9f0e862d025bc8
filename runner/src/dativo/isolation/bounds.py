"""The limits of one connector in plain numbers, and which of them the kernel enforces by itself."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from dativo.records import dataclass

if TYPE_CHECKING:
    from dativo.jobs.limits import Limits

MIB = 1 << 20
SHARE_OF_RAM = 0.75


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one connector, with all that it starts, may use; None is no limit.

    Attributes:
        memory: bytes.
        processes: at once.
        open_files: descriptors of each process.
        cpu_seconds: of all of them together.
        cpu_share: processors at once, all of them together.
        disk: bytes written, or lying in the temporary directory.
        file_size: bytes of one file.
        log_bytes: on stderr.
    """

    memory: int | None = None
    processes: int | None = None
    open_files: int | None = None
    cpu_seconds: int | None = None
    cpu_share: float | None = None
    disk: int | None = None
    file_size: int | None = None
    log_bytes: int | None = None

    def of_the_kernel(self) -> dict[str, int]:
        """Limits that each process carries itself, by their names in `resource`.

        The one on memory is a second line behind the watch: it counts what is reserved (stacks of threads,
        arenas), not what is used, so it leaves room.
        """
        limits = {
            "DATA": None if self.memory is None else max(2 * self.memory, self.memory + 512 * MIB),
            "NOFILE": self.open_files,
            "FSIZE": self.file_size,
            "CPU": self.cpu_seconds,
            "CORE": 0,
        }
        return {name: number for name, number in limits.items() if number is not None}


def bounds_of(limits: Limits) -> Bounds:
    """What a job says, completed with what holds where it says nothing."""
    return Bounds(
        memory=_plain(limits.memory) or share_of_ram(),
        processes=limits.processes,
        open_files=limits.open_files,
        cpu_seconds=_plain(limits.cpu_seconds),
        cpu_share=limits.cpu_share,
        disk=_plain(limits.disk),
        file_size=_plain(limits.file_size),
        log_bytes=_plain(limits.log_bytes),
    )


def _plain(number: float | None) -> int | None:
    """A whole number that shows itself as one, unlike times and amounts of a job."""
    return None if number is None else math.ceil(number)


def share_of_ram() -> int:
    """Bytes of memory that a connector may use where nothing else is said."""
    return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * SHARE_OF_RAM)
