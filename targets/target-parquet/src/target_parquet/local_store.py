"""Files on a local disk: staged beside the data, published by hard link, replaced by exchanging directories.

```
<root>/<stream>/...                    what readers see
<root>/.dativo/runs/<run>/             staged files, named so that no pattern for Parquet files finds them
<root>/.dativo/publish.lock            held while names change, so that runs publish one after the other
```
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_parquet.errors import StoreError, store_error
from target_parquet.exchange import exchange
from target_parquet.run_area import RunArea, remove_abandoned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from target_parquet.storage import Publication, StagedFile

INTERNAL = ".dativo"
_SYNC_THREADS = 8
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


@dataclass(frozen=True, slots=True)
class LocalStagedFile:
    """A staged file on disk."""

    path: Path
    sink: pa.NativeFile


class LocalStore:
    """A directory of the local file system (`storage.Store`)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._internal = root / INTERNAL
        self._numbers = itertools.count(1)
        self._claimed: RunArea | None = None

    @property
    def case_sensitive(self) -> bool:
        """Whether names that differ in case are different places; known once a run is open."""
        return not self._internal.with_name(INTERNAL.upper()).exists()

    def open_run(self, run: str) -> None:
        """Claim a staging area for a run, and remove those of runs that died."""
        runs = self._internal / "runs"
        try:
            self._claimed = RunArea.claim(runs, run)
            remove_abandoned(runs, self._salvage)
        except OSError as error:
            raise store_error(f"write to {self._root}", error) from error

    def close_run(self) -> None:
        """Give the staging area up, with everything left in it."""
        if self._claimed is not None:
            self._claimed.release()
            self._claimed = None

    def stage(self) -> LocalStagedFile:
        """Open a new staged file."""
        import pyarrow as pa

        path = self._area / f"{next(self._numbers):06d}.staged"
        try:
            return LocalStagedFile(path, pa.OSFile(str(path), "wb"))
        except OSError as error:
            raise store_error(f"write {path}", error) from error

    def make_durable(self, files: Iterable[StagedFile]) -> None:
        """Flush finished files to the disk."""
        paths = [_path(file) for file in files]
        try:
            _sync_all(paths)
        except OSError as error:
            raise store_error(f"flush files of {self._root} to the disk", error) from error

    def publish(self, files: Sequence[Publication]) -> None:
        """Give durable staged files their names; a reader sees each one whole."""
        targets = [self._root / file.name for file in files]
        revealed: list[Path] = []
        try:
            with self._publishing():
                changed = _make_directories({target.parent for target in targets})
                for file, target in zip(files, targets, strict=True):
                    _link(_path(file.staged), target)
                    revealed.append(target)
                _sync_all(changed | {target.parent for target in targets})
        except OSError as error:
            for target in revealed:
                with contextlib.suppress(OSError):
                    target.unlink()
            raise store_error(f"publish files in {self._root}", error) from error
        for file in files:
            with contextlib.suppress(OSError):  # its other name stands; this one goes with the area
                _path(file.staged).unlink(missing_ok=True)

    def replace(self, directories: Mapping[str, Sequence[Publication]]) -> None:
        """Exchange whole directories for new ones, each at one instant."""
        trees = self._area / "trees"
        swapped: list[str] = []
        try:
            for directory, files in directories.items():
                _build_tree(trees / directory, files)
            with self._publishing():
                for directory in directories:
                    self._swap(trees / directory, self._root / directory)
                    swapped.append(directory)
                _sync_all({self._root, trees})
        except OSError as error:
            for directory in reversed(swapped):
                with contextlib.suppress(OSError):
                    self._swap(trees / directory, self._root / directory)
            raise store_error(f"replace directories of {self._root}", error) from error
        finally:
            shutil.rmtree(trees, ignore_errors=True)

    def newest(self, directory: str, limit: int) -> list[str]:
        """List the last written Parquet files below a directory, newest first."""
        try:
            found = [(path.stat().st_mtime_ns, path) for path in (self._root / directory).rglob("*.parquet")]
        except OSError as error:
            raise store_error(f"list {self._root / directory}", error) from error
        newest = sorted(found, reverse=True)[:limit]
        return [path.relative_to(self._root).as_posix() for _, path in newest]

    def open_input(self, name: str) -> pa.NativeFile:
        """Open a published file for reading."""
        import pyarrow as pa

        try:
            return pa.OSFile(str(self._root / name), "rb")
        except OSError as error:
            raise store_error(f"read {self._root / name}", error) from error

    @property
    def _area(self) -> Path:
        if self._claimed is None:
            raise StoreError(f"no run is open in {self._root}")
        return self._claimed.directory

    @contextlib.contextmanager
    def _publishing(self) -> Iterator[None]:
        """Keep other runs from changing names meanwhile, where the file system has locks."""
        fd = os.open(self._internal / "publish.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _swap(self, tree: Path, target: Path) -> None:
        """Put `tree` in the place of `target`, which ends where `tree` was."""
        if target.is_symlink():
            raise OSError(errno.ELOOP, "a symbolic link cannot be replaced at one instant", str(target))
        if not target.exists():
            tree.rename(target)
        elif not tree.exists():
            target.rename(tree)
        elif not exchange(tree, target):
            self._swap_in_two_steps(tree, target)

    def _swap_in_two_steps(self, tree: Path, target: Path) -> None:
        """For systems that cannot exchange: readers find nothing for a moment, but never a mixture."""
        aside = self._area / "replaced" / target.name
        aside.parent.mkdir(exist_ok=True)
        target.rename(aside)
        try:
            tree.rename(target)
        except OSError:
            aside.rename(target)
            raise
        aside.rename(tree)

    def _salvage(self, area: Path) -> None:
        """Put back the directories of a run that died between the two steps of a swap."""
        with self._publishing():
            for aside in (area / "replaced").glob("*"):
                if not (self._root / aside.name).exists():
                    aside.rename(self._root / aside.name)
            _sync(self._root)


def _path(file: StagedFile) -> Path:
    assert isinstance(file, LocalStagedFile)
    return file.path


def _build_tree(tree: Path, files: Sequence[Publication]) -> None:
    targets = [tree / file.name for file in files]
    changed = _make_directories({tree, *(target.parent for target in targets)})
    for file, target in zip(files, targets, strict=True):
        _link(_path(file.staged), target)
    _sync_all(changed)


def _link(staged: Path, target: Path) -> None:
    """Give a file a second name that must be free; a rename would silently take a name that is not."""
    try:
        os.link(staged, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        staged.rename(target)


def _make_directories(directories: set[Path]) -> set[Path]:
    """Make directories and their parents; returns every directory that got a new entry or is new."""
    changed: set[Path] = set()
    for directory in directories:
        missing = list(itertools.takewhile(lambda path: not path.exists(), (directory, *directory.parents)))
        directory.mkdir(parents=True, exist_ok=True)
        changed.update(path.parent for path in missing)
        changed.update(missing)
    return changed


def _sync_all(paths: Iterable[Path]) -> None:
    """Flush files or directories; several at once, because one turn of the disk's journal does for all."""
    with ThreadPoolExecutor(_SYNC_THREADS) as threads:
        list(threads.map(_sync, paths))


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems do not flush directories, and need not
            raise
    finally:
        os.close(fd)
