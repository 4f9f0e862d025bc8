"""What a migration would make, before anything is written."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path  # noqa: TC003

from dativo.errors import Place  # noqa: TC001
from dativo.records import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know about a migration.

    Attributes:
        by_hand: whether somebody has to do something before the jobs run as they did.
    """

    message: str
    place: Place | None = None
    by_hand: bool = False

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{'BY HAND: ' if self.by_hand else ''}{self.message}"


@dataclass(frozen=True, slots=True)
class NewState:
    """A state to be given to a job that has none yet.

    Attributes:
        file: the job file.
        job: `tenant/name`, or the name alone.
        text: JSON text of the state.
        origin: where it comes from, for people.
    """

    file: Path
    job: str
    text: str
    origin: str


@dataclass(slots=True)
class Migration:
    """Files to be written, states to be stored, and notes.

    Attributes:
        files: path → text.
        states: of the jobs in `files`.
    """

    files: dict[Path, str] = field(default_factory=dict)
    states: list[NewState] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def note(self, message: str, place: Place | None = None, *, by_hand: bool = False) -> None:
        note = Note(message, place, by_hand)
        if note not in self.notes:
            self.notes.append(note)

    @property
    def needs_a_hand(self) -> bool:
        return any(note.by_hand for note in self.notes)
