"""A run as its watchers are told of it: from its beginning to however it ends."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dativo.connectors.fingerprint import fingerprint_of
from dativo.errors import Interrupted, LimitExceeded, PartsFailed, RunnerError, SecretError, TimedOut
from dativo.isolation.enforcement import not_enforced
from dativo.jobs.project_format import Observe
from dativo.jobs.resolving import resolved_in, secrets_of
from dativo.observe.events import Side as SeenSide
from dativo.observe.sinks import Subject, watch_run
from dativo.observe.trace_context import VARIABLE, trace_context
from dativo.secrets.redact import everywhere

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo.jobs.format import Notification
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.console import Console
    from dativo.observe.events import Verdict
    from dativo.observe.observer import Observer
    from dativo.observe.sinks import Watched
    from dativo.observe.trace_context import TraceContext
    from dativo.run.session import Session
    from dativo.run.sides import Side

TABLE_ROWS = "row-count"
"""Key of a catalog's metadata with about how many rows a stream has."""


@contextmanager
def watched_run(
    session: Session, run: str, console: Console, place: str, secrets: Iterable[str], *, only_here: bool
) -> Iterator[Watched]:
    """Tells every watcher that the run begins, and at the end how it went.

    Args:
        run: name of the run.
        place: where the state of the job stands, for people.
        secrets: names of those that its connectors are given.
        only_here: for a run that loads a sample or nothing: it is kept in the home, and nobody else is told.
    """
    ready = session.ready
    job = ready.job
    trace = trace_context(os.environ)
    watched = open_watched(ready, job.notifications, run, console, only_here=only_here, trace=trace)
    observer = watched.observer
    session.tell({VARIABLE: trace.traceparent, "DATIVO_RUN": run})
    enforced = session.enforcement()
    asked = [side.settings.limits for side in session.sides]
    observer.started(
        run,
        job.name,
        job.tenant,
        [seen(side) for side in session.sides],
        secrets=sorted(set(secrets)),
        enforcement=enforced,
    )
    for warning in (*ready.warnings, *not_enforced(asked, enforced)):
        console.say(f"{job.full_name}: WARNING: {warning}")
        observer.said(warning, "WARNING")
    try:
        yield watched
    except BaseException as error:
        tell_end(observer, error, place if watched.tally.state else None)
        raise
    tell_end(observer, None, place if watched.tally.state else None)


def open_watched(
    ready: ReadyJob,
    notifications: tuple[Notification, ...],
    run: str,
    console: Console,
    *,
    only_here: bool,
    trace: TraceContext | None = None,
) -> Watched:
    """Opens everything that watches a run of a job; `notifications` have their secrets in their places."""
    job, project = ready.job, ready.project
    trace = trace or trace_context(os.environ)
    subject = Subject(run, job.name, job.tenant, project.home, project.root, trace)
    settings = Observe(project.settings.observe.keep_runs) if only_here else _settings(ready, run, console)
    notifications = () if only_here else notifications
    return watch_run(subject, console, settings, notifications, hide=everywhere())


def tell_end(observer: Observer, error: BaseException | None, place: str | None = None) -> None:
    """Tells how a run ended, and where its state stands if it has moved."""
    if error is None:
        observer.ended("succeeded", None, 0, state=place)
        return
    code = error.exit_code if isinstance(error, RunnerError) else 1
    limit = error.limit if isinstance(error, LimitExceeded | PartsFailed) else None
    again = isinstance(error, RunnerError) and error.retryable
    reason = everywhere()(str(error)) or type(error).__name__
    observer.ended(verdict_of(error), reason, code, retryable=again, state=place, limit=limit)


def _settings(ready: ReadyJob, run: str, console: Console) -> Observe:
    """Whom the project tells, secrets in their places; without them nobody is told who would need one."""
    settings = ready.project.settings.observe
    if not secrets_of(settings):
        return settings
    from dativo.audit.open import open_audit
    from dativo.secrets.resolver import open_secrets

    try:
        secrets = open_secrets(ready.project, ready.job.tenant, os.environ)
        resolved = resolved_in(settings, secrets.resolve)
    except SecretError as error:
        console.say(f"{ready.job.full_name}: WARNING: observe: {error}")
        return settings
    everywhere().add(secrets.values)
    audit = open_audit(ready.project, ready.job.tenant, os.environ, run=run, job=ready.job.name)
    for secret in secrets.used:
        audit.note("secret.read", name=secret.name, backend=secret.backend, scope=secret.scope)
    return resolved


def verdict_of(error: BaseException | None) -> Verdict:
    """How a run or a try ended, by the error that ended it."""
    match error:
        case None:
            return "succeeded"
        case PartsFailed():
            return error.verdict
        case Interrupted() | KeyboardInterrupt():
            return "interrupted"
        case LimitExceeded():
            return "limited"
        case TimedOut():
            return "timed_out"
        case _:
            return "failed"


def selected_streams(catalog: Mapping[str, Any], *, anew: bool) -> tuple[dict[str, Any], dict[str, int]]:
    """Schemas of the selected streams, and about how many rows there are of those that are loaded whole.

    Args:
        catalog: with the selection in it.
        anew: whether there is no state to start from.
    """
    schemas, rows = {}, {}
    for stream in catalog["streams"]:
        name = stream.get("tap_stream_id") or stream.get("stream")
        facts = _table_metadata(stream)
        if not isinstance(name, str) or not facts.get("selected"):
            continue
        schemas[name] = stream.get("schema") or {}
        count = facts.get(TABLE_ROWS)
        method = facts.get("replication-method") or stream.get("replication_method")
        if isinstance(count, int) and (anew or method == "FULL_TABLE"):
            rows[name] = count
    return schemas, rows


def _table_metadata(stream: Mapping[str, Any]) -> Mapping[str, Any]:
    for entry in stream.get("metadata") or ():
        if not entry.get("breadcrumb"):
            found: Mapping[str, Any] = entry.get("metadata") or {}
            return found
    return {}


def seen(side: Side) -> SeenSide:
    program = side.program
    return SeenSide(side.role, side.name, program.version, fingerprint_of(program))
