"""Tenants whose names differ in nothing that the name of a variable may hold: their secrets would be one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dativo.jobs.ready import ReadyJob


def in_variables(name: str) -> str:
    """A name as it stands in that of a variable: `acme-eu` is `ACME_EU`."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name).upper()


def tenant_problems(jobs: Sequence[ReadyJob]) -> Iterator[Problem]:
    """Of jobs whose tenant would see the variables of another tenant, of these jobs or of the project."""
    first: dict[tuple[Path, str], str] = {}
    for each in jobs:
        for listed in each.project.settings.tenants:
            first.setdefault((each.project.root, in_variables(listed)), listed)
    for each in jobs:
        if (tenant := each.job.tenant) is None:
            continue
        spelled = in_variables(tenant)
        other = first.setdefault((each.project.root, spelled), tenant)
        if other != tenant:
            what = f"the tenants {other} and {tenant} would share their secrets (DATIVO_SECRET__{spelled}__…)"
            yield Problem(each.document.place_of(["tenant"]), f"tenant: {what}: give one another name")
