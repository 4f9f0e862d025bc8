"""`dativo run`: one job from its file to its result, with as many tries as it takes and may take."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import RunFailed
from dativo.isolation.tree import adopt_orphans
from dativo.observe.report import Result
from dativo.run.attempt import Attempt
from dativo.run.attempts import Attempts
from dativo.run.audited import audited_run
from dativo.run.given_secrets import redactor_of, with_secrets
from dativo.run.refused import telling_refusal
from dativo.run.session import open_session
from dativo.run.stages import Patience
from dativo.run.watched import verdict_of, watched_run
from dativo.run.workspace import scratch_directory
from dativo.state.owner import new_run
from dativo.state.places import job_store
from dativo.state.run_state import RunState, held_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.jobs.format import Job
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.console import Console
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
            store = job_store(key, job.state, given.directory, given.project, say=_Teller(job, console))
            state = held.enter_context(held_state(store, key, run, wait=options.wait))
            scratch = held.enter_context(scratch_directory(work))
            ready, used = Attempts(job.retries, _Teller(job, console)).run(
                lambda: with_secrets(given, os.environ)
            )
            held.enter_context(audited_run(ready, run, used))
            session = held.enter_context(open_session(ready, scratch, state.held.fd))
        secrets = [each.name for each in used]
        with watched_run(session, run, console, _near(state.place), secrets, only_here=sample) as watched:
            return _Run(session, state, console, watched, options).result()


class _Teller:
    """Says on the console which job it speaks of."""

    def __init__(self, job: Job, console: Console) -> None:
        self._name = job.full_name
        self._console = console

    def __call__(self, what: str) -> None:
        self._console.say(f"{self._name}: {what}")


class _Run:
    """All tries of one job."""

    def __init__(
        self,
        session: Session,
        state: RunState,
        console: Console,
        watched: Watched,
        options: RunOptions,
    ) -> None:
        self._session = session
        self._job: Job = session.ready.job
        self._state = state
        self._console = console
        self._watched = watched
        self._options = options
        self._anew = options.full_refresh
        self._redact = redactor_of(session.ready, os.environ)
        self._began = time.monotonic()
        self._attempts = Attempts(self._job.retries, _Teller(self._job, console))

    def result(self) -> Result:
        try:
            return self._attempts.run(self._once)
        except RunFailed as error:
            raise error.within(self._what_failed()) from error.__cause__

    def _once(self) -> Result:
        attempt = Attempt(
            self._session,
            self._state,
            self._console,
            self._redact,
            self._watched.observer,
            self._attempts.progress,
            self._options,
        )
        with self._told(attempt):
            attempt.run(self._patience(), anew=self._anew)
        state = _near(self._state.place) if attempt.states else None
        return Result(attempt.counters, attempt.seconds, state, attempt.described)

    @contextmanager
    def _told(self, attempt: Attempt) -> Iterator[None]:
        """Tells the watchers how a try went."""
        observer, number = self._watched.observer, self._attempts.number
        began = observer.now
        try:
            yield
        except BaseException as error:
            # What was loaded anew in this try need not be in the next.
            self._anew = self._anew and not attempt.states
            reason = self._redact(str(error))
            observer.attempted(number, began, verdict_of(error), reason, states=attempt.states)
            raise
        observer.attempted(number, began, "succeeded", None, states=attempt.states)

    def _patience(self) -> Patience:
        times = self._job.timeouts
        left = None if times.run is None else max(times.run - (time.monotonic() - self._began), 0.0)
        return Patience(times.grace, times.idle, left)

    def _what_failed(self) -> str:
        number = self._attempts.number
        if number == 1:
            return f"{self._job.full_name} failed"
        return f"{self._job.full_name} failed after {number} tries ({time.monotonic() - self._began:.0f} s)"


def _near(place: str) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(Path(place).relative_to(here)) if Path(place).is_relative_to(here) else place
