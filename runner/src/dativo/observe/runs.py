"""The runs of a project: a directory each, with who runs it, the log and the report."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.home import make_private
from dativo.observe.run_report import REPORT_FILE
from dativo.observe.write import write_private
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.home import Home

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Run:
    """One run, over or not.

    Attributes:
        outcome: of its report; without one `running`, or `killed` if nobody runs it any more.
        document: its report, else what it said when it began.
    """

    tenant: str | None
    job: str
    name: str
    directory: Path
    outcome: str
    document: dict[str, Any]

    @property
    def full_name(self) -> str:
        return f"{self.tenant}/{self.job}" if self.tenant else self.job

    @property
    def records(self) -> int:
        streams = self.document.get("streams", {})
        return sum(each["read"] or each["loaded"] for each in streams.values())


def begin_run(home: Home, tenant: str | None, job: str, run: str, *, began: float) -> Path:
    """Makes the directory of a run and says in it who runs it."""
    directory = make_private(home.tenant(tenant).runs(job) / run)
    document = {
        "run": run,
        "job": job,
        "tenant": tenant,
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "process_started": _process_started(os.getpid()),
        "began": began,
    }
    write_private(directory / RUN_FILE, json.dumps(document) + "\n")
    return directory


def keep_newest(home: Home, tenant: str | None, job: str, count: int) -> list[str]:
    """Removes all but the newest runs of a job, never one that goes on; returns names of those removed."""
    directory = home.tenant(tenant).runs(job)
    names = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
    old = [_read_run(tenant, job, directory / name) for name in names[: max(len(names) - count, 0)]]
    gone = [run for run in old if run is not None and run.outcome != "running"]
    for run in gone:
        shutil.rmtree(run.directory, ignore_errors=True)
    return [run.name for run in gone]


def all_runs(home: Home) -> Iterator[Run]:
    """Every run of every job of every tenant, oldest first."""
    found = []
    for tenant in home.tenants():
        jobs = home.tenant(tenant).root / "runs"
        for job in sorted(jobs.iterdir()) if jobs.is_dir() else ():
            found += runs_of(home, tenant, job.name)
    yield from sorted(found, key=lambda run: run.name)


def runs_of(home: Home, tenant: str | None, job: str) -> list[Run]:
    """The runs of a job, oldest first."""
    directory = home.tenant(tenant).runs(job)
    names = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
    found = [_read_run(tenant, job, directory / name) for name in names]
    return [run for run in found if run is not None]


def _read_run(tenant: str | None, job: str, directory: Path) -> Run | None:
    report = _read_json(directory / REPORT_FILE)
    if report is not None:
        return Run(tenant, job, directory.name, directory, str(report.get("outcome")), report)
    said = _read_json(directory / RUN_FILE)
    if said is None:
        return None
    outcome = "running" if _is_alive(said) else "killed"
    return Run(tenant, job, directory.name, directory, outcome, said)


def _is_alive(said: dict[str, Any]) -> bool:
    """Whether the process that began the run is there; on another host nobody can tell, so it counts."""
    if said.get("host") != os.uname().nodename:
        return True
    return _process_started(int(said.get("pid", 0))) == said.get("process_started")


def _process_started(pid: int) -> str | None:
    """When a process was started, in the kernel's words: tells it from a later one with the same number."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
