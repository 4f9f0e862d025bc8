"""`dativo plan`: what a run of a job would be, with nothing started and no secret read."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.connectors.fingerprint import fingerprint_of
from dativo.errors import StateError
from dativo.isolation.cgroup import find_ground
from dativo.isolation.enforcement import NOBODY, enforcement, not_enforced
from dativo.jobs.globs import near
from dativo.jobs.limits import Limits
from dativo.jobs.schedule import next_time
from dativo.secrets.resolver import open_secrets
from dativo.state.listing import age
from dativo.state.places import job_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.connectors.programs import Program
    from dativo.jobs.format import Job, Mapper, Source, Target
    from dativo.jobs.ready import ReadyJob

_ORIGINS = {
    "lock": "installed from connectors.lock",
    "beside": "beside dativo",
    "path": "on PATH",
    "custom": "given as a path",
}


def plan_of(ready: ReadyJob, now: datetime | None = None) -> dict[str, Any]:
    """The plan of one job as JSON-like data; secrets by name alone, no value of a setting."""
    job = ready.job
    ground = find_ground()
    enforced = enforcement(ground.controllers if ground else frozenset())
    asked = [side.limits for _, _, side in _stages(ready)]
    due = next_time(job.schedule, now or datetime.now(UTC)) if job.schedule else None
    return {
        "job": job.full_name,
        "file": str(near(ready.document.place.file)),
        "project": str(near(ready.project.file)) if ready.project.file else None,
        "tags": list(job.tags),
        "connectors": [
            {"role": role, **_connector(program), **_bounds(side)} for role, program, side in _stages(ready)
        ],
        "enforcement": enforced,
        "secrets": _secrets(ready),
        "variables": sorted(ready.variables),
        "state": _state(ready),
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
        "warnings": [*ready.warnings, *not_enforced(asked, enforced)],
    }


def plan_lines(plan: dict[str, Any]) -> Iterator[str]:
    """The plan as people read it."""
    tags = f"  [{', '.join(plan['tags'])}]" if plan["tags"] else ""
    yield f"{plan['job']}  {plan['file']}{tags}"
    for each in plan["connectors"]:
        by = plan["enforcement"]
        bounds = "   ".join(f"{name} {value}: {_by(by[name])}" for name, value in each["limits"].items())
        where = f"{each['name']} {each['version'] or '?'} ({each['from']})"
        yield _line(each["role"], f"{where}   sandbox {each['sandbox']}   {bounds}".rstrip())
    for secret in plan["secrets"]:
        yield _line("secret", f"{secret['name']} ← {'; '.join(secret['looked_for_in'])}")
    if plan["variables"]:
        yield _line("env", ", ".join(plan["variables"]))
    yield _line("state", _state_said(plan["state"]))
    at_once = f"; {plan['parallel_streams']} streams at once" if plan["parallel_streams"] > 1 else ""
    yield _line("loads", _loads(plan["loads"]) + at_once)
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
        "version": program.version,
        "from": _ORIGINS[program.origin],
        "executable": str(program.executable),
        "fingerprint": fingerprint_of(program),
        "shadows": str(program.entry.shadows) if program.entry and program.entry.shadows else None,
    }


def _bounds(side: Source | Mapper | Target) -> dict[str, Any]:
    """What the side is held to: memory always, the rest where it is not what is built in."""
    usual = Limits()
    said = {name: getattr(side.limits, name) for name in Limits.__dataclass_fields__}
    limits = {name: str(value) for name, value in said.items() if value != getattr(usual, name)}
    limits = {"memory": "75 % of the machine's", **limits}
    return {"sandbox": side.sandbox, "limits": limits, "network": side.network, "env": list(side.env)}


def _by(whom: str) -> str:
    return "not enforced here" if whom == NOBODY else whom


def _secrets(ready: ReadyJob) -> list[dict[str, Any]]:
    """Every secret by name, with where it is looked for; none is fetched."""
    if not ready.secret_refs:
        return []
    secrets = open_secrets(ready.project, ready.job.tenant, os.environ)
    return [{"name": str(ref), "looked_for_in": secrets.places(ref.name)} for ref in ready.secret_refs]


def _state(ready: ReadyJob) -> dict[str, Any]:
    """Where the state is and how old; a store that does not answer is a fact of the plan, not its end."""
    said: dict[str, Any] = {"key": str(ready.key), "ask_target": ready.job.state.ask_target}
    try:
        store = job_store(ready.key, ready.job.state, ready.directory, ready.project)
        said["place"] = str(near(Path(place))) if (place := store.place(ready.key))[:1] == "/" else place
        stored = store.read(ready.key)
    except StateError as error:
        return said | {"error": str(error)}
    return said | ({"seq": stored.seq, "at": stored.at, "run": stored.run} if stored else {"seq": None})


def _state_said(state: dict[str, Any]) -> str:
    if "error" in state:
        return f"{state['key']} cannot be read: {state['error']}"
    how_old = f"seq {state['seq']}, {age(state['at'])}" if state["seq"] else "nothing is stored yet"
    asked = "; a target that keeps it is asked first" if state["ask_target"] else ""
    return f"{state['place']} ({how_old}){asked}"


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
