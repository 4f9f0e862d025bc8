"""The connectors of a job as they stand in its row: which part each plays, and what the job says of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from dativo.records import dataclass

if TYPE_CHECKING:
    from dativo.connectors.programs import Program
    from dativo.jobs.format import Mapper, Source, Target
    from dativo.jobs.ready import ReadyJob

Role = Literal["tap", "mapper", "target"]


@dataclass(frozen=True, slots=True)
class Side:
    """One connector of a job.

    Attributes:
        name: unique in the job: a connector that stands there a second time has `#2` after its name.
        settings: the part of the job file that speaks of it.
    """

    role: Role
    name: str
    program: Program
    settings: Source | Mapper | Target


def sides_of(ready: ReadyJob) -> tuple[Side, ...]:
    """In the order records pass them: tap, mappers, target."""
    job = ready.job
    parts: list[tuple[Role, Source | Mapper | Target]] = [
        ("tap", job.source),
        *(("mapper", mapper) for mapper in job.mappers),
        ("target", job.target),
    ]
    seen: Counter[str] = Counter()
    sides = []
    for (role, settings), program in zip(parts, ready.chain, strict=True):
        seen[program.name] += 1
        number = seen[program.name]
        name = program.name if number == 1 else f"{program.name}#{number}"
        sides.append(Side(role, name, program, settings))
    return tuple(sides)
