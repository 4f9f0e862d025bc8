"""The audit log of a project's tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo.audit.log import Audit
from dativo.jobs.secret_text import SecretText
from dativo.secrets.resolver import open_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.jobs.project import Project


def open_audit(
    project: Project,
    tenant: str | None,
    environ: Mapping[str, str],
    *,
    run: str | None = None,
    job: str | None = None,
) -> Audit:
    """The log that what is done for a tenant goes into.

    Raises:
        SecretError: the key of the chain cannot be had.
    """
    settings = project.settings.audit
    key = audit_key(project, environ) if settings.enabled else None
    home = project.home.tenant(tenant)
    return Audit(home, tenant, run=run, job=job, key=key, enabled=settings.enabled)


def audit_key(project: Project, environ: Mapping[str, str]) -> bytes | None:
    """The key of the chain; it is the project's, so it comes from the global scope."""
    key = project.settings.audit.key
    if isinstance(key, SecretText):
        key = str(open_secrets(project, None, environ).resolve(key))
    return key.encode() if key else None
