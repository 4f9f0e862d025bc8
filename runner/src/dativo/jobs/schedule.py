"""When a job is to run: checked here, printed for cron, systemd or an orchestrator. Nothing here waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dativo.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo.jobs.format import Job, Schedule
    from dativo.jobs.located import Located

NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_YEARS_AHEAD = 5


class Cron:
    """Five fields of cron; raises ValueError naming the field that is wrong."""

    def __init__(self, text: str) -> None:
        fields = NICKNAMES.get(text.strip(), text).split()
        if len(fields) != len(_FIELDS):
            raise ValueError(f"{text!r} must have the five fields minute hour day month weekday")
        self.text = " ".join(fields)
        names = ((), (), (), _MONTHS, _DAYS)
        parsed = [_values(each, *_FIELDS[i], names[i]) for i, each in enumerate(fields)]
        self._minutes, self._hours, self._days, self._months, weekdays = parsed
        self._weekdays = {day % 7 for day in weekdays}
        self._any_day, self._any_weekday = fields[2].startswith("*"), fields[4].startswith("*")

    def after(self, moment: datetime) -> datetime | None:
        """The next time that is meant, in the time zone of `moment`; None if there is none for years."""
        here = (moment + timedelta(minutes=1)).replace(second=0, microsecond=0)
        last = here + timedelta(days=366 * _YEARS_AHEAD)
        while here <= last:
            if not self._is_day(here):
                here = (here + timedelta(days=1)).replace(hour=0, minute=0)
            elif here.hour not in self._hours:
                here = (here + timedelta(hours=1)).replace(minute=0)
            elif here.minute not in self._minutes:
                here += timedelta(minutes=1)
            else:
                return here
        return None

    def calendars(self) -> list[str]:
        """The same for systemd: one OnCalendar, or two where cron means either of two kinds of days."""
        times = f"{_listed(self._hours)}:{_listed(self._minutes)}:00"
        months = "*" if len(self._months) == 12 else _listed(self._months)
        days = "*" if self._any_day and len(self._days) == 31 else _listed(self._days)
        week = ",".join(_DAYS[day].capitalize() for day in sorted(self._weekdays))
        every_day = len(self._weekdays) == 7
        if self._any_day or self._any_weekday:
            return [f"{'' if every_day else week + ' '}*-{months}-{days} {times}"]
        return [f"*-{months}-{days} {times}", f"{week} *-{months}-* {times}"]

    def _is_day(self, moment: datetime) -> bool:
        """As cron has it: a day that either field names, if both are given."""
        if moment.month not in self._months:
            return False
        by_day = moment.day in self._days
        by_weekday = moment.isoweekday() % 7 in self._weekdays
        if self._any_day or self._any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def _values(text: str, name: str, low: int, high: int, names: Sequence[str]) -> set[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            start = low if first == "*" else _number(first, names, low)
            end = _number(last, names, low) if dash else (high if first == "*" or step else start)
            every = int(step) if step else 1
        except ValueError:
            raise ValueError(f"{part!r} is no {name}") from None
        if not low <= start <= end <= high or every < 1:
            raise ValueError(f"{part!r} is no {name} ({low} to {high})")
        values.update(range(start, end + 1, every))
    return values


def _listed(values: set[int]) -> str:
    return ",".join(f"{value:02d}" for value in sorted(values))


def _number(text: str, names: Sequence[str], low: int) -> int:
    """A number, or a name such as `mon` or `jan`."""
    return names.index(text.lower()) + low if text.lower() in names else int(text)


def schedule_problems(job: Job, document: Located) -> list[Problem]:
    """What is wrong with the schedule of a job, beyond its form."""
    schedule = job.schedule
    if schedule is None:
        return []
    place = document.place_of(["schedule"])
    if (schedule.cron is None) == (schedule.every is None):
        return [Problem(place, "schedule: give either 'cron' or 'every'")]
    problems = []
    if schedule.cron is not None:
        try:
            Cron(schedule.cron)
        except ValueError as error:
            problems.append(Problem(document.place_of(["schedule", "cron"]), f"schedule.cron: {error}"))
    try:
        _zone(schedule.timezone)
    except ValueError as error:
        problems.append(Problem(document.place_of(["schedule", "timezone"]), f"schedule.timezone: {error}"))
    return problems


def next_time(schedule: Schedule, now: datetime) -> datetime | None:
    """When the job is due next; None for `every`, which counts from its last start."""
    if schedule.cron is None:
        return None
    return Cron(schedule.cron).after(now.astimezone(_zone(schedule.timezone)))


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone: write one such as Europe/Vienna") from None
