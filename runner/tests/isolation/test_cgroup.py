"""Leaves of cgroup v2: where they may be made, what is written to them, what is ended with them.

Two halves. The first works on plain directories that look like a hierarchy: it proves what is decided and
which text goes into which file, not that a kernel bounds anything by it. The second works in the real
hierarchy, where this machine has one that may be written: it proves that leaves are made, joined before the
program is there, killed as a whole and removed. Whether the controllers memory, pids and cpu are really on
offer differs between machines; where they are not, only that nothing is done about it is seen.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dativo.isolation.bounds import Bounds
from dativo.isolation.cgroup import CONTROLLERS, Ground, Leaf, Leaves, divided, find_ground, settings_of
from dativo.isolation.enforcement import enforcement, not_enforced
from dativo.isolation.watch import Household
from dativo.jobs.limits import Limits
from dativo.jobs.quantities import Bytes
from dativo.run.process import Child, Command

MIB = 1 << 20
ALL = "cpuset cpu io memory hugetlb pids"
SCRIPT = "setsid sh -c 'sleep 300 & sleep 300' & sleep 300 & echo ready; wait"


class Hierarchy:
    """Plain directories in the place of a mounted hierarchy, and the files of /proc that lead to it.

    Args:
        own: path of this process's cgroup.
        root: path that the mount shows as its root.
    """

    def __init__(self, directory: Path, own: str, *, root: str = "/") -> None:
        self.proc, self.mount = directory / "proc", directory / "a mount"
        self.own = self.mount / own.removeprefix(root).strip("/")
        self.own.mkdir(parents=True)
        self.proc.mkdir()
        place = str(self.mount).replace(" ", "\\040")
        (self.proc / "cgroup").write_text(f"4:memory:/else\n0::{own}\n")
        (self.proc / "mountinfo").write_text(
            "32 31 0:29 / /sys/fs/cgroup/memory rw shared:3 - cgroup cgroup rw,memory\n"
            f"41 31 0:38 {root} {place} rw,relatime - cgroup2 cgroup2 rw\n"
        )

    def say(self, directory: Path | None = None, **files: str) -> Hierarchy:
        """Writes files of a cgroup: `controllers`, `procs`, `subtree_control`, `type`."""
        for name, text in {"procs": "", "subtree_control": "", **files}.items():
            ((directory or self.own) / f"cgroup.{name}").write_text(text)
        return self

    def ground(self, systemd: Path = Path("/nowhere")) -> Ground | None:
        return find_ground(self.proc, systemd)


@pytest.fixture
def alone(tmp_path):
    """This process has a cgroup to itself."""
    return Hierarchy(tmp_path, "/user.slice/run.scope").say(
        controllers=ALL, procs=f"{os.getpid()}\n", type="domain\n"
    )


def test_a_cgroup_of_its_own_may_be_divided_by_a_process_that_leaves_it(alone):
    assert alone.ground() == Ground(alone.own, CONTROLLERS, must_move=True)


def test_one_that_others_are_in_is_left_alone(alone):
    alone.say(controllers=ALL, procs=f"{os.getpid()}\n1\n", type="domain\n")
    assert alone.ground() is None


def test_only_what_is_on_offer_is_used(alone):
    assert alone.say(controllers="hugetlb memory", procs="").ground().controllers == {"memory"}
    assert alone.say(controllers="hugetlb", procs="").ground() is None


def test_the_root_of_the_whole_hierarchy_need_not_be_left(tmp_path):
    root = Hierarchy(tmp_path, "/").say(controllers=ALL, procs="1\n2\n")
    assert root.ground() == Ground(root.mount, CONTROLLERS)


def test_a_run_below_another_uses_what_that_one_has_divided(tmp_path):
    below = Hierarchy(tmp_path, "/run.scope/dativo-runner").say(controllers="", procs="1\n2\n", type="domain")
    below.say(below.own.parent, controllers=ALL, subtree_control="memory pids", type="domain")
    assert below.ground() == Ground(below.own.parent, frozenset({"memory", "pids"}))


def test_a_mount_that_shows_a_part_of_the_hierarchy(tmp_path):
    container = Hierarchy(tmp_path, "/containers/7/jobs", root="/containers/7")
    container.say(controllers=ALL, procs=f"{os.getpid()}")
    assert container.ground().directory == container.mount / "jobs"


@pytest.mark.parametrize("own", ["/../elsewhere", "/other"])
def test_a_cgroup_that_is_not_seen_from_here(tmp_path, own):
    hidden = Hierarchy(tmp_path, "/containers/7/jobs", root="/containers/7").say(controllers=ALL)
    (hidden.proc / "cgroup").write_text(f"0::{own}\n")
    assert hidden.ground() is None


@pytest.mark.parametrize("missing", ["cgroup", "mountinfo"])
def test_without_version_2_there_is_nothing_to_divide(alone, missing):
    text = (alone.proc / missing).read_text()
    (alone.proc / missing).write_text(text.splitlines()[0] + "\n")
    assert alone.ground() is None
    (alone.proc / missing).unlink()
    assert alone.ground() is None


@pytest.mark.parametrize("missing", ["cgroup.procs", "cgroup.subtree_control"])
def test_what_may_not_be_written_is_not_divided(alone, missing):
    (alone.own / missing).unlink()
    assert alone.ground() is None


def test_systemd_has_to_have_handed_it_on(alone, tmp_path):
    assert alone.ground(systemd=tmp_path) is None
    try:
        os.setxattr(alone.own, "user.delegate", b"1")
    except OSError:
        return  # a file system without such attributes; the refusal above is what matters
    assert alone.ground(systemd=tmp_path) == alone.ground()


def test_limits_as_the_kernel_is_told_them():
    bounds = Bounds(memory=96 * MIB, processes=512, cpu_share=1.5)
    assert settings_of(bounds, CONTROLLERS) == {
        "memory.max": str(96 * MIB),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "2048",
        "cpu.max": "150000 100000",
    }
    assert settings_of(bounds, frozenset({"cpu"})) == {"cpu.max": "150000 100000"}
    assert settings_of(Bounds(processes=4, cpu_share=0.001), CONTROLLERS) == {
        "pids.max": "260",
        "cpu.max": "1000 100000",
    }


def test_a_leaf_is_written_but_for_files_that_the_kernel_does_not_have(tmp_path):
    (tmp_path / "memory.oom.group").write_text("0")
    Leaf(tmp_path).bound(Bounds(memory=MIB), CONTROLLERS)
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert written == {"memory.max": str(MIB), "memory.oom.group": "1"}


def test_leaving_dividing_and_undoing_that(alone):
    """The files are plain, so what was written last stands in them; nothing can be moved by it."""
    with divided(alone.ground()) as leaves:
        assert leaves.controllers == CONTROLLERS
        assert (alone.own / "dativo-runner/cgroup.procs").read_text() == "0"
        assert (alone.own / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
        (alone.own / "cgroup.subtree_control").write_text("cpu memory pids")
        (alone.own / "dativo-runner/cgroup.procs").unlink()
    assert (alone.own / "cgroup.subtree_control").read_text() == "-cpu -memory -pids"
    assert (alone.own / "cgroup.procs").read_text() == "0"
    assert not (alone.own / "dativo-runner").exists()


def test_what_cannot_be_divided_after_all_leaves_everything_as_it_was(alone):
    ground = alone.ground()
    (alone.own / "cgroup.subtree_control").unlink()
    (alone.own / "cgroup.subtree_control").mkdir()  # writing to it fails, even for root
    (alone.own / "dativo-runner").mkdir()
    with divided(ground) as leaves:
        assert leaves.controllers == frozenset()
        assert leaves.make(Bounds(memory=MIB)) is None


def test_a_leaf_that_cannot_be_bounded_means_no_leaves_and_none_left(tmp_path):
    leaves = Leaves(Ground(tmp_path, CONTROLLERS))  # a leaf here has no cgroup.procs to open
    assert leaves.make(Bounds()) is None
    assert leaves.controllers == frozenset()
    assert list(tmp_path.iterdir()) == []


def test_the_kernels_word_that_memory_ran_out_is_a_breach_of_the_limit(tmp_path):
    leaf = Leaf(tmp_path)
    events = tmp_path / "memory.events"
    events.write_text("low 0\nmax 7\noom 1\noom_kill 3\noom_group_kill 1\n")
    assert leaf.oom_kills() == 3
    tap = Household(adopts=False).contain("tap-x", Bounds(memory=96 * MIB), leaf=leaf)
    assert not tap.ran_out_of_memory()  # those were of an earlier try
    events.write_text("oom_kill 4\n")
    breach = tap.breach(tap.sample())
    assert str(breach).endswith("used 96.0 MiB of memory, limits.memory is 96.0 MiB")


def test_who_enforces_what():
    with_all, without = enforcement(CONTROLLERS), enforcement(frozenset())
    assert (with_all["memory"], with_all["cpu_share"]) == ("cgroup", "cgroup")
    assert (without["memory"], without["cpu_share"]) == ("watch", "none")
    assert set(without) == set(Limits.__dataclass_fields__)
    elsewhere = enforcement(frozenset(), proc=Path("/nowhere"))
    assert {name for name, by in elsewhere.items() if by == "none"} == {
        *("memory", "processes", "disk", "cpu_share")
    }


def test_what_is_asked_for_and_enforced_by_nobody_is_said():
    asked = [Limits(), Limits(cpu_share=0.5, memory=Bytes(MIB))]
    (said,) = not_enforced(asked, enforcement(frozenset()))
    assert said.startswith("limits.cpu_share is not enforced here: it needs a cgroup (v2)")
    assert not_enforced(asked, enforcement(CONTROLLERS)) == []
    assert not_enforced([Limits()], enforcement(frozenset())) == []


def real_mount() -> Path | None:
    """Where version 2 is mounted and leaves can be made below this process's cgroup."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, kind = line.split(" ")[4], line.partition(" - ")[2]
        probe = Path(place, f"dativo-test-{os.getpid()}")
        if kind.startswith("cgroup2 ") and os.access(place, os.W_OK):
            try:
                probe.mkdir()
                probe.rmdir()
            except OSError:
                return None
            return Path(place)
    return None


