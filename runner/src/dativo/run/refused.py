"""A run that ends before anything of it is started: it is kept and told like any other that failed."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dativo.errors import Interrupted, RunnerError, SecretError, StateBusy
from dativo.jobs.resolving import resolved_in, secrets_of
from dativo.run.sides import sides_of
from dativo.run.watched import open_watched, seen, tell_end

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.jobs.format import Notification
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.console import Console


@contextmanager
def telling_refusal(given: ReadyJob, run: str, console: Console, *, only_here: bool) -> Iterator[None]:
    """Tells the watchers of a run whose secrets, state or audit log are not to be had.

    Of a state that is held by another run nobody is told: that run will say how it goes.

    Args:
        given: the job, secrets not in their places; whoever is told by one that is missing is not told.
        only_here: for a run that loads a sample or nothing.
    """
    try:
        yield
    except (StateBusy, Interrupted):
        raise
    except RunnerError as error:
        notifications = tuple(_with_secrets(given, console))
        watched = open_watched(given, notifications, run, console, only_here=only_here)
        job = given.job
        watched.observer.started(
            run, job.name, job.tenant, [seen(side) for side in sides_of(given)], secrets=[]
        )
        tell_end(watched.observer, error)
        raise


def _with_secrets(given: ReadyJob, console: Console) -> Iterator[Notification]:
    """The notifications whose own secrets are there."""
    for each in given.job.notifications:
        if not secrets_of(each):
            yield each
            continue
        from dativo.secrets.redact import everywhere
        from dativo.secrets.resolver import open_secrets

        try:
            secrets = open_secrets(given.project, given.job.tenant, os.environ)
            resolved = resolved_in(each, secrets.resolve)
        except SecretError as error:
            console.say(f"{given.job.full_name}: WARNING: notifications: {error}")
            continue
        everywhere().add(secrets.values)
        yield resolved
