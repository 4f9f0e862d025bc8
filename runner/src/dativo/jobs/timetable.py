"""The schedules of jobs as a crontab, as systemd units, or as JSON."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.errors import Problem, ProblemsError
from dativo.jobs.schedule import NICKNAMES, Cron

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dativo.jobs.format import Schedule
    from dativo.jobs.ready import ReadyJob

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def timetable(jobs: Sequence[ReadyJob], form: str) -> str:
    """The schedules of those jobs that have one.

    Args:
        form: `crontab`, `systemd` or `json`.

    Raises:
        ProblemsError: cron cannot say when a job is to run.
    """
    planned = [job for job in jobs if job.job.schedule is not None]
    if form == "json":
        return json.dumps([_document(job) for job in planned], indent=2, ensure_ascii=False)
    if form == "systemd":
        return "\n".join(line for job in planned for line in _units(job))
    return "\n".join(_crontab(planned))


def _schedule(job: ReadyJob) -> Schedule:
    schedule = job.job.schedule
    assert schedule is not None
    return schedule


def _command(job: ReadyJob) -> list[str]:
    dativo = Path(sys.executable).with_name("dativo")
    return [str(dativo), "run", str(job.document.place.file.absolute())]


def _document(job: ReadyJob) -> dict[str, Any]:
    schedule = _schedule(job)
    return {
        "job": job.job.full_name,
        "command": _command(job),
        "cron": Cron(schedule.cron).text if schedule.cron else None,
        "every_seconds": float(schedule.every) if schedule.every is not None else None,
        "timezone": schedule.timezone,
        "jitter_seconds": float(schedule.jitter),
        "tags": list(schedule.tags),
        "retry_exit_codes": [75],
    }


def _crontab(jobs: Sequence[ReadyJob]) -> Iterator[str]:
    yield "# Printed by `dativo schedule`; cron must know CRON_TZ (cronie, not Vixie cron)."
    problems = []
    for job in jobs:
        schedule = _schedule(job)
        fields = Cron(schedule.cron).text if schedule.cron else _as_cron(schedule.every or 0)
        if fields is None:
            place = job.document.place_of(["schedule", "every"])
            message = (
                f"schedule.every: cron cannot say every {schedule.every}: it must divide an hour or a day"
            )
            problems.append(Problem(place, message))
            continue
        wait = int(schedule.jitter)
        # An unescaped % ends the command of a crontab.
        command = shlex.join(_command(job)).replace("%", "\\%")
        pause = f"sleep $(shuf -i 0-{wait} -n 1); " if wait else ""
        yield f"CRON_TZ={schedule.timezone}"
        yield f"{fields} {pause}{command}"
    if problems:
        raise ProblemsError(problems)


def _as_cron(every: float) -> str | None:
    """Cron of a time that divides an hour or a day; None for others, which cron cannot say."""
    seconds = int(every)
    if seconds >= _MINUTE and seconds % _MINUTE == 0 and _HOUR % seconds == 0:
        minutes = seconds // _MINUTE
        return NICKNAMES["@hourly"] if minutes == _HOUR // _MINUTE else f"*/{minutes} * * * *"
    if seconds >= _HOUR and seconds % _HOUR == 0 and _DAY % seconds == 0:
        hours = seconds // _HOUR
        return NICKNAMES["@daily"] if hours == _DAY // _HOUR else f"0 */{hours} * * *"
    return None


def _units(job: ReadyJob) -> Iterator[str]:
    schedule = _schedule(job)
    unit = "dativo-" + job.job.full_name.replace("/", "-")
    yield from (
        f"# {unit}.service",
        "[Unit]",
        f"Description=dativo {job.job.full_name}",
        "[Service]",
        "Type=oneshot",
        f"WorkingDirectory={job.directory}",
        f"ExecStart={' '.join(_systemd_word(word) for word in _command(job))}",
        "",
        f"# {unit}.timer",
        "[Timer]",
        *_when(schedule),
        f"RandomizedDelaySec={int(schedule.jitter)}",
        "Persistent=true",
        "[Install]",
        "WantedBy=timers.target",
        "",
    )


def _when(schedule: Schedule) -> Iterator[str]:
    if schedule.cron is None:
        yield f"OnUnitActiveSec={float(schedule.every or 0):g}"
        yield "OnBootSec=60"
        return
    for calendar in Cron(schedule.cron).calendars():
        yield f"OnCalendar={calendar} {schedule.timezone}"


def _systemd_word(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
