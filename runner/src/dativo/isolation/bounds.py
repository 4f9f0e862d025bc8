"""The limits of one connector in plain numbers, and which of them the kernel enforces by itself."""

from __future__ import annotations

import os
from dataclasses import dataclass

MIB = 1 << 20
SHARE_OF_RAM = 0.75
PROCESSES = 512
OPEN_FILES = 4096
LOG_BYTES = 256 * MIB


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one connector, with all that it starts, may use; None is no limit.

    Attributes:
        memory: bytes.
        processes: at once.
        open_files: descriptors of each process.
        cpu_seconds: of all of them together.
        disk: bytes written, or lying in the temporary directory.
        file_size: bytes of one file.
        log_bytes: on stderr.
    """

    memory: int | None = None
    processes: int | None = PROCESSES
    open_files: int | None = OPEN_FILES
    cpu_seconds: int | None = None
    disk: int | None = None
    file_size: int | None = None
    log_bytes: int | None = LOG_BYTES

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


def share_of_ram() -> int:
    """Bytes of memory that a connector may use where nothing else is said."""
    return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * SHARE_OF_RAM)
