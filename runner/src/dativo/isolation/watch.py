"""Looks at what connectors use, as often as it takes to stop one in time, and ends all that they started.

The kernel's own limits hold a single process each; what a connector and its children use together is counted
here, from /proc. Where there is no /proc nothing is counted.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from dativo.isolation.measure import disk_usage, memory_of, read_by, sent_by, shared_fairly, written_by
from dativo.isolation.tree import Process, children_of, end_all, look_up, tree_of
from dativo.isolation.usage import Breach, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dativo.isolation.bounds import Bounds
    from dativo.isolation.cgroup import Leaf

USUAL_SECONDS = 0.25
CLOSE_SECONDS = 0.05
"""Between two looks once a connector uses more than half of what it may."""

_SCRATCH_SECONDS = 1.0


class Contained:
    """One connector: its processes, what they use, what they may use.

    Args:
        name: for messages.
        bounds: what it may use.
        strays: finds processes that have lost their parents, for those that are this connector's.
        scratch: its temporary directory, counted as disk.
        counts_writes: whether what it writes to disk counts too; not for a target, whose work that is.
        leaf: its cgroup, where there are any.
    """

    def __init__(
        self,
        name: str,
        bounds: Bounds,
        strays: Callable[[Contained], list[int]],
        *,
        scratch: Path | None = None,
        counts_writes: bool = True,
        leaf: Leaf | None = None,
    ) -> None:
        self.name = name
        self.bounds = bounds
        self.pid: int | None = None
        self.group: int | None = None
        self.peak_memory = 0
        self.cpu = 0.0
        self._strays = strays
        self._scratch = scratch
        self._counts_writes = counts_writes
        self._leaf = leaf
        self._earlier_oom_kills = leaf.oom_kills() if leaf else 0
        self._known: dict[int, int] = {}
        self._written = self._scratch_bytes = 0
        self._scratch_looked = float("-inf")

    def begin(self, pid: int) -> None:
        """It runs, as this process, which leads a group."""
        self.pid = self.group = pid

    def has_ended(self) -> None:
        """Its own process is gone, its number soon another's; what it started may still be there."""
        self.pid = None

    def knows(self, process: Process) -> bool:
        """Whether a process was seen below this connector, or is in a group or session of its."""
        if self._known.get(process.pid) == process.started:
            return True
        return self.group in (process.group, process.session)

    def sample(self) -> Usage:
        """What it uses now; CPU and disk never go down."""
        processes = [process for process in map(look_up, self._members()) if process]
        self._known = {process.pid: process.started for process in processes}
        alive = [process.pid for process in processes if not process.is_zombie]
        memory = sum(map(memory_of, alive))
        if self.bounds.memory is not None and memory > self.bounds.memory:
            memory = sum(map(shared_fairly, alive))
        self.peak_memory = max(self.peak_memory, memory)
        self.cpu = max(self.cpu, sum(process.cpu + process.cpu_of_ended for process in processes))
        read, sent = sum(map(read_by, alive)), sum(map(sent_by, alive))
        return Usage(memory, len(alive), self.cpu, self._disk(alive), read, sent)

    def breach(self, usage: Usage) -> Breach | None:
        """The first limit that is exceeded."""
        if self.ran_out_of_memory():
            most = self.bounds.memory or 0
            return Breach(self.name, "memory", max(self.peak_memory, most), most)
        for limit, measured, allowed in self._measured(usage):
            if allowed is not None and measured > allowed:
                return Breach(self.name, limit, measured, allowed)
        return None

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has killed a process of it in its cgroup for want of memory."""
        return self._leaf is not None and self._leaf.oom_kills() > self._earlier_oom_kills

    def is_close(self, usage: Usage) -> bool:
        """Whether more than half of a limit is used."""
        return any(allowed and 2 * measured > allowed for _, measured, allowed in self._measured(usage))

    def end(self) -> None:
        """Kills it with all that it started, wherever that has gone."""
        if self._leaf is not None:
            self._leaf.kill()
        end_all(self._members)

    def _members(self) -> Iterator[int]:
        found: dict[int, None] = {}
        roots = [] if self.pid is None else [self.pid]
        roots += [pid for pid, started in self._known.items() if _still(pid, started)]
        for root in [*roots, *self._strays(self)]:
            if root not in found:
                found |= dict.fromkeys(tree_of(root))
        return iter(found)

    def _measured(self, usage: Usage) -> tuple[tuple[str, float, float | None], ...]:
        bounds = self.bounds
        return (
            ("memory", usage.memory, bounds.memory),
            ("processes", usage.processes, bounds.processes),
            ("cpu_seconds", usage.cpu, bounds.cpu_seconds),
            ("disk", usage.disk, bounds.disk),
        )

    def _disk(self, alive: list[int]) -> int:
        if self.bounds.disk is None:
            return 0
        if self._counts_writes:
            self._written = max(self._written, sum(map(written_by, alive)))
        if self._scratch is not None and time.monotonic() - self._scratch_looked >= _SCRATCH_SECONDS:
            self._scratch_looked = time.monotonic()
            self._scratch_bytes = disk_usage(self._scratch)
        return max(self._written, self._scratch_bytes)


class Household:
    """All connectors of a run, and the orphans among their processes.

    Args:
        adopts: whether orphans become children of this process (see `adopt_orphans`); then every child that
            is neither a connector nor was there before is one of them.
    """

    def __init__(self, *, adopts: bool) -> None:
        self._runner = os.getpid()
        self._adopts = adopts
        self._earlier = set(children_of(self._runner)) if adopts else set()
        self._members: list[Contained] = []
        self._next_look = 0.0

    def contain(
        self,
        name: str,
        bounds: Bounds,
        *,
        scratch: Path | None = None,
        counts_writes: bool = True,
        leaf: Leaf | None = None,
    ) -> Contained:
        """A connector that is about to be started; see `Contained`."""
        member = Contained(
            name, bounds, self._strays_of, scratch=scratch, counts_writes=counts_writes, leaf=leaf
        )
        self._members.append(member)
        return member

    @property
    def seconds_to_next_look(self) -> float:
        return max(self._next_look - time.monotonic(), 0.0)

    def look(self) -> list[tuple[Contained, Usage]]:
        """What everyone uses; nothing if it is not time yet."""
        now = time.monotonic()
        if now < self._next_look:
            return []
        usages = [(member, member.sample()) for member in self._members if member.pid]
        close = any(member.is_close(usage) for member, usage in usages)
        self._next_look = now + (CLOSE_SECONDS if close else USUAL_SECONDS)
        return usages

    def end(self) -> None:
        """Kills everything that is left of the run."""
        for member in self._members:
            member.end()
        end_all(lambda: (pid for stray in self._strays() for pid in tree_of(stray.pid)))

    def _strays_of(self, member: Contained) -> list[int]:
        """Its orphans, and those of which nobody knows whose they are: they count for everyone."""
        strays = self._strays()
        others = [other for other in self._members if other is not member]
        return [
            stray.pid
            for stray in strays
            if member.knows(stray) or not any(other.knows(stray) for other in others)
        ]

    def _strays(self) -> list[Process]:
        if not self._adopts:
            return []
        ours = self._earlier | {member.pid for member in self._members}
        found = []
        for pid in children_of(self._runner):
            process = look_up(pid) if pid not in ours else None
            if process is None:
                continue
            if process.is_zombie:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            else:
                found.append(process)
        return found


def _still(pid: int, started: int) -> bool:
    process = look_up(pid)
    return process is not None and process.started == started
