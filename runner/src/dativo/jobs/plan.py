"""`dativo plan`: what a run of a job would be, with nothing started and no secret read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dativo.jobs.globs import near
from dativo.jobs.limits import Limits
from dativo.jobs.schedule import next_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.connectors.programs import Program
    from dativo.jobs.format import Job, Mapper, Source, Target
    from dativo.jobs.ready import ReadyJob


def plan_of(ready: ReadyJob, now: datetime | None = None) -> dict[str, Any]:
    """The plan of one job as JSON-like data; secrets by name alone, no value of a setting."""
    job = ready.job
    due = next_time(job.schedule, now or datetime.now(UTC)) if job.schedule else None
    return {
        "job": job.full_name,
        "file": str(near(ready.document.place.file)),
        "project": str(near(ready.project.file)) if ready.project.file else None,
        "tags": list(job.tags),
        "connectors": [
            {"role": role, **_connector(program), **_bounds(side)} for role, program, side in _stages(ready)
        ],
        "secrets": [str(ref) for ref in ready.secret_refs],
        "variables": sorted(ready.variables),
        "state": {
            "key": str(ready.key),
            "store": _store(ready),
            "history": job.state.history,
            "ask_target": job.state.ask_target,
        },
        "loads": {
            "select": list(job.source.select),
            "metadata": sorted(job.source.metadata),
            "catalog": job.source.catalog,
        },
        "retries": job.retries.attempts,
        "timeouts": {"run": _said(job.timeouts.run), "idle": _said(job.timeouts.idle)},
        "parallel_streams": job.parallel.streams,
        "schedule": _schedule(job),
        "next": due.isoformat() if due else None,
        "warnings": list(ready.warnings),
    }


def plan_lines(plan: dict[str, Any]) -> Iterator[str]:
    """The plan as people read it."""
    tags = f"  [{', '.join(plan['tags'])}]" if plan["tags"] else ""
    yield f"{plan['job']}  {plan['file']}{tags}"
    for each in plan["connectors"]:
        bounds = "   ".join(f"{name} {value}" for name, value in each["limits"].items())
        where = f"{each['name']} {each['version']} ({each['executable']})"
        yield _line(each["role"], f"{where}   sandbox {each['sandbox']}   {bounds}".rstrip())
    yield _line("secrets", ", ".join(plan["secrets"]) or "none")
    if plan["variables"]:
        yield _line("env", ", ".join(plan["variables"]))
    asked = "; the target is asked first" if plan["state"]["ask_target"] else ""
    yield _line("state", f"{plan['state']['store']} {plan['state']['key']}{asked}")
    yield _line("loads", _loads(plan["loads"]))
    idle = plan["timeouts"]["idle"]
    yield _line("on failure", f"{_tries(plan['retries'])}; stopped when nothing moves for {idle}")
    if plan["schedule"]:
        upcoming = f", next {plan['next']}" if plan["next"] else ""
        yield _line("schedule", f"{plan['schedule']}{upcoming}")
    for warning in plan["warnings"]:
        yield _line("WARNING", warning)


def _stages(ready: ReadyJob) -> Iterator[tuple[str, Program, Source | Mapper | Target]]:
    yield "source", ready.tap, ready.job.source
    for program, mapper in zip(ready.mappers, ready.job.mappers, strict=True):
        yield "mapper", program, mapper
    yield "target", ready.target, ready.job.target


def _connector(program: Program) -> dict[str, Any]:
    return {
        "name": program.name,
        "version": program.connector.version,
        "executable": str(program.executable),
    }


def _bounds(side: Source | Mapper | Target) -> dict[str, Any]:
    """What the side is held to: memory always, the rest where it is not what is built in."""
    usual = Limits()
    said = {name: getattr(side.limits, name) for name in Limits.__dataclass_fields__}
    limits = {name: str(value) for name, value in said.items() if value != getattr(usual, name)}
    limits = {"memory": "75 % of the machine's", **limits}
    return {"sandbox": side.sandbox, "limits": limits, "network": side.network, "env": list(side.env)}


def _store(ready: ReadyJob) -> str:
    store = ready.job.state.store
    if ready.job.state.path or store is None:
        return str(near(ready.state_path))
    return str(store)


def _loads(loads: dict[str, Any]) -> str:
    parts = [", ".join(loads["select"]) or "what the tap selects by itself"]
    if loads["catalog"]:
        parts.append(f"from the catalog {loads['catalog']}")
    if loads["metadata"]:
        parts.append(f"metadata set for {', '.join(loads['metadata'])}")
    return "; ".join(parts)


def _tries(attempts: int) -> str:
    return "no other try" if attempts == 1 else f"{attempts} tries without progress, then exit 75"


def _schedule(job: Job) -> str | None:
    schedule = job.schedule
    if schedule is None:
        return None
    return f"{schedule.cron} {schedule.timezone}" if schedule.cron else f"every {schedule.every}"


def _said(value: object) -> str | None:
    return None if value is None else str(value)


def _line(name: str, text: str) -> str:
    return f"  {name:<12}{text}"
