import os
import signal
import subprocess
import sys
import time

import pytest
from target_parquet.run_area import FOREIGN_AGE_SECONDS, RunArea, remove_abandoned

CLAIM = """
import sys
from pathlib import Path
from target_parquet.run_area import RunArea
area = RunArea.claim(Path(sys.argv[1]), sys.argv[2])
(area.directory / "000001.staged").write_text("rows")
print("claimed", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def other(runs):
    """Another process that owns the area of the run "other"."""
    command = [sys.executable, "-c", CLAIM, str(runs), "other"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "claimed\n"
        yield process
        process.kill()


def entries(runs):
    return sorted(path.name for path in runs.iterdir())


def sweep(runs, needed=()):
    salvaged = []
    remove_abandoned(runs, salvaged.append, lambda area: area.name in needed)
    return [path.name for path in salvaged]


def test_the_area_of_a_living_process_is_left_alone(runs, other):
    assert sweep(runs) == []
    assert entries(runs) == ["other", "other.lock"]


def test_the_area_of_a_killed_process_is_removed_after_salvage(runs, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert sweep(runs) == ["other"]
    assert entries(runs) == []


def test_a_stopped_process_still_owns_its_area(runs, other):
    other.send_signal(signal.SIGSTOP)
    assert sweep(runs) == []
    assert entries(runs) == ["other", "other.lock"]


def test_releasing_removes_the_area(runs):
    area = RunArea.claim(runs, "mine")
    (area.directory / "000001.staged").touch()
    area.release()
    assert entries(runs) == []


def test_a_run_can_be_claimed_once(runs):
    area = RunArea.claim(runs, "mine")
    with pytest.raises(FileExistsError):
        RunArea.claim(runs, "mine")
    area.release()


def abandon(runs, host, age):
    runs.mkdir()
    (runs / "foreign").mkdir()
    lock = runs / "foreign.lock"
    lock.write_text(f'{{"host": "{host}", "pid": 1}}\n')
    for path in (lock, runs / "foreign"):
        os.utime(path, (time.time() - age, time.time() - age))


@pytest.mark.parametrize(("age", "left"), [(60, ["foreign", "foreign.lock"]), (FOREIGN_AGE_SECONDS + 60, [])])
def test_the_area_of_another_machine_is_removed_when_nobody_wrote_there_for_a_week(runs, age, left):
    abandon(runs, "another-machine", age)
    sweep(runs)
    assert entries(runs) == left


def test_a_fresh_file_keeps_the_area_of_another_machine(runs):
    abandon(runs, "another-machine", FOREIGN_AGE_SECONDS + 60)
    (runs / "foreign/000001.staged").touch()
    sweep(runs)
    assert "foreign" in entries(runs)


def test_a_lock_without_an_owner_is_one_that_is_just_being_made(runs):
    runs.mkdir()
    (runs / "new.lock").touch()
    assert sweep(runs) == []
    assert entries(runs) == ["new.lock"]


def test_an_area_that_cannot_be_salvaged_is_left_and_named(runs, other, caplog):
    other.send_signal(signal.SIGKILL)
    other.wait()

    def refuse(area):
        raise PermissionError(13, "Permission denied", str(area))

    remove_abandoned(runs, refuse, lambda area: False)
    assert entries(runs) == ["other", "other.lock"]
    assert "cannot remove what the ended run other left behind" in caplog.text
