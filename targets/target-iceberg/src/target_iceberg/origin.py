"""Who a run is for, as the runner says it by the environment; it goes into the ledger and the snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES = {"dativo.job": "DATIVO_JOB", "dativo.tenant": "DATIVO_TENANT"}


def origin_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Lines for the summaries of the snapshots of a run.

    Args:
        environ: of the process. `dativo` sets the variables; other schedulers may do so too.
    """
    return {line: environ[name] for line, name in _VARIABLES.items() if environ.get(name)}
