"""What a connector says of itself: `--about` where it knows that, else the options in its `--help`.

Answers are kept by executable (path, size, time of change, lock), so a connector is asked once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from dativo.errors import ConnectorError
from dativo.home import make_private, open_private
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 60.0
ANSWER_BYTES = 16 << 20
_LOOK_SECONDS = 0.05
_SEEN = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
_OPTIONS = {"discover": "discover", "catalog": "catalog", "properties": "properties", "state": "state"}
"""Option of a connector without `--about` → the capability that it shows."""


@dataclass(frozen=True, slots=True)
class _Answer:
    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a connector from itself.

    Attributes:
        settings: JSON Schema of its settings, None if it does not tell.
        answered: whether it knows `--about`.
    """

    name: str | None
    version: str | None
    description: str | None
    capabilities: tuple[str, ...]
    settings: Mapping[str, Any] | None
    answered: bool


def secret_paths(schema: Any, path: str = "") -> tuple[str, ...]:
    """Dotted paths of settings that a schema of settings marks as secret; items of a list go by its name."""
    found: list[str] = []
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, each in properties.items() if isinstance(properties, dict) else ():
        full = f"{path}{name}"
        if isinstance(each, dict):
            if each.get("secret") or each.get("writeOnly"):
                found.append(full)
            found += secret_paths(each, f"{full}.") + secret_paths(each.get("items"), f"{full}.")
    return tuple(dict.fromkeys(found))


class AboutCache:
    """Answers of connectors below a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def about(self, executable: Path, fingerprint: str = "") -> About:
        """What the executable says, from the cache if it was asked before.

        Raises:
            ConnectorError: it does not start, or answers neither `--about` nor `--help`.
        """
        kept = self.kept(executable, fingerprint)
        return kept or self._keep(self._path(executable, fingerprint), ask(executable))

    def kept(self, executable: Path, fingerprint: str = "") -> About | None:
        """What the executable has said before; None if it was not asked."""
        return _read(self._path(executable, fingerprint))

    def keep(self, executable: Path, fingerprint: str, document: Mapping[str, Any]) -> None:
        """Keeps what somebody else has asked it: the answer to `--about --format=json`."""
        self._keep(self._path(executable, fingerprint), _from_about(document))

    def _path(self, executable: Path, fingerprint: str) -> Path:
        return self._directory / f"{_key(executable, fingerprint)}.json"

    def _keep(self, path: Path, about: About) -> About:
        make_private(self._directory)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(open_private(fresh, flags), "w", encoding="utf-8") as file:
            json.dump(asdict(about), file)
        fresh.replace(path)
        return about


def ask(executable: Path) -> About:
    """Starts the connector and reads its answer."""
    answer = _run(executable, "--about", "--format=json")
    document = _object(answer.stdout) if answer.returncode == 0 else None
    if document is not None:
        return _from_about(document)
    helped = _run(executable, "--help")
    text = f"{helped.stdout}\n{helped.stderr}"
    options = set(re.findall(r"--([a-z][a-z-]*)", text))
    if "config" not in options:
        last = (helped.stderr.strip().splitlines() or answer.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ConnectorError(
            f"{executable.name} is no Singer connector that can be used: it answers neither --about nor "
            f"--help with --config in it; it said: {last}"
        )
    capabilities = tuple(name for option, name in _OPTIONS.items() if option in options)
    return About(None, None, None, capabilities, None, answered=False)


def _from_about(document: Mapping[str, Any]) -> About:
    def text(key: str) -> str | None:
        value = document.get(key)
        return value if isinstance(value, str) else None

    said = document.get("capabilities")
    capabilities = tuple(each for each in said if isinstance(each, str)) if isinstance(said, list) else ()
    settings = document.get("settings")
    return About(
        text("name"),
        text("version"),
        text("description"),
        ("about", *(each for each in capabilities if each != "about")),
        settings if isinstance(settings, dict) else None,
        answered=True,
    )


def _run(executable: Path, *arguments: str) -> _Answer:
    """Runs it as long as it may, with a log and an answer as long as they may be."""
    environ = {name: os.environ[name] for name in _SEEN if name in os.environ}
    deadline = time.monotonic() + SECONDS
    with contextlib.ExitStack() as opened:
        stdout, stderr = (opened.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        try:
            child = subprocess.Popen(
                [executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environ,
                process_group=0,
            )
        except OSError as error:
            raise ConnectorError(f"{executable} cannot be started: {error.strerror}") from error
        opened.callback(_end, child)
        asked = f"`{executable.name} {arguments[0]}`"
        while not _has_ended(child):
            if time.monotonic() > deadline:
                raise ConnectorError(f"{asked} did not answer within {SECONDS:g} s")
            if max(os.fstat(file.fileno()).st_size for file in (stdout, stderr)) > ANSWER_BYTES:
                raise ConnectorError(f"{asked} answered with more than {ANSWER_BYTES:,} bytes")
        return _Answer(child.returncode, _text(stdout), _text(stderr))


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    try:
        child.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ends what it has started too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(ANSWER_BYTES).decode(errors="replace")


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _key(executable: Path, fingerprint: str) -> str:
    status = executable.stat()
    parts = (str(executable), status.st_size, status.st_mtime_ns, fingerprint)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _read(path: Path) -> About | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        document["capabilities"] = tuple(document["capabilities"])
        return About(**document)
    except (OSError, ValueError, TypeError, KeyError):
        return None
