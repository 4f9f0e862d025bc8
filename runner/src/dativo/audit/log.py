"""The audit log of a tenant: one file a month that only grows, and HEAD, which says where it ends."""

from __future__ import annotations

import fcntl
import getpass
import hmac
import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dativo.audit.chain import BEGINNING, VERSION, line_of, seal_of_head, sealed
from dativo.errors import AuditError
from dativo.home import make_private, open_private
from dativo.secrets.redact import everywhere
from dativo.state.envelope import now
from dativo.state.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dativo.home import TenantHome

HEAD = "HEAD"


class Audit:
    """Writes entries; each is on disk when `note` returns.

    Args:
        home: of the tenant; `audit/` in it holds the log.
        tenant: None for jobs without one.
        run: named in every entry.
        job: named in every entry.
        key: makes the chain one that cannot be made anew without it.
        enabled: False writes nothing.
    """

    def __init__(
        self,
        home: TenantHome,
        tenant: str | None,
        *,
        run: str | None = None,
        job: str | None = None,
        key: bytes | None = None,
        enabled: bool = True,
    ) -> None:
        self._directory = home.audit
        self._about = {"tenant": tenant, "run": run, "job": job}
        self._key = key
        self._enabled = enabled

    def note(self, event: str, **facts: Any) -> None:
        """Adds an entry; secrets in the facts are hidden.

        Args:
            event: `run.started`, `run.ended`, `secret.read`, `state.changed` and so on.
            facts: JSON-like.

        Raises:
            AuditError: it cannot be written, or its end is not as it was left.
        """
        if not self._enabled:
            return
        try:
            with self._held():
                # A fact may be called `secrets`, which are names; what is in it is looked at.
                hide = everywhere().fields
                self._append(event, {name: hide(value) for name, value in facts.items()})
        except OSError as error:
            raise AuditError(
                f"{self._directory}: the audit log cannot be written: {error.strerror}"
            ) from error

    def _append(self, event: str, facts: Mapping[str, Any]) -> None:
        head = read_head(self._directory, self._key)
        at = now()
        entry = {
            "v": VERSION,
            "seq": head["seq"] + 1,
            "at": at,
            **self._about,
            "actor": actor(),
            "event": event,
            "facts": facts,
            "prev": head["hash"],
        }
        entry = sealed(entry, self._key)
        file = f"{max(at[:7], head['file'])}.jsonl"
        size = _append_line(self._directory / file, line_of(entry), _end_of(head, file))
        head = {"seq": entry["seq"], "hash": entry["hash"], "file": file[:7], "size": size}
        seal = {"seal": seal_of_head(head, self._key)} if self._key else {}
        replace_file(self._directory / HEAD, json.dumps(head | seal).encode())

    @contextmanager
    def _held(self) -> Iterator[None]:
        make_private(self._directory)
        with held_log(self._directory):
            yield


@contextmanager
def held_log(directory: Path) -> Iterator[None]:
    """While entered nobody writes to a log: its lines and HEAD belong together."""
    handle = open_private(directory / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_head(directory: Path, key: bytes | None = None) -> dict[str, Any]:
    """Number and hash of the last entry, and the month and length of the file that it stands in.

    Raises:
        AuditError: the file is damaged, or was not written with the key.
    """
    try:
        content = (directory / HEAD).read_bytes()
    except FileNotFoundError:
        if any(directory.glob("*.jsonl")):
            raise AuditError(
                f"{directory / HEAD} is missing: where the audit log ends cannot be told"
            ) from None
        return {"seq": 0, "hash": BEGINNING, "file": "", "size": 0}
    try:
        whole: dict[str, Any] = json.loads(content)
        head = _checked({name: whole[name] for name in ("seq", "hash", "file", "size")})
    except (ValueError, KeyError, TypeError) as error:
        raise AuditError(f"{directory / HEAD} is damaged: where the audit log ends cannot be told") from error
    if key and not hmac.compare_digest(str(whole.get("seal")), seal_of_head(head, key)):
        raise AuditError(
            f"{directory / HEAD} was not written with this audit.key: the end of the log may have been cut "
            "off. After a change of the key, move the directory aside: the next entry begins a new log"
        )
    return head


def _checked(head: dict[str, Any]) -> dict[str, Any]:
    """The head if it can be one; raises ValueError or TypeError."""
    if not re.fullmatch(r"\d{4}-\d\d", head["file"]) or not isinstance(head["hash"], str):
        raise ValueError("no place in a log")
    if not all(type(head[name]) is int and head[name] >= 0 for name in ("seq", "size")):
        raise ValueError("no length of a log")
    return head


def actor() -> dict[str, Any]:
    """Who does it: the user, and the one behind `sudo`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    who = {"user": user, "uid": os.getuid(), "host": os.uname().nodename, "pid": os.getpid()}
    return who | ({"sudo": os.environ["SUDO_USER"]} if "SUDO_USER" in os.environ else {})


def _end_of(head: Mapping[str, Any], file: str) -> int:
    return int(head["size"]) if file == f"{head['file']}.jsonl" else 0


def _append_line(path: Path, line: bytes, end: int) -> int:
    """Writes a line after `end`, and syncs it; what a killed process left there goes.

    Returns:
        The length of the file.

    Raises:
        AuditError: the file is shorter than HEAD says.
    """
    handle = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        if os.fstat(handle).st_size < end:
            raise AuditError(f"{path} has been cut: dativo audit verify tells more")
        os.ftruncate(handle, end)
        os.pwrite(handle, line, end)
        os.fsync(handle)
    finally:
        os.close(handle)
    return end + len(line)
