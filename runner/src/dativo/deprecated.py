"""What still works but will go, each with its dates: said when it is used, and listed in docs/jobs.md."""

from __future__ import annotations

from datetime import date

from dativo.records import dataclass


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Something to write otherwise.

    Attributes:
        name: as people write it.
        since: when it became deprecated.
        until: the day from which on a release may come without it; at least six months later.
        instead: what to write.
    """

    name: str
    since: date
    until: date
    instead: str

    def __str__(self) -> str:
        return f"{self.name} is deprecated since {self.since} and will go after {self.until}: {self.instead}"


DEPRECATED = {
    each.name: each
    for each in (
        Deprecation(
            "--grace-seconds",
            date(2026, 11, 24),
            date(2027, 6, 30),
            "write `timeouts: {grace: …}` in the job or in the defaults of dativo.yaml",
        ),
    )
}


def warn_of(name: str) -> None:
    """Says on stderr that something of the table has been used."""
    import sys

    sys.stderr.write(f"WARNING: {DEPRECATED[name]}\n")


def deprecation_table() -> str:
    """The table as Markdown."""
    rows = [
        f"| `{each.name}` | {each.since} | {each.until} | {each.instead} |" for each in DEPRECATED.values()
    ]
    return "\n".join(["| what | deprecated since | works until | instead |", "|---|---|---|---|", *rows])
