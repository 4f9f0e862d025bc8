"""Control groups (cgroup v2): a leaf for each connector, in which the kernel itself counts, bounds and ends.

Only what was handed to this process is divided, never a mount made, never version 1 touched. Where anything
is missing or not allowed there are no leaves, and the watch bounds connectors alone.

    own cgroup, with +memory +pids +cpu for those below
    ├── dativo-runner            the runner: no process may stay in a cgroup that bounds those below it
    └── dativo-PID-NUMBER        a connector with all that it starts
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo.isolation.bounds import Bounds

CONTROLLERS = frozenset({"memory", "pids", "cpu"})
RUNNER_LEAF = "dativo-runner"

_SYSTEMD = Path("/run/systemd/system")
_HANDED_ON = ("user.delegate", "trusted.delegate")
"""Attributes by which systemd tells that it has left a cgroup to those in it (`Delegate=yes`)."""
_NOT_EVERYWHERE = {"memory.swap.max", "memory.oom.group"}
"""Files that kernels without accounting of swap, or before 4.19, do not have."""
_CPU_PERIOD = 100_000
_LEAST_CPU_QUOTA = 1_000
_REMOVAL_SECONDS = 5.0
_ROUND_SECONDS = 0.01
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Ground:
    """A cgroup that this process may divide.

    Attributes:
        directory: of the cgroup.
        controllers: what its leaves can be bounded by.
        must_move: whether this process has to leave it first.
    """

    directory: Path
    controllers: frozenset[str]
    must_move: bool = False


def find_ground(proc: Path = Path("/proc/self"), systemd: Path = _SYSTEMD) -> Ground | None:
    """What may be divided here, None if nothing: found by reading alone, nothing is changed.

    Args:
        proc: directory of this process in /proc.
        systemd: what exists where systemd manages all cgroups.
    """
    own = _own_directory(proc)
    if own is None:
        return None
    is_below = own.name == RUNNER_LEAF  # of the run that started this one
    directory = own.parent if is_below else own
    if not _may_divide(directory, systemd):
        return None
    given = _words(directory / "cgroup.subtree_control") & CONTROLLERS
    more = (_words(directory / "cgroup.controllers") & CONTROLLERS) - given
    if more and not is_below:
        # Only the root of the whole hierarchy, which has no type, may hold processes and bound those below.
        is_root = not (directory / "cgroup.type").exists()
        if is_root or _words(directory / "cgroup.procs") <= {str(os.getpid())}:
            return Ground(directory, given | more, must_move=not is_root)
    return Ground(directory, given) if given else None


class Leaf:
    """The cgroup of one connector."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._door: int | None = None

    @property
    def door(self) -> int:
        """A descriptor: a process that writes `0` to it is in the leaf from then on."""
        if self._door is None:
            self._door = os.open(self.directory / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        return self._door

    def bound(self, bounds: Bounds, controllers: frozenset[str]) -> None:
        """Tells the kernel the limits; raises OSError if it does not take one."""
        for name, value in settings_of(bounds, controllers).items():
            if name not in _NOT_EVERYWHERE or (self.directory / name).exists():
                (self.directory / name).write_text(value, encoding="ascii")

    def oom_kills(self) -> int:
        """How many processes the kernel has killed here because memory ran out."""
        with contextlib.suppress(OSError):
            for line in (self.directory / "memory.events").read_text(encoding="ascii").splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    return int(number)
        return 0

    def kill(self) -> None:
        """Kills every process in it at once, forks under way included."""
        with contextlib.suppress(OSError):
            switch = os.open(self.directory / "cgroup.kill", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(switch, b"1")
            finally:
                os.close(switch)

    def remove(self) -> None:
        """Ends what is in it and removes it; a process that is dying is waited for."""
        if self._door is not None:
            os.close(self._door)
            self._door = None
        self.kill()
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while not _removed(self.directory) and time.monotonic() < deadline:
            time.sleep(_ROUND_SECONDS)


class Leaves:
    """Makes the leaves of a run.

    Args:
        ground: where; None where there are none.
    """

    def __init__(self, ground: Ground | None) -> None:
        self._ground = ground
        self._made: list[Leaf] = []

    @property
    def controllers(self) -> frozenset[str]:
        """What leaves are bounded by."""
        return self._ground.controllers if self._ground else frozenset()

    def make(self, bounds: Bounds) -> Leaf | None:
        """A bounded leaf, None where there are none."""
        if self._ground is None:
            return None
        leaf = Leaf(self._ground.directory / f"dativo-{os.getpid()}-{next(_numbers)}")
        try:
            leaf.directory.mkdir()
            self._made.append(leaf)
            leaf.bound(bounds, self._ground.controllers)
            _ = leaf.door
        except OSError:
            self.close()
            self._ground = None
            return None
        return leaf

    def close(self) -> None:
        while self._made:
            self._made.pop().remove()


@contextlib.contextmanager
def divided(ground: Ground | None) -> Iterator[Leaves]:
    """Divides the cgroup of this process, as long as the context lasts.

    Args:
        ground: of `find_ground`.
    """
    if ground is None or not _prepared(ground):
        yield Leaves(None)
        return
    _remove_abandoned(ground.directory)
    leaves = Leaves(ground)
    try:
        yield leaves
    finally:
        leaves.close()
        if ground.must_move:
            _move_back(ground.directory)


def settings_of(bounds: Bounds, controllers: frozenset[str]) -> Mapping[str, str]:
    """The files of a leaf and what is written to them.

    `pids.max` counts threads, `limits.processes` does not: it is a second line behind the watch, with room.
    """
    settings: dict[str, str] = {}
    if "memory" in controllers and bounds.memory is not None:
        settings |= {"memory.max": str(bounds.memory), "memory.swap.max": "0", "memory.oom.group": "1"}
    if "pids" in controllers and bounds.processes is not None:
        settings["pids.max"] = str(max(4 * bounds.processes, bounds.processes + 256))
    if "cpu" in controllers and bounds.cpu_share is not None:
        quota = max(int(bounds.cpu_share * _CPU_PERIOD), _LEAST_CPU_QUOTA)
        settings["cpu.max"] = f"{quota} {_CPU_PERIOD}"
    return settings


def _own_directory(proc: Path) -> Path | None:
    """Directory of the cgroup that this process is in, None if that hierarchy is not mounted or not seen."""
    try:
        groups = (proc / "cgroup").read_text(encoding="utf-8").splitlines()
        mounts = (proc / "mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    own = next((line.removeprefix("0::") for line in groups if line.startswith("0::")), None)
    if own is None or ".." in Path(own).parts:
        return None
    for mount in mounts:
        before, _, after = mount.partition(" - ")
        _, _, _, root, place, *_ = before.split(" ")
        if after.startswith("cgroup2 ") and Path(own).is_relative_to(root):
            return Path(_unescaped(place)) / Path(own).relative_to(root)
    return None


def _unescaped(place: str) -> str:
    """A path as mountinfo writes it, with blanks as `\\040`."""
    head, *rest = place.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def _may_divide(directory: Path, systemd: Path) -> bool:
    files = ("cgroup.procs", "cgroup.subtree_control")
    if not all(os.access(directory / name, os.W_OK) for name in (".", *files)):
        return False
    return not systemd.is_dir() or any(_says_yes(directory, name) for name in _HANDED_ON)


def _says_yes(directory: Path, attribute: str) -> bool:
    try:
        return os.getxattr(directory, attribute) == b"1"
    except OSError:
        return False


def _prepared(ground: Ground) -> bool:
    """Lets the leaves be bounded; False, and everything as before, if that is not allowed."""
    try:
        if ground.must_move:
            own = ground.directory / RUNNER_LEAF
            own.mkdir(exist_ok=True)
            (own / "cgroup.procs").write_text("0", encoding="ascii")
        _switch(ground.directory, "+", ground.controllers)
    except OSError:
        if ground.must_move:
            _move_back(ground.directory)
        return False
    return True


def _move_back(directory: Path) -> None:
    """Undoes `_prepared`; not while others are below, whose limits that would lift."""
    if any(path.is_dir() and path.name != RUNNER_LEAF for path in directory.iterdir()):
        return
    with contextlib.suppress(OSError):
        _switch(directory, "-", CONTROLLERS & _words(directory / "cgroup.subtree_control"))
        (directory / "cgroup.procs").write_text("0", encoding="ascii")
        (directory / RUNNER_LEAF).rmdir()


def _switch(directory: Path, sign: str, controllers: frozenset[str]) -> None:
    now = _words(directory / "cgroup.subtree_control")
    change = [f"{sign}{name}" for name in sorted(controllers) if (name in now) == (sign == "-")]
    if change:
        (directory / "cgroup.subtree_control").write_text(" ".join(change), encoding="ascii")


def _remove_abandoned(directory: Path) -> None:
    """Leaves of runs that were killed; one that still holds a process stays."""
    for leaf in directory.glob("dativo-*-*"):
        pid = leaf.name.split("-")[1]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            _removed(leaf)


def _removed(directory: Path) -> bool:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _words(file: Path) -> frozenset[str]:
    try:
        return frozenset(file.read_text(encoding="ascii").split())
    except OSError:
        return frozenset()
