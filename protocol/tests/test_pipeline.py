"""Tap and target on a real pipe: together they deliver, and when one goes the other notices."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Pipeline:
    """A tap writing straight into a target, in a process group of their own."""

    tap: subprocess.Popen
    target: subprocess.Popen
    logs: Path

    def finish(self) -> tuple[int, int, bytes]:
        stdout, _ = self.target.communicate(timeout=60)
        return self.tap.wait(timeout=60), self.target.returncode, stdout

    def log(self, name: str) -> str:
        return (self.logs / name).read_text()

    def wait_for(self, condition) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, self.log("tap.log") + self.log("target.log")
            time.sleep(0.02)


@pytest.fixture
def pipeline(tap, target, tmp_path):
    started = []

    def start(tap_settings: dict, **target_settings) -> Pipeline:
        settings = {"directory": str(tmp_path / "out"), **target_settings}
        with (tmp_path / "tap.log").open("wb") as tap_log, (tmp_path / "target.log").open("wb") as target_log:
            reading = subprocess.Popen(
                [*tap, "--config", json.dumps(tap_settings)],
                stdout=subprocess.PIPE,
                stderr=tap_log,
                process_group=0,
            )
            writing = subprocess.Popen(
                [*target, "--config", json.dumps(settings)],
                stdin=reading.stdout,
                stdout=subprocess.PIPE,
                stderr=target_log,
                process_group=reading.pid,
            )
        reading.stdout.close()  # or the tap would not notice that the target has gone
        started.append(Pipeline(reading, writing, tmp_path))
        return started[-1]

    yield start
    for each in started:
        for process in (each.tap, each.target):
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def rows(tmp_path: Path) -> list[dict]:
    files = sorted((tmp_path / "out").glob("*.jsonl"))
    return [json.loads(row) for file in files for row in file.read_text().splitlines()]


def test_what_the_tap_reads_the_target_stores(pipeline, tmp_path):
    run = pipeline({"rows": 2500, "streams": ["a", "b"]})
    tap_code, target_code, stdout = run.finish()
    assert (tap_code, target_code) == (0, 0)
    stored = rows(tmp_path)
    for stream in ("a", "b"):
        assert [row["id"] for row in stored if row["_stream"] == stream] == list(range(2500))
    assert stored[7]["name"] == "näme 7"
    assert stored[0]["_at"].endswith("+00:00")
    states = [json.loads(line) for line in stdout.splitlines()]
    bookmarks = states[-1]["bookmarks"]
    assert {stream: each["replication_key_value"] for stream, each in bookmarks.items()} == {
        "a": 2500,
        "b": 2500,
    }


def test_a_second_run_continues_where_the_printed_state_ends(pipeline, tap, tmp_path):
    _, _, stdout = pipeline({"rows": 10}).finish()
    (tmp_path / "state.json").write_bytes(stdout.splitlines()[-1])
    more = subprocess.run(
        [*tap, "--config", '{"rows": 15}', "--state", str(tmp_path / "state.json")],
        capture_output=True,
        check=True,
        timeout=60,
    )
    messages = [json.loads(line) for line in more.stdout.splitlines()]
    ids = [message["record"]["id"] for message in messages if message["type"] == "RECORD"]
    assert ids == [10, 11, 12, 13, 14]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_target_that_goes_takes_the_tap_with_it(pipeline, number):  # S4
    run = pipeline({"rows": 10_000_000, "pause": 0.01})
    run.wait_for(lambda: "METRIC" in run.log("tap.log") or (run.logs / "out" / "0001.jsonl").exists())
    run.target.send_signal(number)
    tap_code, target_code, _ = run.finish()
    assert target_code == (-9 if number == signal.SIGKILL else 143)
    assert tap_code == 3
    assert "CRITICAL" not in run.log("tap.log")


def test_a_tap_that_fails_lets_the_target_keep_what_its_states_stand_for(pipeline, tmp_path):  # S5
    run = pipeline({"rows": 5000, "fail_after": 3000})
    tap_code, target_code, stdout = run.finish()
    assert (tap_code, target_code) == (1, 0)
    assert json.loads(stdout.splitlines()[-1])["bookmarks"]["numbers"]["replication_key_value"] == 3000
    assert [row["id"] for row in rows(tmp_path)] == list(range(3000))


def test_a_tap_killed_in_the_middle_costs_no_stored_row_twice(pipeline, tmp_path):
    run = pipeline({"rows": 10_000_000, "batch_rows": 100, "pause": 0.005}, on_invalid="skip")
    run.wait_for(lambda: (tmp_path / "out" / "0003.jsonl").exists())
    run.tap.kill()
    tap_code, target_code, stdout = run.finish()
    assert (tap_code, target_code) == (-9, 0)
    ids = [row["id"] for row in rows(tmp_path)]
    assert ids == list(range(len(ids)))
    printed = json.loads(stdout.splitlines()[-1])["bookmarks"]["numbers"]["replication_key_value"]
    assert printed <= len(ids)


def test_an_interrupt_of_the_whole_group_ends_both(pipeline, tmp_path):  # S3
    run = pipeline({"rows": 10_000_000, "batch_rows": 100, "pause": 0.005})
    run.wait_for(lambda: (tmp_path / "out" / "0003.jsonl").exists())
    os.killpg(run.tap.pid, signal.SIGINT)
    tap_code, target_code, stdout = run.finish()
    assert (tap_code, target_code) == (130, 130)
    ids = [row["id"] for row in rows(tmp_path)]
    printed = json.loads(stdout.splitlines()[-1])["bookmarks"]["numbers"]["replication_key_value"]
    assert ids == list(range(printed))
    for name in ("tap.log", "target.log"):
        assert "Traceback" not in run.log(name)
        assert run.log(name).rstrip().endswith("stopped by SIGINT")
