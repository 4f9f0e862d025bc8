"""Variables that the runner itself logs in with: the job of a tenant has those that its project grants."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from dativo.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from dativo.jobs.format import Job
    from dativo.jobs.located import Located
    from dativo.jobs.project_format import Tenant

RUNNERS_ALONE = ("VAULT_*", "BAO_*", "OTEL_*")
"""What connectors are not given by pattern."""

RUNNERS_OWN = (*RUNNERS_ALONE, "AWS_*", "GOOGLE_*", "GCLOUD_*", "CLOUDSDK_*", "AZURE_*")
"""With these secrets are fetched and states are stored, those of every tenant."""


def ungranted(job: Job, tenant: Tenant, document: Located, used: Collection[str]) -> Iterator[Problem]:
    """What the job of a tenant takes of the runner's own without being granted it.

    Args:
        job: nothing is asked of one without a tenant.
        tenant: what the project says of it.
        document: the job file.
        used: variables that the file takes a value from.
    """
    if job.tenant is None:
        return
    grant = f"which dativo itself may log in with, for every tenant: list it in tenants.{job.tenant}.env"
    for name in used:
        if _is_kept_back(name, tenant):
            yield Problem(document.place_of(["tenant"]), f"${{{name}}} is a variable {grant}")
    for path, names in _named(job):
        for index, name in enumerate(names):
            if _is_kept_back(name, tenant):
                place = document.place_of([*path, index])
                yield Problem(place, f"{'.'.join(map(str, path))}: {name} is a variable {grant}")


def _named(job: Job) -> Iterator[tuple[list[str | int], tuple[str, ...]]]:
    """Where in the file variables are named, and which."""
    yield ["source", "env"], job.source.env
    for index, mapper in enumerate(job.mappers):
        yield ["mappers", index, "env"], mapper.env
    yield ["target", "env"], job.target.env


def _is_kept_back(name: str, tenant: Tenant) -> bool:
    return name not in tenant.env and any(fnmatchcase(name, pattern) for pattern in RUNNERS_OWN)
