"""Cron, checked and computed; schedules printed for cron, systemd and machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dativo.jobs.format import Schedule
from dativo.jobs.quantities import Duration
from dativo.jobs.schedule import Cron, next_time

NOW = datetime(2026, 11, 23, 22, 30, 15, tzinfo=UTC)  # a Monday
CASES = json.loads((Path(__file__).parent / "cases/cron.json").read_text())


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", "2026-11-23 22:31"),
        ("30 22 * * *", "2026-11-24 22:30"),
        ("0 2 * * *", "2026-11-24 02:00"),
        ("*/20 * * * *", "2026-11-23 22:40"),
        ("5-10/5 23 * * *", "2026-11-23 23:05"),
        ("0 0 1 jan *", "2027-01-01 00:00"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("15 6 * * sun", "2026-11-29 06:15"),
        ("15 6 * * 7", "2026-11-29 06:15"),
        ("0 12 25 * wed", "2026-11-25 12:00"),
        ("0 12 30 * fri", "2026-11-27 12:00"),
        ("@weekly", "2026-11-29 00:00"),
        ("@hourly", "2026-11-23 23:00"),
    ],
)
def test_the_next_time(cron, expected):
    assert Cron(cron).after(NOW) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["cron"])
def test_the_times_that_a_search_of_every_minute_finds(case):
    """The cases were found by holding each minute against each field."""
    schedule = Schedule(cron=case["cron"], timezone=case["timezone"])
    moment, found = datetime.fromisoformat(case["now"]).replace(tzinfo=ZoneInfo(case["timezone"])), []
    for _ in case["next"]:
        moment = next_time(schedule, moment)
        found.append(moment.isoformat())
    assert found == case["next"]


def test_a_day_that_never_comes():
    assert Cron("0 0 30 2 *").after(NOW) is None


def test_the_next_time_is_in_the_zone_of_the_schedule():
    due = next_time(Schedule(cron="0 2 * * *", timezone="Asia/Tokyo"), NOW)
    assert due.isoformat() == "2026-11-25T02:00:00+09:00"
    assert next_time(Schedule(every=Duration(60)), NOW) is None


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("* * * *", "five fields"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day"),
        ("* * * foo *", "month"),
        ("* * * * 8", "weekday"),
        ("5-1 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("@never", "five fields"),
    ],
)
def test_what_is_no_cron(cron, message):
    with pytest.raises(ValueError, match=message):
        Cron(cron)


@pytest.mark.parametrize(
    ("cron", "calendars"),
    [
        ("0 2 * * *", ["*-*-* 02:00:00"]),
        ("*/30 8-9 * * mon-wed", ["Mon,Tue,Wed *-*-* 08,09:00,30:00"]),
        ("0 0 1 6 *", ["*-06-01 00:00:00"]),
        ("0 0 13 * fri", ["*-*-13 00:00:00", "Fri *-*-* 00:00:00"]),
    ],
)
def test_systemd_says_the_same(cron, calendars):
    assert Cron(cron).calendars() == calendars
