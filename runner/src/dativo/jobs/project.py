"""The project that a job belongs to: `dativo.yaml`, found upwards from the job; none is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo.errors import Place, Problem, ProblemsError
from dativo.home import Home
from dativo.jobs.located import Located, load_yaml
from dativo.jobs.project_format import ProjectFile, Tenant
from dativo.jobs.references import Variables
from dativo.jobs.typed import read_dataclass
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROJECT_FILE = "dativo.yaml"
REGISTRY_FILE = "connectors.yaml"
JOBS_DIRECTORY = "jobs"


@dataclass(frozen=True, slots=True)
class Project:
    """What holds for all jobs below a directory.

    Attributes:
        root: the directory; relative paths of the project file start there.
        file: the project file, None where there is none.
        settings: what it says; the defaults where there is none.
        document: the file with its line numbers.
    """

    root: Path
    file: Path | None
    settings: ProjectFile
    document: Located

    @property
    def home(self) -> Home:
        return Home(self.root / self.settings.home)

    @property
    def registries(self) -> tuple[Path, ...]:
        """Registry files of the project, in the order they are read."""
        if self.settings.registries:
            return tuple(self.root / each for each in self.settings.registries)
        usual = self.root / REGISTRY_FILE
        return (usual,) if usual.is_file() else ()

    def tenant(self, name: str | None) -> Tenant:
        """What the project says of a tenant; nothing in particular if it does not name it."""
        return self.settings.tenants.get(name or "", Tenant())


def find_project(start: Path, environ: Mapping[str, str], *, chosen: Path | None = None) -> Project:
    """The project of what lies at `start`: the nearest directory upwards that holds a `dativo.yaml`.

    Without one nothing is said, and the root is where a `dativo.yaml` would be, so that states stay where
    they are when one is written: the nearest directory upwards that holds a `connectors.yaml`, else the one
    that holds the `jobs` directory that `start` lies in, else the directory of `start`.

    Args:
        start: a job file or a directory.
        environ: where `${VAR}` in the project file come from.
        chosen: project file or its directory, in place of the search.

    Raises:
        ProblemsError: with every problem of the project file.
    """
    directory = start.absolute() if start.is_dir() else start.absolute().parent
    if chosen is not None:
        file = chosen / PROJECT_FILE if chosen.is_dir() else chosen
        return _load(file.absolute(), environ)
    for each in (directory, *directory.parents):
        if (each / PROJECT_FILE).is_file():
            return _load(each / PROJECT_FILE, environ)
    root = _root_without_file(directory)
    return Project(root, None, ProjectFile(version=1), Located({}, Place(root)))


def _root_without_file(directory: Path) -> Path:
    upwards = (directory, *directory.parents)
    with_registry = (each for each in upwards if (each / REGISTRY_FILE).is_file())
    above_jobs = (each.parent for each in upwards if each.name == JOBS_DIRECTORY)
    return next(with_registry, None) or next(above_jobs, directory)


def _load(file: Path, environ: Mapping[str, str]) -> Project:
    problems: list[Problem] = []
    document = load_yaml(file, problems, Variables(environ))
    settings = read_dataclass(ProjectFile, document, problems)
    if problems or settings is None:
        raise ProblemsError(problems)
    return Project(file.parent, file, settings, document)
