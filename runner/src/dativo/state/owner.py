"""Who holds a state, in words and as this process."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from dativo.errors import StateBusy
from dativo.state.envelope import now
from dativo.state.store import Owner


def new_run() -> str:
    """A name for a run or a command: `20261123T190000.123Z-1f2e3d`, sorted by time.

    Runs of one job follow each other within a second, so its milliseconds are part of it.
    """
    began = datetime.now(UTC)
    return f"{began:%Y%m%dT%H%M%S}.{began.microsecond // 1000:03}Z-{os.urandom(3).hex()}"


def this_process(run: str) -> Owner:
    """This process as the owner of a state."""
    return Owner(run, os.uname().nodename, os.getpid(), now())


def busy(what: str, owner: Owner | None) -> StateBusy:
    """The error of a key that another run holds; a run that has just begun may not have said its name yet."""
    if owner is None:
        return StateBusy(f"{what} is being run by another process: wait for it, or dativo run --wait 10m")
    clock = owner.since.partition("T")[2][:8]
    since = f" since {clock}" if clock else ""
    return StateBusy(
        f"{what} is being run{since} by run {owner.run} (host {owner.host}, pid {owner.pid}): "
        "wait for it, or dativo run --wait 10m"
    )
