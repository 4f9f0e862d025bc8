"""Who watches a run is opened from what project and job say; what cannot be opened is a warning."""

from __future__ import annotations

import io
import json

import pytest
from dativo.home import Home
from dativo.jobs.format import Notification
from dativo.jobs.project_format import Observe, OpenLineage, OpenTelemetry, Prometheus
from dativo.jobs.secret_text import SecretText
from dativo.observe.console import Console
from dativo.observe.events import Side
from dativo.observe.log_lines import Metric
from dativo.observe.sinks import Subject, watch_run
from dativo.observe.trace_context import TraceContext

RUN = "20261124T000000Z-1f2e3d"


@pytest.fixture
def open_run(tmp_path):
    out = io.StringIO()

    def open_run(settings=None, notifications=(), home=None, report=None):
        settings = settings or Observe()
        home = home or Home(tmp_path / ".dativo")
        subject = Subject(RUN, "users", "acme", home, tmp_path, TraceContext(1, 2), report)
        watched = watch_run(subject, Console(out), settings, notifications)
        sides = [Side("tap", "tap-x"), Side("target", "target-y")]
        watched.observer.started(RUN, "users", "acme", sides)
        watched.observer.counted("tap-x", Metric("counter", "record_count", 5, {"stream": "users"}))
        watched.observer.ticked()
        return watched

    open_run.out = out
    return open_run


def finish(watched):
    watched.observer.ended("succeeded", None, 0)
    return watched.tally.warnings


def test_every_run_leaves_its_files(open_run, tmp_path):
    assert finish(open_run()) == []
    directory = tmp_path / ".dativo" / "tenants" / "acme" / "runs" / "users" / RUN
    assert sorted(path.name for path in directory.iterdir()) == [
        "log.jsonl",
        "report.json",
        "run.json",
        "summary.txt",
    ]
    assert directory.stat().st_mode & 0o777 == 0o700


def test_everything_at_once(open_run, tmp_path, receiver):
    (tmp_path / "prom").mkdir()
    settings = Observe(
        prometheus=Prometheus(textfile="prom", listen="127.0.0.1:0"),
        otel=OpenTelemetry(endpoint=receiver.url),
        openlineage=OpenLineage(file="lineage.jsonl"),
    )
    watched = open_run(settings, (Notification(f"{receiver.url}/hook", on=("success",)),))
    assert finish(watched) == []
    assert (tmp_path / "prom" / "dativo_acme+users.prom").is_file()
    assert len((tmp_path / "lineage.jsonl").read_text().splitlines()) == 2
    paths = {path for path, _, _ in receiver.requests}
    assert paths == {"/v1/traces", "/v1/metrics", "/hook"}


def test_a_copy_of_the_report_goes_where_it_is_asked_for(open_run, tmp_path):
    finish(open_run(report=tmp_path / "copy.json"))
    assert json.loads((tmp_path / "copy.json").read_text())["outcome"] == "succeeded"


def test_a_home_that_cannot_be_written_is_a_warning(open_run, tmp_path):
    (tmp_path / "file").write_text("")
    [warning] = finish(open_run(home=Home(tmp_path / "file" / "home")))
    assert warning.startswith("nothing of this run is kept:")
    assert "acme/users: WARNING: nothing of this run is kept" in open_run.out.getvalue()


def test_the_name_of_a_secret_is_never_sent_in_its_place(open_run, receiver):
    secret = SecretText("${secret:hook}")
    [warning] = finish(open_run(notifications=(Notification(secret, on=("success",)),)))
    assert warning == "somebody is not told of this run: it holds a secret that has not been fetched"
    headers = {"Authorization": secret}
    settings = Observe(openlineage=OpenLineage(url=receiver.url, headers=headers))
    assert "has not been fetched" in finish(open_run(settings))[0]
    assert receiver.requests == []


def test_old_runs_make_room(open_run, tmp_path):
    runs = tmp_path / ".dativo" / "tenants" / "acme" / "runs" / "users"
    for number in range(5):
        old = runs / f"2025010{number}T000000Z-000000"
        old.mkdir(parents=True)
        (old / "report.json").write_text('{"outcome": "succeeded"}')
    finish(open_run(Observe(keep_runs=3)))
    assert sorted(path.name[:8] for path in runs.iterdir()) == ["20250103", "20250104", "20261124"]


def test_whether_a_job_has_recovered_is_read_from_its_last_run(open_run, tmp_path, receiver):
    before = tmp_path / ".dativo" / "tenants" / "acme" / "runs" / "users" / "20250101T000000Z-000000"
    before.mkdir(parents=True)
    (before / "report.json").write_text('{"outcome": "failed"}')
    finish(open_run(notifications=(Notification(receiver.url, on=("recovered",)),)))
    assert [document["outcome"] for document in receiver.documents] == ["succeeded"]
