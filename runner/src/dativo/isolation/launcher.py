"""Becomes a connector after it has bound itself: limits of the kernel, a signal when the runner dies.

Run as a script, by a Python of its own (`python -I -S launcher.py BOUNDS PROGRAM ARGUMENT…`), instead of code
between fork and exec in the runner, which is unsafe as soon as the runner has a thread. It imports nothing of
dativo: every millisecond here is one before the first record.

BOUNDS is `name=number,…`: `parent` (process to die with), `report` (descriptor for an errno if the program
cannot be started), `cgroup` (descriptor by which it joins the one that it is bounded in), and limits by their
names in `resource`, such as `NOFILE`.
"""

from __future__ import annotations

# What `signal` brings besides takes as long to load as all the rest.
import _signal as signal  # type: ignore[import-not-found]
import os
import resource
import sys

_PR_SET_PDEATHSIG = 1
_PRIVATE = 0o077
_CPU_SECONDS_TO_LEAVE = 5
"""Between SIGXCPU, which a program may answer, and SIGKILL."""


def main() -> None:
    bounds = {
        name: int(number) for name, _, number in (each.partition("=") for each in sys.argv[1].split(","))
    }
    report = bounds.pop("report")
    os.set_inheritable(report, False)  # noqa: FBT003
    _die_with(bounds.pop("parent"))
    os.umask(_PRIVATE)
    # Python ignores these two, and what is ignored stays so across exec.
    for signum in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(signum, signal.SIG_DFL)
    try:
        if "cgroup" in bounds:
            _join(bounds.pop("cgroup"))
        for name, number in bounds.items():
            _bound(getattr(resource, f"RLIMIT_{name}"), number)
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  (that is its purpose)
    except OSError as error:
        os.write(report, str(error.errno).encode())
        os._exit(127)


def _join(door: int) -> None:
    """Enters the cgroup before anything of the program is there; what is started later is in it too."""
    os.write(door, b"0")
    os.close(door)


def _die_with(parent: int) -> None:
    """On Linux: SIGTERM when the runner dies; at once if it has died before the kernel was asked."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGTERM)


def _bound(which: int, number: int) -> None:
    """Never above what the runner itself may; of CPU time there is a first and a last word."""
    _, highest = resource.getrlimit(which)
    hard = number + _CPU_SECONDS_TO_LEAVE if which == resource.RLIMIT_CPU else number
    if highest != resource.RLIM_INFINITY:
        number, hard = min(number, highest), min(hard, highest)
    resource.setrlimit(which, (number, hard))


if __name__ == "__main__":
    main()
