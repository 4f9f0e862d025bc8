"""`dativo run`: one job from its file to its result, with as many tries as it takes and may take."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dativo.isolation.tree import adopt_orphans
from dativo.run.attempts import Attempts
from dativo.run.audited import audited_run
from dativo.run.given_secrets import redactor_of, with_secrets
from dativo.run.job_run import JobRun, Teller, near
from dativo.run.refused import telling_refusal
from dativo.run.session import open_session
from dativo.run.watched import watched_run
from dativo.run.workspace import scratch_directory
from dativo.state.owner import new_run
from dativo.state.parts import parts_of
from dativo.state.places import job_store
from dativo.state.run_state import RunState, held_state

if TYPE_CHECKING:
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.console import Console
    from dativo.observe.report import Result
    from dativo.observe.sinks import Watched
    from dativo.run.options import RunOptions
    from dativo.run.session import Session


def run_job(given: ReadyJob, console: Console, options: RunOptions) -> Result:
    """Runs a job from the state its destination holds or has stored, storing every state on the way.

    What comes of this process is adopted: nothing that a connector starts outlives the run.

    Raises:
        RunFailed: a side failed; what was durable before stays, and so does the last state.
        Interrupted: a signal stopped it, and all sides have ended.
        StateError: the state cannot be used or stored.
        ConnectorError: a connector does not start or does not discover.
        ProblemsError: `select` leaves nothing to load.
    """
    adopt_orphans()
    job, key, run = given.job, given.key, new_run()
    sample = options.is_sample
    work = given.project.home.tenant(job.tenant).work / str(key).rpartition("/")[2]
    with ExitStack() as held:
        with telling_refusal(given, run, console, only_here=sample):
            say = Teller(job.full_name, console)
            store = job_store(key, job.state, given.directory, given.project, say=say)
            state = held.enter_context(held_state(store, key, run, wait=options.wait))
            scratch = held.enter_context(scratch_directory(work))
            ready, used = Attempts(job.retries, say).run(lambda: with_secrets(given, os.environ, run))
            held.enter_context(audited_run(ready, run, used))
            session = held.enter_context(open_session(ready, scratch, state.held.fd))
        secrets = [each.name for each in used]
        with watched_run(session, run, console, near(state.place), secrets, only_here=sample) as watched:
            return _load(session, state, console, watched, options)


def _load(
    session: Session, state: RunState, console: Console, watched: Watched, options: RunOptions
) -> Result:
    """Loads the job as one, or its streams at once; a sample is always one."""
    if session.ready.job.parallel.streams > 1 and not options.is_sample:
        # Loaded late: most jobs are loaded as one.
        from dativo.run.parts import Parts

        return Parts(session, state, console, watched, options).result()

    def prepare() -> None:
        if not options.is_sample and (text := state.read()) and parts_of(text):
            _put_together(session, state, console, watched)

    return JobRun(session, state, console, watched.observer, options, prepare=prepare).result()


def _put_together(session: Session, state: RunState, console: Console, watched: Watched) -> None:
    """Makes one state of those that the streams have since they were loaded at once."""
    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.division import Division

    log = ConnectorLog(console, redactor_of(session.ready, os.environ), None, watched.observer.logged)
    Division(session, state, log, console).put_together()
