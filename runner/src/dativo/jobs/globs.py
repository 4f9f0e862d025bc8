"""Which job files are meant: a file, a directory, a pattern, or the name of a job of the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import Place, Problem, ProblemsError, RunnerError
from dativo.jobs.located import load_yaml
from dativo.jobs.references import Variables
from dativo.jobs.typed import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dativo.jobs.project import Project

SUFFIXES = (".yaml", ".yml")
_MAGIC = set("*?[")


def job_files(arguments: Sequence[str], project: Project) -> tuple[Path, ...]:
    """The job files that the arguments of a command mean, each once, in the order found.

    Args:
        arguments: files, directories, patterns, names (`users`, `acme/users`); none means every job of the
            project. A file wins over a job of that name.
        project: whose `jobs` patterns names are looked up in.

    Raises:
        ProblemsError: an argument means nothing.
    """
    problems: list[Problem] = []
    found: list[Path] = []
    for argument in arguments:
        files = list(_meant(argument, project))
        found += files
        if not files:
            problems.append(Problem(Place(Path(argument)), _nothing(argument, project)))
    if not arguments:
        found += project_files(project)
        if not found:
            patterns = ", ".join(project.settings.jobs)
            problems.append(Problem(Place(project.root), f"holds no jobs ({patterns}): name a job file"))
    if problems:
        raise ProblemsError(problems)
    return _each_once(found)


def _each_once(files: Sequence[Path]) -> tuple[Path, ...]:
    """Without those that are written in two ways, such as `a.yaml` and `./x/../a.yaml`.

    A link to a file of another directory is a job of its own: what is relative in it starts elsewhere.
    """
    first: dict[Path, Path] = {}
    for file in files:
        first.setdefault(file.parent.resolve() / file.name, file)
    return tuple(first.values())


def project_files(project: Project) -> tuple[Path, ...]:
    """Every job file of a project, sorted."""
    found = {file for pattern in project.settings.jobs for file in project.root.glob(pattern)}
    return tuple(near(file) for file in sorted(found) if _is_job(file))


def near(path: Path) -> Path:
    """The path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def only(
    files: Sequence[Path], tags: Sequence[str], tenant: str | None, environ: Mapping[str, str]
) -> tuple[Path, ...]:
    """Those with one of the tags and of the tenant; an unreadable file is kept, to be complained of.

    Raises:
        RunnerError: there is none, so that a slip of the pen does not pass for a job that went well.
    """
    if not tags and tenant is None:
        return tuple(files)
    chosen = tuple(file for file in files if _is_wanted(file, set(tags), tenant, environ))
    if not chosen:
        wanted = [f"the tag {' or '.join(tags)}"] * bool(tags) + [f"the tenant {tenant}"] * (
            tenant is not None
        )
        raise RunnerError(f"none of {len(files)} jobs has {' and '.join(wanted)}")
    return chosen


def _is_wanted(file: Path, tags: set[str], tenant: str | None, environ: Mapping[str, str]) -> bool:
    try:
        document = load_yaml(file, [], Variables(environ)).plain()
    except ProblemsError:
        return True
    if not isinstance(document, dict):
        return True
    given = document.get("tags")
    has_tag = not tags or (isinstance(given, list) and bool(tags & {str(tag) for tag in given}))
    return has_tag and (tenant is None or document.get("tenant") == tenant)


def _meant(argument: str, project: Project) -> Iterator[Path]:
    path = Path(argument)
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(file for file in path.rglob("*") if _is_job(file))
    elif _MAGIC & set(argument):
        base = Path(path.anchor) if path.is_absolute() else Path()
        pattern = argument.removeprefix(path.anchor)
        yield from sorted(file for file in base.glob(pattern) if _is_job(file))
    else:
        yield from (file for name, file in _named(project) if argument in name)


def _is_job(file: Path) -> bool:
    return file.suffix in SUFFIXES and file.is_file() and not file.name.startswith(".")


def _named(project: Project) -> Iterator[tuple[tuple[str, str], Path]]:
    """((name, tenant/name), file) of every job of the project that can be read so far."""
    for file in project_files(project):
        try:
            document = load_yaml(file, []).plain()
        except ProblemsError:
            continue
        if isinstance(document, dict):
            name, tenant = document.get("name"), document.get("tenant")
            if isinstance(name, str):
                yield (name, f"{tenant}/{name}" if tenant else name), file


def _nothing(argument: str, project: Project) -> str:
    if Path(argument).suffix in SUFFIXES or _MAGIC & set(argument):
        return "no such file"
    known = list(dict.fromkeys(full for (_, full), _ in _named(project)))
    hint = suggestion(argument, known) or (f"; jobs here: {', '.join(known[:20])}" if known else "")
    return f"is neither a file nor the name of a job of the project{hint}"
