"""What a connector uses, and what is said when that is too much."""

from __future__ import annotations

from dativo.records import dataclass

_KIB = 1024
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a connector and all that it started use, or have used.

    Attributes:
        memory: bytes in RAM that are its own (anonymous and shared memory).
        processes: how many there are.
        cpu: seconds.
        disk: bytes it has written to disk, or that lie in its temporary directory.
        read, sent: bytes that it has read and written anywhere, pipes included.
    """

    memory: int = 0
    processes: int = 0
    cpu: float = 0.0
    disk: int = 0
    read: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that was exceeded.

    Attributes:
        side: name of the connector.
        limit: key of `limits`.
        measured: in the unit of the limit.
        allowed: the limit.
    """

    side: str
    limit: str
    measured: float
    allowed: float

    def __str__(self) -> str:
        """`tap-hog was stopped: it used 2.1 GiB of memory, limits.memory is 2.0 GiB`."""
        used = _PHRASES[self.limit].format(_amount(self.limit, self.measured))
        allowed = _amount(self.limit, self.allowed)
        return f"{self.side} was stopped: it {used}, limits.{self.limit} is {allowed}"


_PHRASES = {
    "memory": "used {} of memory",
    "processes": "ran {} processes at once",
    "cpu_seconds": "used {} of CPU time",
    "disk": "wrote {} to disk",
    "file_size": "wrote a file of more than {}",
    "log_bytes": "logged {}",
}
_COUNTED = {"processes"}
_SECONDS = {"cpu_seconds"}


def _amount(limit: str, number: float) -> str:
    if limit in _COUNTED:
        return f"{number:,.0f}"
    if limit in _SECONDS:
        return f"{number:,.0f} s"
    return in_bytes(number)


def in_bytes(number: float) -> str:
    """`2.1 GiB`."""
    for unit in _UNITS[:-1]:
        if number < _KIB:
            return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"
        number /= _KIB
    return f"{number:,.1f} {_UNITS[-1]}"
