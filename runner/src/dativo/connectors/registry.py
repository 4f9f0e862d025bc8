"""The registry: every connector the runner knows, by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dativo.errors import Place, Problem, ProblemsError
from dativo.jobs.describe import described
from dativo.jobs.format import NAME
from dativo.jobs.located import load_yaml
from dativo.jobs.typed import read_dataclass, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Kind = Literal["tap", "target"]
Maturity = Literal["alpha", "beta", "stable"]


@dataclass(frozen=True, slots=True)
class Connector:
    """One entry of registry.yaml."""

    name: str = field(metadata=described("Name that jobs use.", pattern=NAME))
    kind: Kind = field(metadata=described("`tap` or `target`."))
    distribution: str = field(metadata=described("Package that installs it.", pattern=NAME))
    version: str = field(metadata=described("Version of that package that the registry speaks of."))
    executable: str = field(
        metadata=described(
            "Program to start: a name (looked up beside `dativo`, then on PATH), or a path relative to the "
            "registry.",
            pattern=".+",
        )
    )
    description: str = field(metadata=described("One line."))
    maturity: Maturity = field(metadata=described("How far it can be relied on."))
    capabilities: tuple[str, ...] = field(
        default=(), metadata=described("Singer capabilities, as `--about` prints them.")
    )
    secret_settings: tuple[str, ...] = field(
        default=(),
        metadata=described("Settings whose values never appear in logs, as `outer.inner`."),
    )
    path: str | None = field(default=None, metadata=described("Directory of its source in the repository."))

    def can(self, capability: str) -> bool:
        return capability in self.capabilities


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """A whole registry file."""

    version: Literal[1] = field(metadata=described("Version of the format."))
    connectors: tuple[Connector, ...] = field(metadata=described("The connectors."))


@dataclass(frozen=True, slots=True)
class Entry:
    """A connector and the registry file it came from."""

    connector: Connector
    file: Path


class Registry:
    """Connectors by name; a later registry file replaces entries of an earlier one."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = dict(entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(
            sorted(self._entries.values(), key=lambda entry: (entry.connector.kind, entry.connector.name))
        )

    def look_up(self, name: str, kind: Kind) -> Entry:
        """The entry called `name`; raises LookupError with what to write instead."""
        entry = self._entries.get(name)
        if entry is None:
            known = [each.connector.name for each in self if each.connector.kind == kind]
            hint = suggestion(name, known) or f"; known {kind}s: {', '.join(known) or 'none'}"
            raise LookupError(f"no {kind} {name!r} in the registry{hint}")
        if entry.connector.kind != kind:
            raise LookupError(f"{name!r} is a {entry.connector.kind}, and a {kind} is needed here")
        return entry


def load_registry(files: Sequence[Path]) -> Registry:
    """Reads registry files in order; raises ProblemsError with every problem of all of them."""
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            entries.update(_read_file(file))
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
    located = load_yaml(file, problems)
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
