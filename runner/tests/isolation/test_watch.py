"""What is counted of a connector, and what is said when it is too much."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dativo.isolation.bounds import Bounds, bounds_of, share_of_ram
from dativo.isolation.measure import disk_usage
from dativo.isolation.tree import children_of, end_all, look_up, tree_of
from dativo.isolation.usage import Breach, Usage, in_bytes
from dativo.isolation.watch import Household
from dativo.jobs.limits import Limits
from dativo.jobs.quantities import Bytes, Duration

MIB = 1 << 20
HOLD = "import sys; held = b'x' * (64 << 20); print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def holding():
    """A process that holds 64 MiB."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    )
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.communicate()


def contained(process, bounds, **options):
    member = Household(adopts=False).contain("tap-x", bounds, **options)
    member.begin(process.pid)
    return member


def test_memory_and_processes_are_counted(holding):
    usage = contained(holding, Bounds()).sample()
    assert 64 * MIB < usage.memory < 128 * MIB
    assert usage.processes == 1
    assert usage.cpu > 0
    assert usage.sent >= len("ready\n")


def test_the_first_limit_that_is_exceeded_is_named(holding):
    member = contained(holding, Bounds(memory=32 * MIB, processes=1))
    breach = member.breach(member.sample())
    assert (breach.limit, breach.allowed) == ("memory", 32 * MIB)
    assert member.peak_memory >= 64 * MIB


def test_close_is_more_than_half(holding):
    member = contained(holding, Bounds(memory=100 * MIB))
    assert member.is_close(Usage(memory=51 * MIB))
    assert not member.is_close(Usage(memory=49 * MIB))
    assert member.breach(Usage(memory=100 * MIB)) is None


def test_disk_counts_what_lies_in_the_temporary_directory(holding, tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below/file").write_bytes(os.urandom(MIB))
    assert disk_usage(tmp_path) >= MIB
    member = contained(holding, Bounds(disk=MIB // 2), scratch=tmp_path, counts_writes=False)
    assert member.breach(member.sample()).limit == "disk"


def test_a_process_that_is_gone_uses_nothing(holding):
    member = contained(holding, Bounds(memory=1))
    holding.kill()
    holding.wait()
    usage = member.sample()
    assert (usage.memory, usage.processes) == (0, 0)


def test_a_tree_is_found_and_ended(project):
    script = "sleep 300 & setsid sleep 300 & echo ready; wait"
    process = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    project.wait_until(lambda: len(tree_of(process.pid)) >= 3)
    found = tree_of(process.pid)
    assert set(children_of(process.pid)) < set(found)
    end_all(lambda: [process.pid, *found])
    process.communicate()
    assert not [pid for pid in found if project.is_alive(pid)]


def test_a_process_is_known_by_its_start_too():
    here = look_up(os.getpid())
    assert here.started == look_up(os.getpid()).started
    assert look_up(2**22 + 1) is None


@pytest.mark.parametrize(
    ("breach", "text"),
    [
        (Breach("tap-x", "memory", 2.1 * 2**30, 2**31), "used 2.1 GiB of memory, limits.memory is 2.0 GiB"),
        (Breach("tap-x", "processes", 600, 512), "ran 600 processes at once, limits.processes is 512"),
        (Breach("tap-x", "cpu_seconds", 61, 60), "used 61 s of CPU time, limits.cpu_seconds is 60 s"),
        (Breach("tap-x", "disk", 11 * MIB, 10 * MIB), "wrote 11.0 MiB to disk, limits.disk is 10.0 MiB"),
    ],
)
def test_a_breach_says_what_was_used_and_what_may_be(breach, text):
    assert str(breach) == f"tap-x was stopped: it {text}"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 bytes"), (1023, "1,023 bytes"), (1536, "1.5 KiB"), (2**50, "1,024.0 TiB")]
)
def test_amounts_for_people(number, text):
    assert in_bytes(number) == text


def test_what_a_job_leaves_open_is_filled_in():
    bounds = bounds_of(Limits(cpu_seconds=Duration(1.5), file_size=Bytes(MIB)))
    assert bounds.memory == share_of_ram() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert (bounds.cpu_seconds, bounds.file_size, bounds.disk) == (2, MIB, None)


def test_the_kernel_is_told_plain_numbers_and_leaves_room_for_what_is_only_reserved():
    limits = bounds_of(Limits(memory=Bytes(4096 * MIB), file_size=Bytes(MIB))).of_the_kernel()
    assert limits == {"DATA": 8192 * MIB, "NOFILE": 4096, "FSIZE": MIB, "CORE": 0}
    assert [str(number) for number in limits.values()] == [str(8192 * MIB), "4096", str(MIB), "0"]
    assert Bounds(memory=MIB).of_the_kernel()["DATA"] == 513 * MIB


def test_the_launcher_binds_a_program_before_it_starts(tmp_path):
    launcher = Path(sys.modules["dativo"].__file__).parent / "isolation/launcher.py"
    report, write = os.pipe()
    bounds = f"parent={os.getpid()},report={write},NOFILE=77,FSIZE=4096,CPU=9,CORE=0"
    script = "ulimit -n; ulimit -Ht; umask; kill -PIPE $$; echo survived"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(launcher), bounds, "/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        pass_fds=(write,),
        cwd=tmp_path,
        check=False,
    )
    os.close(write)
    with os.fdopen(report) as said:
        assert said.read() == ""
    assert done.stdout.split() == ["77", "14", "0077"]
    assert done.returncode == -13
