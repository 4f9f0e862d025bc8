"""Streams of one job that are loaded at once: `parallel.streams`."""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from pathlib import Path

import pyarrow.dataset as ds
import pytest
import yaml
from dativo.home import Home
from dativo.state.parts import read_joined
from dativo.state.places import open_home_store
from dativo.state.store import StateKey

EXECUTABLES = Path(__file__).parents[1] / "executables"
ALL = ("a", "b", "c")
EPOCHS = {"epoch_max_bytes": 0, "epoch_max_seconds": 0, "epoch_max_records": 20}


@pytest.fixture
def counts(project):
    entry = {
        "name": "tap-counts",
        "kind": "tap",
        "distribution": "tap-counts",
        "version": "1.0.0",
        "executable": str(EXECUTABLES / "tap_counts.py"),
        "description": "Counts",
        "maturity": "stable",
        "capabilities": ["catalog", "discover", "state"],
    }
    registry = yaml.safe_load(project.registry.read_text())
    registry["connectors"].append(entry)
    project.registry.write_text(yaml.safe_dump(registry))
    return Counts(project)


class Counts:
    """A job of tap-counts, whose rows must all be there once."""

    def __init__(self, project):
        self.project = project
        self.directory = project.directory
        self.retries = {"attempts": 1}

    def job(self, streams=3, *, into="target-lines", records=100, **config):
        settings = {"path": "loaded"} if into == "target-lines" else {"destination_path": "lake", **EPOCHS}
        job = {
            "name": "counts",
            "tenant": "acme",
            "source": {
                "connector": "tap-counts",
                "config": {"streams": dict.fromkeys(ALL, records), "state_every": 10, **config},
            },
            "target": {"connector": into, "config": settings},
            "parallel": {"streams": streams},
            "retries": self.retries,
        }
        (self.directory / "counts.yaml").write_text(yaml.safe_dump(job))

    def run(self, *options):
        return self.project.dativo("run", "counts.yaml", *options, cwd=self.directory)

    def start(self):
        return self.project.start("run", "counts.yaml", cwd=self.directory)

    def file(self, name):
        return str(self.directory / name)

    def lines(self, stream):
        return Counter(self.project.records(stream))

    def lake(self, stream):
        return Counter(ds.dataset(self.directory / "lake" / stream).to_table()["id"].to_pylist())

    @property
    def states(self):
        return self.directory / ".dativo/tenants/acme/state/counts"

    def part(self, stream):
        """How far a stream is by the store, None if it has no state of its own."""
        path = self.states / "parts" / stream / "state.json"
        return json.loads(path.read_text())["state"]["bookmarks"][stream]["next"] if path.exists() else None

    def state(self):
        """The state as people see it."""
        key = StateKey("acme", "counts")
        stored = read_joined(open_home_store(Home(self.directory / ".dativo")), key)
        return {name: each["next"] for name, each in json.loads(stored.text)["bookmarks"].items()}

    def report(self):
        runs = sorted((self.directory / ".dativo/tenants/acme/runs/counts").iterdir())
        return json.loads((runs[-1] / "report.json").read_text())


ONCE = Counter(range(100))
DONE = dict.fromkeys(ALL, 100)


def test_streams_are_loaded_at_once_in_one_run(counts):
    """Each of two waits for the other, which must run meanwhile; the third has to wait for a place."""
    meeting = {"a": [0, counts.file("a")], "b": [0, counts.file("b")]}
    crossed = {"a": [0, counts.file("b")], "b": [0, counts.file("a")]}
    seen = counts.directory / "seen"
    seen.mkdir()
    counts.job(2, touch=meeting, wait=crossed, seen=str(seen))
    done = counts.run()
    assert done.returncode == 0, done.stderr
    assert [counts.lines(stream) for stream in ALL] == [ONCE] * 3
    assert counts.state() == DONE
    notes = [json.loads(path.read_text()) for path in seen.iterdir()]
    assert sorted(note["streams"] for note in notes) == [["a"], ["b"], ["c"]]
    report = counts.report()
    assert {note["environ"]["DATIVO_RUN"] for note in notes} == {report["run"]}
    assert report["outcome"] == "succeeded"
    assert {each["stream"] for each in report["attempts"]} == set(ALL)
    assert {name: each["loaded"] for name, each in report["streams"].items()} == DONE
    assert [each["exit"] for each in report["connectors"]] == [0, 0]
    assert list((counts.directory / ".dativo/tenants/acme/work").iterdir()) == []
    assert counts.project.private_files == []


def failing(counts):
    """Settings with which b fails once, when everything before that is stored."""
    stored = counts.states / "parts/b/state.json"
    return {"fail": {"b": [55, counts.file("mended")]}, "until": {"b": [55, str(stored), '"next": 50']}}


def test_a_stream_that_fails_does_not_hold_up_the_others(counts):
    counts.project.environ["DATIVO_SECRET__ACME__KEY"] = "never-shown-8417"
    counts.job(2, **failing(counts), api_key="${secret:key}")
    failed = counts.run()
    assert failed.returncode == 1
    reason = failed.stderr.splitlines()[-1]
    assert reason.startswith(
        "dativo: acme/counts failed, 2 of 3 streams are loaded: b failed: tap-counts exited"
    )
    assert "b has lost its source" in reason
    assert "never-shown-8417" not in failed.stderr + json.dumps(counts.report())
    assert counts.report()["outcome"] == "failed"
    assert counts.state() == {"a": 100, "b": 50, "c": 100}


