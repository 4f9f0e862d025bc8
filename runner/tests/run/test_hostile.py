"""Taps that harm their machine: stopped within their limit, with the reason, and nothing left of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

MIB = 1 << 20


@pytest.fixture
def hog(project):
    """Runs a job whose tap does harm; returns how that ended and what is said last."""

    def hog(harm, limits=None, **changes):
        source = {"connector": "tap-hog", "config": {"harm": harm}}
        job = project.job([], source=source, limits=limits or {}, timeouts={"grace": "1s"}, **changes)
        done = project.dativo("run", job)
        return done.returncode, (done.stderr.splitlines() or [""])[-1]

    return hog


def left_over(project):
    """Processes whose working directory is that of the job."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "cwd").readlink() == project.directory:
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("harm", ["memory", "shared_memory", "children_memory"])
def test_memory(hog, project, harm):
    code, last = hog(harm, {"memory": "96MiB"})
    assert code == 1
    assert last.startswith("dativo: users failed: tap-hog was stopped: it used ")
    assert last.endswith(" of memory, limits.memory is 96.0 MiB")
    assert left_over(project) == []


def test_children_that_run_away_from_their_parents_and_groups(hog, project):
    code, last = hog("forks", {"processes": 40})
    assert code == 1
    assert "tap-hog was stopped: it ran " in last
    assert last.endswith(" processes at once, limits.processes is 40")
    assert left_over(project) == []


def test_an_orphan_ends_with_the_tap_that_left_it(hog, project):
    code, _ = hog("orphan")
    assert code == 0
    orphan = int((project.directory / "orphan").read_text())
    project.wait_until(lambda: not project.is_alive(orphan))


def test_the_disk(hog, project):
    code, last = hog("disk", {"disk": "16MiB"})
    assert code == 1
    assert "tap-hog was stopped: it wrote " in last
    assert last.endswith(" to disk, limits.disk is 16.0 MiB")
    assert (project.directory / "filler").stat().st_size < 512 * MIB


def test_the_temporary_directory(hog, project):
    code, last = hog("scratch", {"disk": "16MiB"})
    assert code == 1
    assert last.endswith(" to disk, limits.disk is 16.0 MiB")
    assert list((project.directory / ".dativo/tenants/_/work").iterdir()) == []


def test_a_file_that_grows_too_large(hog, project):
    code, last = hog("one_file", {"file_size": "8MiB"})
    assert code == 1
    assert last.endswith("it wrote a file of more than 8.0 MiB, limits.file_size is 8.0 MiB")
    assert (project.directory / "filler").stat().st_size == 8 * MIB


def test_time_of_the_processor(hog):
    code, last = hog("cpu", {"cpu_seconds": 1})
    assert code == 1
    assert "tap-hog was stopped: it used " in last
    assert last.endswith(" s of CPU time, limits.cpu_seconds is 1 s")


def test_open_files(hog):
    code, last = hog("files", {"open_files": 64}, retries={"attempts": 1})
    assert code == 1
    assert "Too many open files" in last


def test_a_flood_of_log(hog):
    code, last = hog("stderr", {"log_bytes": "1MiB"})
    assert code == 1
    assert last.endswith("tap-hog was stopped: it logged 1.0 MiB, limits.log_bytes is 1.0 MiB")


def test_garbage_is_what_the_target_says_it_is(hog):
    code, last = hog("garbage")
    assert code == 1
    assert "target-lines exited with code 1" in last


def test_half_a_line_is_what_the_target_says_it_is(hog, project):
    code, last = hog("half_line")
    assert code == 1
    assert "target-lines exited with code 1" in last
    assert project.records() == []


def test_nothing_moves(project):
    job = project.job([{"records": 1}, {"sleep": 300}], timeouts={"idle": "1s"})
    began = time.monotonic()
    done = project.dativo("run", job)
    assert done.returncode == 75
    assert done.stderr.splitlines()[-1] == "dativo: users failed: nothing has moved for 1s (timeouts.idle)"
    assert time.monotonic() - began < 30


def test_something_moves_for_too_long(project):
    job = project.job([{"records": 10_000_000}], timeouts={"run": "2s"})
    done = project.dativo("run", job)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "dativo: users failed: it was not done within 2s (timeouts.run)"


def test_the_limits_of_one_side_do_not_hold_for_another(project):
    target = {"limits": {"memory": "96MiB"}}
    source = {"connector": "tap-hog", "config": {"harm": "children_memory"}}
    done = project.start("run", project.job([], source=source, target=target))
    hog = project.directory / "hog.pid"
    project.wait_until(lambda: hog.exists() and hog.read_text())
    children = Path(f"/proc/{hog.read_text()}/task/{hog.read_text()}/children")
    project.wait_until(lambda: len(children.read_text().split()) == 4)
    done.terminate()
    _, stderr = done.communicate(timeout=60)
    assert "was stopped by SIGTERM" in stderr
    assert left_over(project) == []
