"""Files on a local disk: staged beside the data, published by hard link, replaced by exchanging directories.

```
<root>/<stream>/...                    what readers see
<root>/.dativo/runs/<run>/             staged files, named so that no pattern for Parquet files finds them
<root>/.dativo/ledger/<pipeline>/      what each epoch published or is about to (`ledger`)
<root>/.dativo/publish.lock            held while names change, so that runs publish one after the other
```

The token of a staged file is its path below `.dativo`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_parquet import faults
from target_parquet.errors import StoreError, UnfinishedError, store_error
from target_parquet.exchange import exchange
from target_parquet.local_files import files_below, link, make_directories, sync, sync_all, write_whole
from target_parquet.run_area import RunArea, remove_abandoned
from target_parquet.storage import INTERNAL
from target_parquet.write_behind import begin_flush

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from target_parquet.storage import Publication, StagedFile, Token, Whereabouts


@dataclass(frozen=True, slots=True)
class LocalStagedFile:
    """A staged file on disk."""

    name: str
    path: Path
    token: Token
    sink: pa.NativeFile

    def begin_flush(self) -> None:
        """Let the disk begin with what is written so far."""
        begin_flush(self.sink.fileno())

    def abandon(self) -> None:
        """Close it; its bytes go with the run's area."""
        self.sink.close()


