"""Who holds connectors to their limits on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo.jobs.limits import Limits

CGROUP, WATCH, RLIMIT, RUNNER, NOBODY = "cgroup", "watch", "rlimit", "runner", "none"
_ONLY_ON_REQUEST = {
    "memory": "it needs Linux",
    "disk": "it needs Linux",
    "cpu_share": "it needs a cgroup (v2) with the controller cpu that is left to dativo",
}
"""Limits that hold only if a job asks for them, and what is missing where nothing enforces them."""


def enforcement(controllers: frozenset[str], *, proc: Path = Path("/proc/self")) -> dict[str, str]:
    """Limit → by what it is enforced: `cgroup`, `watch`, `rlimit`, `runner` or `none`.

    Args:
        controllers: what connectors are bounded by in cgroups of their own (`Ground.controllers`).
        proc: what there is where processes can be watched.
    """
    watch = WATCH if sys.platform == "linux" and proc.exists() else NOBODY
    return {
        "memory": CGROUP if "memory" in controllers else watch,
        "processes": watch,
        "open_files": RLIMIT,
        "cpu_seconds": RLIMIT,
        "cpu_share": CGROUP if "cpu" in controllers else NOBODY,
        "disk": watch,
        "file_size": RLIMIT,
        "log_bytes": RUNNER,
    }


def not_enforced(asked: Iterable[Limits], enforced: Mapping[str, str]) -> list[str]:
    """What to say of limits that connectors are to have, and that nothing here holds them to.

    Args:
        asked: the limits of each connector.
        enforced: of `enforcement`.
    """
    every = tuple(asked)
    return [
        f"limits.{limit} is not enforced here: {needed}"
        for limit, needed in _ONLY_ON_REQUEST.items()
        if enforced[limit] == NOBODY and any(getattr(each, limit) is not None for each in every)
    ]
