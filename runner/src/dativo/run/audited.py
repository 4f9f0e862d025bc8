"""What the audit log is told of a run: that it starts, which secrets it was given, how it ended."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dativo.audit.open import open_audit
from dativo.connectors.fingerprint import fingerprint_of
from dativo.errors import AuditError
from dativo.run.sides import sides_of
from dativo.run.watched import verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dativo.connectors.programs import Program
    from dativo.jobs.ready import ReadyJob
    from dativo.secrets.resolver import UsedSecret


@contextmanager
def audited_run(ready: ReadyJob, run: str, used: Sequence[UsedSecret]) -> Iterator[None]:
    """Notes a run before anything of it is started, and at its end.

    Raises:
        AuditError: the log cannot be written, so nothing is started.
    """
    job = ready.job
    audit = open_audit(ready.project, job.tenant, os.environ, run=run, job=job.name)
    connectors = [_connector(side.program) for side in sides_of(ready)]
    audit.note("run.started", connectors=connectors, secrets=sorted({secret.name for secret in used}))
    try:
        yield
    except BaseException as error:
        with suppress(AuditError):  # what went wrong first is what counts
            audit.note("run.ended", outcome=verdict_of(error), reason=str(error))
        raise
    audit.note("run.ended", outcome="succeeded")


def _connector(program: Program) -> dict[str, str | None]:
    return {"name": program.name, "version": program.version, "fingerprint": fingerprint_of(program)}
