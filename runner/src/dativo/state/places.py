"""From a URL to a store: `file:DIR`, `s3://`, `gs://`, `az://`, `sqlite:///FILE`, `postgresql://`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import StateError
from dativo.home import DIRECTORY, Home
from dativo.state.layout import FileLayout, HomeLayout
from dativo.state.legacy import Adoption
from dativo.state.local import LocalStore
from dativo.state.store import HISTORY, StateKey, StateStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.jobs.format import StateSettings
    from dativo.jobs.project import Project

OBJECTS = {"s3", "gs", "az"}


def open_home_store(
    home: Home,
    *,
    history: int = HISTORY,
    old_states: Path | None = None,
    say: Callable[[str], None] | None = None,
) -> LocalStore:
    """The store of a home.

    Args:
        history: versions kept a key.
        old_states: directory of state files of 0.1, moved on first use.
        say: told of such a move.
    """
    adopt = Adoption(old_states, say or (lambda _: None)) if old_states else None
    return LocalStore(HomeLayout(home), history=history, adopt=adopt)


def open_file_store(path: Path, key: StateKey, *, history: int = HISTORY) -> LocalStore:
    """The store of a job that names its file itself."""
    return LocalStore(FileLayout(path, key), history=history)


def open_store(url: str, home: Home, *, history: int = HISTORY) -> StateStore:
    """The store that a URL names; nothing is reached before its first use.

    Raises:
        StateError: no store is known for such a URL, or what it needs is not installed.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        return LocalStore(HomeLayout(Home(_directory(rest, home))), history=history)
    if scheme in OBJECTS:
        from dativo.state.objects import ObjectStore

        return ObjectStore(url, history=history)
    if scheme == "sqlite":
        from dativo.state.databases import Sqlite
        from dativo.state.sql import SqlStore

        return SqlStore(Sqlite(_directory(rest.replace("///", "", 1), home)), history=history)
    if scheme in {"postgres", "postgresql"}:
        from dativo.state.databases import Postgres
        from dativo.state.sql import SqlStore

        return SqlStore(Postgres(url), history=history)
    raise StateError(
        f"state.store: {scheme}: is no kind of store: write file:DIRECTORY, s3://BUCKET/PREFIX, gs://…, "
        "az://…, sqlite:///FILE or postgresql://…"
    )


def _directory(rest: str, home: Home) -> Path:
    """`file:///a/b`, `file:/a/b`, `file:~/b` or `file:b`, which starts where the home lies."""
    path = Path(rest.removeprefix("//")).expanduser()
    return path if path.is_absolute() else home.root.parent / path


def job_store(
    key: StateKey,
    settings: StateSettings,
    directory: Path,
    project: Project,
    *,
    say: Callable[[str], None] | None = None,
) -> StateStore:
    """The store of a job: its own file, its own store, the project's, or the home of the project.

    Args:
        settings: the job's `state`.
        directory: of the job file.
        say: told when a state file of an older dativo is moved.

    Raises:
        StateError: no store is known for its URL.
    """
    if settings.path:
        return open_file_store(directory / Path(settings.path).expanduser(), key, history=settings.history)
    url = settings.store or project.tenant(key.tenant).state.store or project.settings.state.store
    if url is None:
        old_states = directory / DIRECTORY / "state"
        return open_home_store(project.home, history=settings.history, old_states=old_states, say=say)
    if not isinstance(url, str):
        raise StateError(
            f"state.store: {url}: give the URL without a secret, and the secret to the environment"
        )
    return open_store(url, project.home, history=settings.history)
