"""What connectors see of the runner's environment: a short list, and what a job or the registry names."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from dativo.home import make_private
from dativo.jobs.granted import RUNNERS_ALONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dativo.jobs.ready import ReadyJob
    from dativo.run.sides import Side

PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_*", "TZ"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("LOGLEVEL", "PYTHONUNBUFFERED", "DATIVO_METRICS_SECONDS", "SINGER_SDK_LOG_CONFIG"),
)
"""Names and patterns of variables that every connector gets."""

NEVER = ("DATIVO_SECRET__*", *RUNNERS_ALONE)
"""What the runner itself is trusted with; only a job that names one exactly hands it on."""

METRICS_SECONDS = "0.5"
"""How often our connectors log their counts during a run; their own default is once a minute."""


def environment_of(
    side: Side, ready: ReadyJob, environ: Mapping[str, str], directory: Path
) -> dict[str, str]:
    """The whole environment of one connector.

    Args:
        side: the connector.
        ready: its job; `DATIVO_JOB` and `DATIVO_TENANT` tell the connector who it works for.
        environ: of the runner.
        directory: the connector's own; its temporary files go there.
    """
    passed = passed_on(side, ready, environ)
    passed.setdefault("DATIVO_METRICS_SECONDS", METRICS_SECONDS)
    passed["DATIVO_JOB"] = ready.job.name
    passed["DATIVO_TENANT"] = ready.job.tenant or ""
    if "TMPDIR" not in side.settings.env:
        passed["TMPDIR"] = str(make_private(directory / "tmp"))
    if ready.job.tenant and "HOME" not in side.settings.env:
        passed["HOME"] = str(make_private(directory / "home"))
    return passed


def passed_on(side: Side, ready: ReadyJob, environ: Mapping[str, str]) -> dict[str, str]:
    """What one connector gets of the runner's environment."""
    return {name: value for name, value in environ.items() if _is_passed(name, side, ready)}


def _is_passed(name: str, side: Side, ready: ReadyJob) -> bool:
    if name in side.settings.env:
        return True
    granted = any(_fits(name, pattern) for pattern in _patterns(side, ready, name))
    return granted and not any(_fits(name, pattern) for pattern in NEVER)


def _fits(name: str, pattern: str) -> bool:
    """As `fnmatchcase`, which makes a regular expression of each pattern, and most are plain names."""
    return name == pattern or (not pattern.isidentifier() and fnmatchcase(name, pattern))


def _patterns(side: Side, ready: ReadyJob, name: str) -> Iterator[str]:
    """What every connector gets, and what its registry entry asks for, where the tenant may have it."""
    yield from PASSED_ON
    tenant = ready.job.tenant
    if tenant is None or name in ready.project.tenant(tenant).env:
        yield from side.program.connector.environment