def test_each_stream_is_tried_again_by_itself(counts):
    counts.retries = {"attempts": 2, "delay": "0s"}
    counts.job(3, **failing(counts))
    done = counts.run()
    assert done.returncode == 0, done.stderr
    assert "b | b: try 1 failed" in " ".join(done.stderr.split())
    tries = Counter(each["stream"] for each in counts.report()["attempts"])
    assert tries == {"a": 1, "b": 2, "c": 1}
    assert [counts.lines(stream) for stream in ALL] == [ONCE] * 3


def test_a_killed_run_goes_on_where_each_stream_was(counts):
    """With the state in the destination too: nothing twice, whatever the store knew when it was killed."""
    counts.job(3, into="target-parquet", wait={"c": [70, counts.file("go")]})
    run = counts.start()
    counts.project.wait_until(lambda: [counts.part(each) for each in ALL] == [100, 100, 60], seconds=50)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    counts.job(3, into="target-parquet")
    done = counts.run()
    assert done.returncode == 0, done.stderr
    assert [counts.lake(stream) for stream in ALL] == [ONCE] * 3
    assert counts.state() == DONE

    # The store is lost; the destination knows that it holds three states, and they become one.
    shutil.rmtree(counts.states)
    counts.retries = {"attempts": 2, "delay": "0s"}
    counts.job(1, into="target-parquet", records=110)
    done = counts.run()
    assert done.returncode == 0, done.stderr
    assert "the states of 3 streams are one again" in done.stderr
    assert [counts.lake(stream) for stream in ALL] == [Counter(range(110))] * 3


def test_a_signal_stops_all_and_keeps_what_is_loaded(counts):
    counts.job(3, wait={"c": [70, counts.file("never")]})
    run = counts.start()
    counts.project.wait_until(lambda: [counts.part(each) for each in ALL] == [100, 100, 70], seconds=50)
    run.send_signal(signal.SIGTERM)
    _, errors = run.communicate(timeout=50)
    assert run.returncode == 143, errors
    assert counts.report()["outcome"] == "interrupted"
    assert counts.state() == {"a": 100, "b": 100, "c": 70}
    assert not counts.project.is_alive(int((counts.project.loaded / "started").read_text()))


def test_from_one_to_three_and_back(counts):
    """By target-lines, which keeps no state: the store alone knows."""
    for streams, records in ((1, 40), (3, 70), (1, 90)):
        counts.job(streams, records=records)
        done = counts.run()
        assert done.returncode == 0, done.stderr
        assert counts.state() == dict.fromkeys(ALL, records)
        assert [counts.lines(stream) for stream in ALL] == [Counter(range(records))] * 3
        assert (counts.part("a") is None) == (streams == 1)


def test_one_run_of_all_parts_holds_the_job(counts):
    counts.job(3, wait={"c": [70, counts.file("go")]})
    run = counts.start()
    counts.project.wait_until(lambda: counts.part("c") == 70, seconds=50)
    second = counts.run()
    assert second.returncode == 75
    assert "is being run" in second.stderr
    Path(counts.file("go")).touch()
    run.communicate(timeout=50)
    assert run.returncode == 0


def test_options_of_the_command_line(counts):
    counts.job(3)
    done = counts.run("--select", "a", "--select", "c")
    assert done.returncode == 0, done.stderr
    assert counts.state() == {"a": 100, "c": 100}
    assert not counts.lines("b")

    sample = counts.run("--limit", "5", "--full-refresh")
    assert sample.returncode == 0, sample.stderr
    assert counts.lines("b") == Counter(range(5))
    dry = counts.run("--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert json.loads(dry.stdout)
    assert counts.state() == {"a": 100, "c": 100}

    again = counts.run("--full-refresh", "--select", "a")
    assert again.returncode == 0, again.stderr
    assert counts.lines("a") == Counter({each: 3 if each < 5 else 2 for each in range(100)})

    other = counts.run("--state-id-suffix", "dev")
    assert other.returncode == 0, other.stderr
    assert (counts.states.with_name("counts+dev") / "parts/b/state.json").exists()
    assert counts.state() == {"a": 100, "c": 100}


def test_streams_that_share_a_log_are_not_loaded_at_once(counts):
    counts.job(2, method="LOG_BASED")
    refused = counts.run()
    assert refused.returncode == 1
    assert (
        "counts.yaml:3:12: parallel.streams: a, b, c are read from the log of their database"
        in refused.stderr
    )


USERS = [{"entity": name, "path": f"{name}.csv", "keys": ["id"], "replication_key": "id"} for name in ALL]


def test_csv_files_into_parquet_from_one_to_three_and_back(project):
    """Each run begins with the last row of the one before: incremental means not less than the bookmark."""
    project.environ["DATIVO_REGISTRY"] = ""
    for name in ALL:
        (project.directory / f"{name}.csv").write_text("id,name\n")
    expected = Counter()
    for number, streams in enumerate((1, 3, 1)):
        rows = range(number * 50, number * 50 + 50)
        for name in ALL:
            with (project.directory / f"{name}.csv").open("a") as file:
                file.writelines(f"{row},{name}\n" for row in rows)
        expected += Counter(range(max(rows.start - 1, 0), rows.stop))
        job = {
            "name": "lake",
            "source": {"connector": "tap-csv", "config": {"files": USERS}},
            "target": {"connector": "target-parquet", "config": {"destination_path": "lake"}},
            "parallel": {"streams": streams},
        }
        (project.directory / "lake.yaml").write_text(yaml.safe_dump(job))
        done = project.dativo("run", "lake.yaml", cwd=project.directory)
        assert done.returncode == 0, done.stderr
        for name in ALL:
            table = ds.dataset(project.directory / "lake" / name).to_table()
            assert Counter(table["id"].to_pylist()) == expected
    ledgers = sorted(path.name for path in (project.directory / "lake/.dativo/ledger").iterdir())
    assert ledgers == ["lake", "lake%23a", "lake%23b", "lake%23c"]
