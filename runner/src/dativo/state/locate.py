"""From what people type to a store and a key: a job file, or the name of a job of the project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.errors import ProblemsError, StateError
from dativo.jobs.format import StateSettings
from dativo.jobs.located import load_yaml
from dativo.jobs.names import NAME, TENANT
from dativo.jobs.project import find_project
from dativo.jobs.references import Variables
from dativo.jobs.typed import read_dataclass
from dativo.records import dataclass
from dativo.state.places import job_store
from dativo.state.store import StateKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dativo.errors import Problem
    from dativo.jobs.project import Project
    from dativo.state.store import StateStore


@dataclass(frozen=True, slots=True)
class Located:
    """One state, and where it is kept."""

    store: StateStore
    key: StateKey
    project: Project


@dataclass(frozen=True, slots=True)
class States:
    """Finds states.

    Attributes:
        environ: where `${VAR}` in files come from.
        chosen: the project file or its directory, None to look upwards.
        say: told when a state file of an older dativo is moved.
    """

    environ: Mapping[str, str]
    chosen: Path | None = None
    say: Callable[[str], None] | None = None

    def find(self, job: str, suffix: str | None = None) -> Located:
        """The state of a job.

        Args:
            job: a job file, or `[TENANT/]NAME`.
            suffix: as of `--state-id-suffix`.

        Raises:
            StateError: the file does not say whose state it is.
            ProblemsError: the project file is not as it must be.
        """
        path = Path(job)
        if path.is_file():
            return self._of_file(path, suffix)
        tenant, slash, name = job.rpartition("/")
        wanted = StateKey(tenant if slash else None, name)
        if not _is_name(wanted):
            raise StateError(f"{job}: is neither a job file nor a name of a job, as in NAME or TENANT/NAME")
        project = find_project(Path.cwd(), self.environ, chosen=self.chosen)
        for file in _job_files(project):
            header = self._header(file)
            if header and header.key == wanted:
                return self._of_header(header, project, suffix)
        key = StateKey(wanted.tenant, wanted.job, suffix)
        return Located(job_store(key, StateSettings(), project.root, project, say=self.say), key, project)

    def all(self) -> Iterator[Located]:
        """Every state of the project, those of jobs that have gone too; parts belong to their jobs."""
        project = find_project(Path.cwd(), self.environ, chosen=self.chosen)
        seen: set[tuple[str, StateKey]] = set()
        for store in self._stores(project):
            for tenant in store.tenants():
                for key in store.keys(tenant):
                    place = (store.place(key), key)
                    if key.part is None and place not in seen:
                        seen.add(place)
                        yield Located(store, key, project)

    def _stores(self, project: Project) -> Iterator[StateStore]:
        yield job_store(StateKey(None, "x"), StateSettings(), project.root, project)
        for file in _job_files(project):
            header = self._header(file)
            if header and (header.settings.path or header.settings.store):
                yield job_store(header.key, header.settings, header.directory, project)

    def _of_file(self, path: Path, suffix: str | None) -> Located:
        header = self._header(path)
        if header is None:
            raise StateError(
                f"{path}: it does not say whose state it is: `name`, `tenant` or `state` is wrong"
            )
        return self._of_header(header, find_project(path, self.environ, chosen=self.chosen), suffix)

    def _of_header(self, header: _Header, project: Project, suffix: str | None) -> Located:
        key = StateKey(header.key.tenant, header.key.job, suffix)
        return Located(job_store(key, header.settings, header.directory, project, say=self.say), key, project)

    def _header(self, path: Path) -> _Header | None:
        """What a job file says of its state, whether the rest of it is right or not."""
        problems: list[Problem] = []
        try:
            document = load_yaml(path, [], Variables(self.environ))
        except ProblemsError:
            return None
        members: dict[str, Any] = document.value if isinstance(document.value, dict) else {}
        name, tenant = (members[each].value if each in members else None for each in ("name", "tenant"))
        settings = (
            read_dataclass(StateSettings, members["state"], problems)
            if "state" in members
            else StateSettings()
        )
        if not isinstance(name, str) or not isinstance(tenant, str | None) or settings is None or problems:
            return None
        key = StateKey(tenant, name)
        return _Header(key, settings, path.absolute().parent) if _is_name(key) else None


@dataclass(frozen=True, slots=True)
class _Header:
    key: StateKey
    settings: StateSettings
    directory: Path


def _is_name(key: StateKey) -> bool:
    """Whether a job can be called so; what holds a `/` or a `..` would lead to files of others."""
    tenant_fits = key.tenant is None or re.fullmatch(TENANT, key.tenant) is not None
    return tenant_fits and re.fullmatch(NAME, key.job) is not None


def _job_files(project: Project) -> Iterator[Path]:
    for pattern in project.settings.jobs:
        yield from sorted(path for path in project.root.glob(pattern) if path.is_file())
