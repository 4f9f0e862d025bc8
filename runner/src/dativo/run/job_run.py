"""All tries of a job, or of one of its streams."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import RunFailed
from dativo.observe.report import Result
from dativo.run.attempt import Attempt
from dativo.run.attempts import Attempts
from dativo.run.given_secrets import redactor_of
from dativo.run.stages import Patience
from dativo.run.watched import verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dativo.jobs.format import Job
    from dativo.observe.console import Console
    from dativo.observe.observer import Observer
    from dativo.run.options import RunOptions
    from dativo.run.session import Session
    from dativo.state.run_state import Standing


class Teller:
    """Says on the console what it speaks of."""

    def __init__(self, name: str, console: Console) -> None:
        self._name = name
        self._console = console

    def __call__(self, what: str) -> None:
        self._console.say(f"{self._name}: {what}")


class JobRun:
    """All tries.

    Args:
        session: of the job.
        state: where it stands.
        console: for people.
        observer: is told how each try goes.
        options: what the command line says of this run.
        name: for messages; left out, that of the job.
        began: when the run began, on the clock of the machine; left out, now.
        prepare: what comes before each try.
    """

    def __init__(
        self,
        session: Session,
        state: Standing,
        console: Console,
        observer: Observer,
        options: RunOptions,
        *,
        name: str | None = None,
        began: float | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self._prepare = prepare
        self._session = session
        self._job: Job = session.ready.job
        self._state = state
        self._console = console
        self._observer = observer
        self._name = name or self._job.full_name
        self._options = options
        self._anew = options.full_refresh
        self._redact = redactor_of(session.ready, os.environ)
        self._began = time.monotonic() if began is None else began
        self._attempts = Attempts(self._job.retries, Teller(self._name, console))

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
            self._observer,
            self._attempts.progress,
            self._options,
        )
        with self._told(attempt):
            if self._prepare is not None:
                self._prepare()
            attempt.run(self._patience(), anew=self._anew)
        state = near(self._state.place) if attempt.states else None
        return Result(attempt.counters, attempt.seconds, state, attempt.described)

    @contextmanager
    def _told(self, attempt: Attempt) -> Iterator[None]:
        """Tells the watchers how a try went."""
        observer, number = self._observer, self._attempts.number
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
            return f"{self._name} failed"
        return f"{self._name} failed after {number} tries ({time.monotonic() - self._began:.0f} s)"


def near(place: str) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(Path(place).relative_to(here)) if Path(place).is_relative_to(here) else place
