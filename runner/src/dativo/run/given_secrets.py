"""The secrets of a job, fetched and put into its configuration; from then on nothing shows them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from dativo.errors import AuditError, SecretBackendDown, SecretError
from dativo.run.environment import passed_on
from dativo.run.sides import sides_of
from dativo.secrets.redact import everywhere, secret_variables, secrets_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.jobs.ready import ReadyJob
    from dativo.secrets.redact import Redactor
    from dativo.secrets.resolver import UsedSecret


def with_secrets(
    ready: ReadyJob, environ: Mapping[str, str], run: str | None = None
) -> tuple[ReadyJob, tuple[UsedSecret, ...]]:
    """The job with every secret in its place, and which those are; each is noted in the audit log.

    Args:
        ready: the job.
        environ: where backends find what they need.
        run: for which run they are fetched.

    Raises:
        SecretMissing: no backend has one of them.
        SecretBackendDown: a backend does not answer.
        SecretError: a backend refuses.
        AuditError: the log cannot be written.
    """
    if not ready.secret_refs:
        return ready, ()
    # Loaded late: a job without secrets does not pay for it.
    from dativo.audit.open import open_audit
    from dativo.secrets.resolver import open_secrets

    secrets = open_secrets(ready.project, ready.job.tenant, environ)
    audit = open_audit(ready.project, ready.job.tenant, environ, run=run, job=ready.job.name)
    try:
        secrets.fetch(ready.secret_refs)
        resolved = ready.resolved(secrets.resolve)
    except SecretBackendDown:
        raise  # nobody was refused anything
    except SecretError as error:
        with suppress(AuditError):  # what went wrong first is what counts
            audit.note("secret.refused", reason=str(error))
        raise
    finally:
        everywhere().add(secrets.values)
    for secret in secrets.used:
        audit.note("secret.read", name=secret.name, backend=secret.backend, scope=secret.scope)
    return replace(resolved, warnings=(*resolved.warnings, *secrets.warnings)), tuple(secrets.used)


def redactor_of(ready: ReadyJob, environ: Mapping[str, str]) -> Redactor:
    """Hides every secret that a job brought in or that its connectors inherit, in errors too."""
    redactor = everywhere()
    for side in sides_of(ready):
        redactor.add(secrets_in(side.settings.config, side.program.connector.secret_settings))
        redactor.add(secret_variables(passed_on(side, ready, environ)))
    redactor.add(secret_variables(ready.variables))
    return redactor