class LocalStore:
    """A directory of the local file system (`storage.Store`)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._internal = root / INTERNAL
        self._numbers = itertools.count(1)
        self._claimed: RunArea | None = None
        self._synced: set[Path] = set()

    @property
    def case_sensitive(self) -> bool:
        """Whether names that differ in case are different places; known once a run is open."""
        return not self._internal.with_name(INTERNAL.upper()).exists()

    def open_run(self, run: str) -> None:
        """Claim a staging area for a run."""
        try:
            self._claimed = RunArea.claim(self._internal / "runs", run)
        except OSError as error:
            raise store_error(f"write to {self._root}", error) from error

    def close_run(self, *, keep_staged: bool = False) -> None:
        """Give the staging area up, with everything left in it unless that is to be kept."""
        if self._claimed is not None:
            self._claimed.release(keep=keep_staged)
            self._claimed = None

    def clean_up(self, live: Callable[[], Collection[Token]]) -> None:
        """Remove the areas of dead runs that no token in `live` leads to."""

        def is_needed(area: Path) -> bool:
            return any(area in self._staged_path(token).parents for token in live())

        remove_abandoned(self._internal / "runs", self._salvage, is_needed)

    def stage(self, name: str) -> LocalStagedFile:
        """Open a new staged file."""
        import pyarrow as pa

        path = self._area / f"{next(self._numbers):06d}.staged"
        token = {"path": path.relative_to(self._internal).as_posix()}
        try:
            return LocalStagedFile(name, path, token, pa.OSFile(str(path), "wb"))
        except OSError as error:
            raise store_error(f"write {path}", error) from error

    def make_durable(self, files: Iterable[StagedFile]) -> None:
        """Flush finished files, and the directory that has their names, to the disk."""
        paths = [self._staged_path(file.token) for file in files]
        try:
            if paths:
                sync_all({*paths, self._area, *self._unsynced(self._area)})
        except OSError as error:
            raise store_error(f"flush files of {self._root} to the disk", error) from error

    def publish(self, files: Sequence[Publication]) -> None:
        """Give durable staged files their names; a reader sees each one whole."""
        revealed: list[Path] = []
        with self._publishing():
            try:
                self._reveal_all(files, revealed)
            except OSError as error:
                for target in revealed:
                    with contextlib.suppress(OSError):
                        target.unlink()
                raise self._failure(f"publish files in {self._root}", error, files) from error
        for file in files:
            with contextlib.suppress(OSError):  # its other name stands; this one goes with the area
                self._staged_path(file.token).unlink(missing_ok=True)

    def replace(self, directories: Mapping[str, Sequence[Publication]]) -> None:
        """Exchange whole directories for new ones, each at one instant."""
        import shutil

        trees = self._area / "trees"
        swapped: list[str] = []
        with self._publishing():
            try:
                self._replace_all(directories, trees, swapped)
            except OSError as error:
                files = [file for each in directories.values() for file in each]
                stuck = not self._swap_back(trees, swapped)
                if not stuck:
                    shutil.rmtree(trees, ignore_errors=True)
                doing = f"replace directories of {self._root}"
                raise self._failure(doing, error, files, stuck=stuck) from error
        shutil.rmtree(trees, ignore_errors=True)

    def whereabouts(self, file: Publication) -> Whereabouts:
        """Look for both names; whoever publishes gives the new one before it takes the old one away."""
        try:
            staged = _exists(self._staged_path(file.token))
            if _exists(self._root / file.name):
                return "published"
        except OSError as error:
            raise store_error(f"look for {self._root / file.name}", error) from error
        return "staged" if staged else "gone"

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Write a small file under another name and link it, so that it is never seen in part."""
        target = self._root / name
        written = self._area / f"{next(self._numbers):06d}.object"
        try:
            changed = make_directories([target.parent])
            write_whole(written, data)
            with self._publishing():
                link(written, target)
            sync_all(changed | self._unsynced(target.parent) | {target.parent})
            written.unlink(missing_ok=True)
        except FileExistsError:
            return False
        except OSError as error:
            raise store_error(f"write {target}", error) from error
        return True

    def get(self, name: str) -> bytes | None:
        """Read a small file."""
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise store_error(f"read {self._root / name}", error) from error

    def names(self, prefix: str) -> list[str]:
        """List the small files below a directory."""
        try:
            found = files_below(self._root / prefix)
        except OSError as error:
            raise store_error(f"list {self._root / prefix}", error) from error
        return sorted(path.relative_to(self._root).as_posix() for path in found)

    def remove(self, names: Sequence[str]) -> None:
        """Remove small files, one after the other."""
        for name in names:
            try:
                (self._root / name).unlink(missing_ok=True)
            except OSError as error:
                raise store_error(f"remove {self._root / name}", error) from error

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

    def _staged_path(self, token: Token) -> Path:
        path: str = token["path"]
        return self._internal / path

    @contextlib.contextmanager
    def _publishing(self) -> Iterator[None]:
        """Keep other runs from changing names meanwhile, where the file system has locks."""
        path = self._internal / "publish.lock"
        try:
            fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise store_error(f"write {path}", error) from error
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _reveal_all(self, files: Sequence[Publication], revealed: list[Path]) -> None:
        """Link every file, noting in `revealed` those that were not published before."""
        parents = {(self._root / file.name).parent for file in files}
        changed = make_directories(parents)
        for file in files:
            if self._reveal(file):
                revealed.append(self._root / file.name)
            faults.passing("commit.file")
        sync_all(changed | parents | {each for parent in parents for each in self._unsynced(parent)})

    def _reveal(self, file: Publication) -> bool:
        """Link one file; False if it is published already."""
        staged, target = self._staged_path(file.token), self._root / file.name
        try:
            link(staged, target)
        except FileExistsError:
            if staged.exists() and not staged.samefile(target):
                raise
            return False
        except FileNotFoundError:
            if not target.exists():
                raise
            return False
        return True

    def _replace_all(
        self, directories: Mapping[str, Sequence[Publication]], trees: Path, swapped: list[str]
    ) -> None:
        """Exchange every directory that is not the new one yet, noting it in `swapped`."""
        waiting = [each for each, files in directories.items() if not self._is_replaced(each, files)]
        for directory in waiting:
            self._build_tree(trees, directory, directories[directory])
        for directory in waiting:
            self._swap(trees / directory, self._root / directory)
            swapped.append(directory)
            faults.passing("commit.file")
        sync_all({self._root, trees} if waiting else {self._root})

    def _is_replaced(self, directory: str, files: Sequence[Publication]) -> bool:
        """Whether a directory holds the new files: it changes as a whole, and names are never given twice."""
        if not files:
            return not files_below(self._root / directory) and (self._root / directory).exists()
        return all((self._root / file.name).exists() for file in files)

    def _build_tree(self, trees: Path, directory: str, files: Sequence[Publication]) -> None:
        tree = trees / directory
        targets = [trees / file.name for file in files]
        changed = make_directories({tree, *(target.parent for target in targets)})
        for file, target in zip(files, targets, strict=True):
            link(self._staged_path(file.token), target)
        sync_all(changed)

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

    def _swap_back(self, trees: Path, swapped: Sequence[str]) -> bool:
        """Undo exchanges; False if one cannot be."""
        try:
            for directory in reversed(swapped):
                self._swap(trees / directory, self._root / directory)
        except OSError:
            return False
        return True

    def _failure(
        self, doing: str, error: OSError, files: Sequence[Publication], *, stuck: bool = False
    ) -> StoreError:
        """The error to raise: of these files some may stand, from now or from an earlier attempt, or none."""
        refusal = store_error(doing, error)
        with contextlib.suppress(StoreError):
            if not stuck and not any(self.whereabouts(file) == "published" for file in files):
                return refusal
        instruction = f"{refusal.instruction} {UnfinishedError.default_instruction}"
        return UnfinishedError(refusal.message, instruction=instruction)

    def _unsynced(self, directory: Path) -> set[Path]:
        """Directories from the root down to this one whose entries may not be on the disk yet.

        A process that was killed may have made them; they are flushed once by each process that needs them.
        """
        chain = {each for each in (directory, *directory.parents) if self._root in (each, *each.parents)}
        missing = chain - self._synced
        self._synced |= missing
        return missing

    def _salvage(self, area: Path) -> None:
        """Put back the directories of a run that died between the two steps of a swap."""
        with self._publishing():
            for aside in (area / "replaced").glob("*"):
                if not (self._root / aside.name).exists():
                    aside.rename(self._root / aside.name)
            sync(self._root)


def _exists(path: Path) -> bool:
    """Whether there is such a file; unlike `Path.exists` it does not take a refusal for a no."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
