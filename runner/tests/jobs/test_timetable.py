"""Schedules as a crontab, as systemd units, as JSON."""

from __future__ import annotations

import json

import pytest
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.errors import ProblemsError
from dativo.jobs.ready import load_job
from dativo.jobs.timetable import timetable

JOB = """\
name: users
tenant: acme
source: {connector: tap-steps}
target: {connector: target-lines}
"""


@pytest.fixture
def job(project):
    def job(schedule, file="job.yaml"):
        path = project.directory / file
        path.write_text(JOB + (f"schedule: {schedule}\n" if schedule else ""))
        return load_job(path, load_registry([built_in_registry(), project.registry]), {})

    return job


@pytest.mark.parametrize(
    ("schedule", "line"),
    [
        ("{cron: '*/5 1 * * *'}", "*/5 1 * * * /"),
        ("{cron: '@weekly'}", "0 0 * * 0 /"),
        ("{every: 1m}", "*/1 * * * * /"),
        ("{every: 30m}", "*/30 * * * * /"),
        ("{every: 1h}", "0 * * * * /"),
        ("{every: 6h}", "0 */6 * * * /"),
        ("{every: 1d}", "0 0 * * * /"),
        ("{every: 1h, jitter: 90s}", "0 * * * * sleep $(shuf -i 0-90 -n 1); /"),
    ],
)
def test_a_crontab(job, schedule, line):
    lines = timetable([job(schedule)], "crontab").splitlines()
    assert lines[0].startswith("# ")
    assert lines[1] == "CRON_TZ=UTC"
    assert lines[2].startswith(line)
    assert "/dativo run /" in lines[2]


@pytest.mark.parametrize("every", ["30s", "90s", "7m", "45m", "5h", "2d", "0s"])
def test_what_cron_cannot_say(job, every):
    with pytest.raises(ProblemsError, match=f"5:19: schedule.every: cron cannot say every {every}"):
        timetable([job(f"{{every: {every}}}")], "crontab")


def test_names_of_files_are_quoted(job):
    found = job("{cron: '@daily'}", "a b%c$d.yaml")
    assert timetable([found], "crontab").splitlines()[2].endswith("a b\\%c$d.yaml'")
    assert 'a b%%c$$d.yaml"' in timetable([found], "systemd")


def test_systemd_counts_from_the_last_start(job):
    text = timetable([job("{every: 7m, jitter: 5s}")], "systemd")
    assert (
        "# dativo-acme-users.timer\n[Timer]\nOnUnitActiveSec=420\nOnBootSec=60\nRandomizedDelaySec=5\n"
        in text
    )
    assert "Description=dativo acme/users" in text


def test_either_of_two_kinds_of_days_is_two_calendars(job):
    text = timetable([job("{cron: '0 3 1 * mon', timezone: Europe/Vienna}")], "systemd")
    assert "OnCalendar=*-*-01 03:00:00 Europe/Vienna\nOnCalendar=Mon *-*-* 03:00:00 Europe/Vienna\n" in text


def test_machines_get_everything(job):
    (found,) = json.loads(timetable([job("{every: 7m, tags: [nightly]}"), job(None)], "json"))
    assert found["job"] == "acme/users"
    assert found["command"][1] == "run"
    del found["command"], found["job"]
    assert found == {
        "cron": None,
        "every_seconds": 420.0,
        "timezone": "UTC",
        "jitter_seconds": 0.0,
        "tags": ["nightly"],
        "retry_exit_codes": [75],
    }
