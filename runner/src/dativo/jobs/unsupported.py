"""Keys of the format that nothing acts on: a job that uses one is refused, never run as if it did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo.errors import Problem, ProblemsError
from dativo.jobs.limits import Parallel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.jobs.ready import ReadyJob


def refuse_unsupported(ready: ReadyJob) -> None:
    """Raises ProblemsError with the place of every key of a job that this version does not act on."""
    problems = [
        Problem(ready.document.place_of(path), f"{'.'.join(map(str, path))}: this version cannot do it yet")
        for path in _unsupported(ready)
    ]
    if problems:
        raise ProblemsError(problems)


def _unsupported(ready: ReadyJob) -> Iterator[list[str | int]]:
    if ready.job.parallel != Parallel():
        yield ["parallel"]
