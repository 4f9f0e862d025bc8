"""The registry: every connector the runner knows, by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.connectors.entry import Connector, RegistryFile
from dativo.errors import Place, Problem, ProblemsError
from dativo.jobs.located import load_yaml
from dativo.jobs.typed import read_dataclass, suggestion
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dativo.connectors.entry import Kind


@dataclass(frozen=True, slots=True)
class Entry:
    """A connector and the registry file it came from.

    Attributes:
        shadows: registry file of the entry with this name that it takes the place of.
    """

    connector: Connector
    file: Path
    shadows: Path | None = None


class Registry:
    """Connectors by name; a later registry file replaces entries of an earlier one."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = dict(entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(
            sorted(self._entries.values(), key=lambda entry: (entry.connector.kind, entry.connector.name))
        )

    def get(self, name: str) -> Entry | None:
        return self._entries.get(name)

    def look_up(self, name: str, kind: Kind | None = None) -> Entry:
        """The entry called `name`; raises LookupError with what to write instead."""
        entry = self._entries.get(name)
        if entry is None:
            known = [each.connector.name for each in self if kind in (None, each.connector.kind)]
            what = kind or "connector"
            hint = suggestion(name, known) or f"; known {what}s: {', '.join(known) or 'none'}"
            raise LookupError(f"no {what} {name!r} in the registry{hint}")
        if kind not in (None, entry.connector.kind):
            raise LookupError(f"{name!r} is a {entry.connector.kind}, and a {kind} is needed here")
        return entry


def load_registry(files: Sequence[Path]) -> Registry:
    """Reads registry files in order; raises ProblemsError with every problem of all of them."""
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            for name, entry in _read_file(file).items():
                before = entries.get(name)
                entries[name] = replace(entry, shadows=before.file) if before else entry
        except ProblemsError as error:
            problems.extend(error.problems)
    if problems:
        raise ProblemsError(problems)
    return Registry(entries)


def built_in_registry() -> Path:
    """The registry that ships with the runner: in its package, or in the repository it is developed in."""
    here = Path(__file__).resolve()
    candidates = [parent / "registry.yaml" for parent in here.parents[1:]]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise ProblemsError(
        [Problem(Place(candidates[0]), "the registry is not in the installed package: install dativo anew")]
    )


def _read_file(file: Path) -> dict[str, Entry]:
    problems: list[Problem] = []
    located = load_yaml(file, problems, trusted=file == built_in_registry())
    read = read_dataclass(RegistryFile, located, problems)
    entries: dict[str, Entry] = {}
    for index, connector in enumerate(read.connectors if read else ()):
        if connector.name in entries:
            place = located.place_of(["connectors", index, "name"])
            problems.append(Problem(place, f"{connector.name!r} is listed twice"))
        entries[connector.name] = Entry(connector, file)
    if problems:
        raise ProblemsError(problems)
    return entries