@pytest.fixture
def ground():
    """The real hierarchy, without controllers; where none may be written, a run must not try either."""
    mount = real_mount()
    if mount is None:
        assert find_ground() is None
    return Ground(mount, frozenset()) if mount else None


def test_a_connector_joins_its_leaf_before_it_is_the_program_and_ends_with_it(ground, project, tmp_path):
    """In the real hierarchy, without controllers: a leaf is made, joined, killed as a whole, removed."""
    leaves = Leaves(ground)
    leaf = leaves.make(Bounds())
    if leaf is None:
        assert ground is None
        return
    command = Command("tap-x", ("/bin/sh", "-c", SCRIPT), tmp_path, dict(os.environ), cgroup=leaf.door)
    child = Child(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        child.confirm()
        assert os.read(child.stdout, 6) == b"ready\n"
        members = (leaf.directory / "cgroup.procs").read_text().split()
        assert str(child.pid) in members
        assert len(members) >= 3
        assert str(os.getpid()) not in members
        leaf.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert child.has_ended()
        assert child.returncode == -signal.SIGKILL
    finally:
        leaves.close()
        child.close()
    assert not leaf.directory.exists()
    assert not [pid for pid in members if project.is_alive(int(pid))]


def test_the_door_is_not_handed_on_to_the_program(ground, tmp_path):
    leaves = Leaves(ground)
    leaf = leaves.make(Bounds())
    if leaf is None:
        assert ground is None
        return
    argv = (sys.executable, "-I", "-S", "-c", f"import os; os.fstat({leaf.door})")
    command = Command("tap-x", argv, tmp_path, dict(os.environ), cgroup=leaf.door)
    child = Child(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        child.confirm()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert child.has_ended()
        assert b"Bad file descriptor" in os.read(child.stderr, 65536)
    finally:
        child.close()
        leaves.close()


def test_what_a_killed_run_left_is_removed_by_the_next(ground, tmp_path):
    mount = ground.directory if ground else tmp_path
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True)
    left = mount / f"dativo-{int(gone.stdout)}-0"
    left.mkdir()
    ours = mount / f"dativo-{os.getpid()}-test"
    ours.mkdir()
    try:
        with divided(ground or Ground(tmp_path, frozenset())):
            assert not left.exists()
            assert ours.exists()
    finally:
        ours.rmdir()
