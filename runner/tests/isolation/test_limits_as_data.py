"""Limits in plain numbers, what is told of a breach, and who enforces what."""

from __future__ import annotations

from pathlib import Path

import pytest
from dativo.isolation import enforcement as room
from dativo.isolation.bounds import Bounds, bounds_of, share_of_ram
from dativo.isolation.cgroup import settings_of
from dativo.isolation.enforcement import enforcement, not_enforced
from dativo.isolation.usage import Breach, in_bytes
from dativo.jobs.limits import Limits
from dativo.jobs.quantities import Bytes, Duration

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("limit", "measured", "allowed", "said"),
    [
        ("memory", 2.1 * GIB, 2 * GIB, "used 2.1 GiB of memory, limits.memory is 2.0 GiB"),
        ("processes", 1500, 1024, "ran 1,500 processes at once, limits.processes is 1,024"),
        ("cpu_seconds", 3600.4, 3600, "used 3,600 s of CPU time, limits.cpu_seconds is 3,600 s"),
        ("disk", 5 * MIB, 4 * MIB, "wrote 5.0 MiB to disk, limits.disk is 4.0 MiB"),
        ("file_size", 64, 64, "wrote a file of more than 64 bytes, limits.file_size is 64 bytes"),
        ("log_bytes", 3 * KIB, 2 * KIB, "logged 3.0 KiB, limits.log_bytes is 2.0 KiB"),
    ],
)
def test_a_breach_says_what_was_used_and_which_limit_it_is(limit, measured, allowed, said):
    assert str(Breach("tap-hog", limit, measured, allowed)) == f"tap-hog was stopped: it {said}"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1 bytes"),
        (1024, "1.0 KiB"),
        (1024 * 1023.9, "1,023.9 KiB"),
        (MIB, "1.0 MiB"),
        (GIB * 1.25, "1.2 GiB"),
        (1 << 40, "1.0 TiB"),
    ],
)
def test_amounts_change_their_unit_at_1024(number, text):
    assert in_bytes(number) == text


@pytest.mark.parametrize(
    ("limits", "field", "number"),
    [
        (Limits(memory=Bytes(5)), "memory", 5),
        (Limits(), "memory", share_of_ram()),
        (Limits(processes=7), "processes", 7),
        (Limits(open_files=99), "open_files", 99),
        (Limits(cpu_seconds=Duration(0.2)), "cpu_seconds", 1),
        (Limits(cpu_seconds=Duration(60.0)), "cpu_seconds", 60),
        (Limits(cpu_share=0.5), "cpu_share", 0.5),
        (Limits(disk=Bytes(MIB)), "disk", MIB),
        (Limits(file_size=Bytes(KIB)), "file_size", KIB),
        (Limits(log_bytes=Bytes(10)), "log_bytes", 10),
        (Limits(), "disk", None),
        (Limits(), "cpu_seconds", None),
        (Limits(), "cpu_share", None),
        (Limits(), "file_size", None),
    ],
)
def test_each_limit_of_a_job_is_a_plain_number(limits, field, number):
    found = getattr(bounds_of(limits), field)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        (Bounds(), {"CORE": 0}),
        (Bounds(memory=GIB), {"DATA": 2 * GIB, "CORE": 0}),
        (Bounds(memory=512 * MIB), {"DATA": GIB, "CORE": 0}),
        (Bounds(memory=511 * MIB), {"DATA": 1023 * MIB, "CORE": 0}),
        (Bounds(open_files=10, file_size=0, cpu_seconds=3), {"NOFILE": 10, "FSIZE": 0, "CPU": 3, "CORE": 0}),
        (Bounds(processes=5, disk=7, cpu_share=1.0, log_bytes=9), {"CORE": 0}),
    ],
)
def test_a_process_carries_what_the_kernel_counts_for_each(bounds, told):
    assert bounds.of_the_kernel() == told


@pytest.mark.parametrize(
    ("bounds", "controllers", "files"),
    [
        (Bounds(), {"memory", "pids", "cpu"}, {}),
        (Bounds(memory=5, processes=5, cpu_share=1.0), set(), {}),
        (
            Bounds(memory=5),
            {"memory"},
            {"memory.max": "5", "memory.swap.max": "0", "memory.oom.group": "1"},
        ),
        (Bounds(processes=1), {"pids"}, {"pids.max": "257"}),
        (Bounds(processes=85), {"pids"}, {"pids.max": "341"}),
        (Bounds(processes=86), {"pids"}, {"pids.max": "344"}),
        (Bounds(cpu_share=1.5), {"cpu"}, {"cpu.max": "150000 100000"}),
        (Bounds(cpu_share=0.001), {"cpu"}, {"cpu.max": "1000 100000"}),
    ],
)
def test_a_leaf_is_told_what_its_controllers_bound(bounds, controllers, files):
    assert settings_of(bounds, frozenset(controllers)) == files


EVERYWHERE = {"open_files": "rlimit", "cpu_seconds": "rlimit", "file_size": "rlimit", "log_bytes": "runner"}


@pytest.mark.parametrize(
    ("controllers", "enforced"),
    [
        (set(), {"memory": "watch", "cpu_share": "none"}),
        ({"memory"}, {"memory": "cgroup", "cpu_share": "none"}),
        ({"cpu"}, {"memory": "watch", "cpu_share": "cgroup"}),
        ({"memory", "cpu", "pids"}, {"memory": "cgroup", "cpu_share": "cgroup"}),
    ],
)
def test_who_enforces_what_goes_by_the_controllers(tmp_path, monkeypatch, controllers, enforced):
    monkeypatch.setattr(room.sys, "platform", "linux")
    found = enforcement(frozenset(controllers), proc=tmp_path)
    assert found == {**EVERYWHERE, "processes": "watch", "disk": "watch", **enforced}


@pytest.mark.parametrize(("platform", "proc"), [("darwin", "."), ("linux", "nowhere")])
def test_where_processes_cannot_be_watched_nobody_holds_them(tmp_path, monkeypatch, platform, proc):
    monkeypatch.setattr(room.sys, "platform", platform)
    found = enforcement(frozenset(), proc=tmp_path / proc)
    assert {name for name, by in found.items() if by == "none"} == {
        "memory",
        "processes",
        "cpu_share",
        "disk",
    }


NONE = enforcement(frozenset(), proc=Path("/nowhere"))
CPU = "it needs a cgroup (v2) with the controller cpu that is left to dativo"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], []),
        ([Limits()], []),
        ([Limits(memory=Bytes(1))], ["limits.memory is not enforced here: it needs Linux"]),
        ([Limits(), Limits(disk=Bytes(1))], ["limits.disk is not enforced here: it needs Linux"]),
        ([Limits(cpu_share=0.5), Limits(cpu_share=0.6)], [f"limits.cpu_share is not enforced here: {CPU}"]),
        (
            [Limits(cpu_share=0.5), Limits(memory=Bytes(1))],
            [
                "limits.memory is not enforced here: it needs Linux",
                f"limits.cpu_share is not enforced here: {CPU}",
            ],
        ),
    ],
)
def test_each_limit_that_nobody_enforces_is_said_once(asked, said):
    assert not_enforced(iter(asked), NONE) == said


def test_nothing_is_said_where_all_is_enforced():
    asked = [Limits(memory=Bytes(1), disk=Bytes(1), cpu_share=0.5)]
    assert not_enforced(asked, dict.fromkeys(NONE, "cgroup")) == []
