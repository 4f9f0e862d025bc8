"""The secrets of a job, fetched and put into its configuration; from then on nothing shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo.run.environment import passed_on
from dativo.run.sides import sides_of
from dativo.secrets.redact import everywhere, secret_variables, secrets_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.jobs.ready import ReadyJob
    from dativo.secrets.redact import Redactor
    from dativo.secrets.resolver import UsedSecret


def with_secrets(ready: ReadyJob, environ: Mapping[str, str]) -> tuple[ReadyJob, tuple[UsedSecret, ...]]:
    """The job with every secret in its place, and which those are.

    Raises:
        SecretMissing: no backend has one of them.
        SecretBackendDown: a backend does not answer.
        SecretError: a backend refuses.
    """
    if not ready.secret_refs:
        return ready, ()
    # Loaded late: a job without secrets does not pay for it.
    from dativo.secrets.resolver import open_secrets

    secrets = open_secrets(ready.project, ready.job.tenant, environ)
    secrets.fetch(ready.secret_refs)
    resolved = ready.resolved(secrets.resolve)
    everywhere().add(secrets.values)
    return resolved, tuple(secrets.used)


def redactor_of(ready: ReadyJob, environ: Mapping[str, str]) -> Redactor:
    """Hides every secret that a job brought in or that its connectors inherit, in errors too."""
    redactor = everywhere()
    for side in sides_of(ready):
        redactor.add(secrets_in(side.settings.config, side.program.connector.secret_settings))
        redactor.add(secret_variables(passed_on(side, ready, environ)))
    redactor.add(secret_variables(ready.variables))
    return redactor
