"""Who watches a run: opened from what the project and the job say."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.observe.observer import Observer
from dativo.observe.tally import Tally
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dativo.home import Home
    from dativo.jobs.format import Notification
    from dativo.jobs.project_format import Observe
    from dativo.jobs.secret_text import SecretText
    from dativo.observe.console import Console
    from dativo.observe.events import Sink
    from dativo.observe.trace_context import TraceContext


@dataclass(frozen=True, slots=True)
class Watched:
    """A run that is watched.

    Attributes:
        observer: is told what happens.
        tally: what is known so far.
    """

    observer: Observer
    tally: Tally


@dataclass(frozen=True, slots=True)
class Subject:
    """Which run is watched, and whose."""

    run: str
    job: str
    tenant: str | None
    home: Home
    root: Path
    trace: TraceContext
    report: Path | None = None

    @property
    def full_name(self) -> str:
        return f"{self.tenant}/{self.job}" if self.tenant else self.job


def watch_run(
    subject: Subject,
    console: Console,
    settings: Observe,
    notifications: tuple[Notification, ...] = (),
    *,
    hide: Callable[[str], str] = str,
) -> Watched:
    """Opens everything that watches a run; what cannot be opened is a warning, never the end of the run.

    Args:
        settings: with secrets in their places; paths in it start at the project's root.
        notifications: of the job, with secrets in their places.
        hide: takes secrets out of warnings.
    """
    tally = Tally(earlier=_age())

    def warn(what: str) -> None:
        what = hide(what)
        tally.warnings.append(what)
        console.say(f"{subject.full_name}: WARNING: {what}")

    observer = Observer([tally, _progress(subject, tally, console)], warn)
    try:
        for sink in _kept(subject, tally, settings.keep_runs, observer.began):
            observer.add(sink)
    except OSError as error:
        warn(f"nothing of this run is kept: {error}")
    try:
        for sink in _sent(subject, tally, settings, notifications, warn):
            observer.add(sink)
    except TypeError as error:
        warn(f"somebody is not told of this run: {error}")
    return Watched(observer, tally)


def _age() -> float:
    """Seconds since this process was started, 0 where that cannot be known."""
    try:
        # The second field is the name in parentheses, which may hold anything.
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return max(time.clock_gettime(time.CLOCK_BOOTTIME) - began, 0.0)


def _progress(subject: Subject, tally: Tally, console: Console) -> Sink:
    if console.is_terminal:
        from dativo.observe.live import LiveBoard

        return LiveBoard(subject.full_name, tally, console)
    from dativo.observe.progress import PlainProgress

    return PlainProgress(subject.full_name, tally, console)


def _kept(subject: Subject, tally: Tally, keep: int, began: float) -> list[Sink]:
    """What the run leaves in the home."""
    from dativo.observe.run_log import RunLog
    from dativo.observe.run_report import ReportFile
    from dativo.observe.runs import begin_run, keep_newest

    directory = begin_run(subject.home, subject.tenant, subject.job, subject.run, began=began)
    keep_newest(subject.home, subject.tenant, subject.job, keep)
    return [RunLog(tally, directory), ReportFile(tally, directory, subject.report)]


def _sent(
    subject: Subject,
    tally: Tally,
    settings: Observe,
    notifications: tuple[Notification, ...],
    warn: Callable[[str], None],
) -> Iterator[Sink]:
    """Whoever is told outside of the home."""
    root = subject.root
    if settings.prometheus.textfile or settings.prometheus.listen:
        from dativo.observe.prometheus import Endpoint, Textfile

        if settings.prometheus.textfile:
            yield Textfile(tally, root / settings.prometheus.textfile)
        if settings.prometheus.listen:
            yield Endpoint(tally, settings.prometheus.listen)
    if settings.otel.endpoint:
        from dativo.observe.otel import OpenTelemetry

        otel = settings.otel
        yield OpenTelemetry(
            tally, subject.trace, settings.otel.endpoint, _plain(otel.headers), otel.metrics_every
        )
    lineage = settings.openlineage
    if lineage.url or lineage.file:
        from dativo.observe.openlineage import OpenLineage, to_file, to_url

        deliver = (
            to_url(lineage.url, _plain(lineage.headers)) if lineage.url else to_file(root / str(lineage.file))
        )
        yield OpenLineage(tally, lineage.namespace, deliver)
    if notifications:
        yield _notifications(subject, tally, notifications, warn)


def _notifications(
    subject: Subject, tally: Tally, wanted: tuple[Notification, ...], warn: Callable[[str], None]
) -> Sink:
    from dativo.observe.notify import Notifications, Webhook
    from dativo.observe.runs import runs_of

    def before() -> str | None:
        earlier = [
            run for run in runs_of(subject.home, subject.tenant, subject.job) if run.name < subject.run
        ]
        return earlier[-1].outcome if earlier else None

    webhooks = [
        Webhook(_text(each.webhook), each.on, _plain(each.headers), each.format, each.timeout)
        for each in wanted
    ]
    return Notifications(tally, webhooks, before, warn)


def _plain(headers: Mapping[str, str | SecretText]) -> dict[str, str]:
    return {name: _text(value) for name, value in headers.items()}


def _text(value: str | SecretText) -> str:
    if not isinstance(value, str):
        raise TypeError("it holds a secret that has not been fetched")  # never send the name in its place
    return value
