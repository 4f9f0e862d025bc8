"""report.json and the summary."""

from __future__ import annotations

import json

from dativo.observe.run_report import ReportFile, report, summary_lines


def test_the_report_says_everything(told):
    told.whole_run()
    document = report(told.tally)
    cpu = document.pop("runner_cpu_seconds")
    assert cpu > 0
    assert document == {
        "format": "dativo-run",
        "version": 1,
        "run": "20261124T000000Z-1f2e3d",
        "job": "users",
        "tenant": "acme",
        "outcome": "succeeded",
        "reason": None,
        "retryable": False,
        "exit_code": 0,
        "started_at": "2026-11-24T00:00:00.000Z",
        "seconds": 3.0,
        "first_record_seconds": 1.0,
        "attempts": [{"number": 1, "seconds": 3.0, "outcome": "succeeded", "reason": None, "states": 2}],
        "connectors": [
            {
                "role": "tap",
                "name": "tap-x",
                "version": "1.2",
                "fingerprint": "lock:ab",
                "peak_memory": 5_000_000,
                "cpu_seconds": 0.7,
                "sent": 3_000_000,
                "exit": 0,
            },
            {
                "role": "target",
                "name": "target-y",
                "version": "3",
                "fingerprint": None,
                "peak_memory": 0,
                "cpu_seconds": 0.0,
                "sent": 0,
                "exit": 0,
            },
        ],
        "streams": {
            "users": {"read": 10, "loaded": 10, "bytes": 2_000_000, "files": 0, "stored": 0, "seconds": 1.0}
        },
        "pipes": [{"from": "tap-x", "to": "target-y", "full": 0.5, "empty": 0.5}],
        "bottleneck": {"side": "target-y", "share": 0.5},
        "state": {"seq": 8, "at": "2026-11-24T00:00:02.000Z", "moved": True, "place": ".dativo/state.json"},
        "enforcement": {"memory": "watch"},
        "secrets": ["pg"],
        "limit": None,
        "warnings": ["mind the gap"],
    }


def test_the_summary_is_short(told):
    told.whole_run("limited", "tap-x was stopped: it used 2.1 GiB of memory", 1, limit="memory")
    lines = summary_lines(report(told.tally))
    assert lines[0] == "acme/users limited in 3.0 s (run 20261124T000000Z-1f2e3d)"
    assert "  reason      tap-x was stopped: it used 2.1 GiB of memory" in lines
    assert "  stream      users: 10 records" in lines
    assert "  WARNING     mind the gap" in lines


def test_a_run_that_ended_before_anything_moved_has_a_report_too(told):
    told.start(tenant=None)
    told.observer.ended("failed", "tap-x cannot be started", 1)
    document = report(told.tally)
    assert document["first_record_seconds"] is None
    assert document["streams"] == {}
    assert document["bottleneck"] is None
    assert summary_lines(document)[0].startswith("users failed in 0.0 s")


def test_files_are_for_their_owner_alone_and_a_copy_goes_where_it_is_wanted(told, tmp_path):
    told.observer.add(ReportFile(told.tally, tmp_path, tmp_path / "copy.json"))
    told.whole_run()
    written = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert written == {"report.json": 0o600, "summary.txt": 0o600, "copy.json": 0o600}
    assert json.loads((tmp_path / "report.json").read_text())["outcome"] == "succeeded"
    assert (tmp_path / "copy.json").read_text() == (tmp_path / "report.json").read_text()
    assert told.warnings == []
