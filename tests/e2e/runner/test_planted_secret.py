"""A secret that a tap spreads in every way there is stands nowhere, and nothing is for others to read."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from tests.e2e.runner.processes import below, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.tests.observe.conftest import Receiver
    from tests.e2e.runner.conftest import Tenants

SECRET = "pl4n\"ted'100% söcret/+ &x"
LINES = ("-----BEGIN PL4NTED-----", "bGluZSBvbmUg+/=", 'line "two" of it')
OF_LINES = "\n".join(LINES)
"""A key of several lines, of which a log shows one at a time."""


def forms(secret: str) -> tuple[str, ...]:
    """The ways in which programs print a text."""
    return (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(secret),
        quote_plus(secret),
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"etl:{secret}".encode()).decode(),
    )


FORMS = (*forms(SECRET), *forms(OF_LINES))
TELLING = (*FORMS, *LINES, *(form[8:-4] for form in (*forms(SECRET)[-2:], *forms(OF_LINES)[-2:])))
"""What must stand nowhere: of base64 also the middle, which tells most of it."""
COMMANDS = (
    ("plan", "acme/users"),
    ("validate", "--check-secrets"),
    ("secrets", "list", "jobs/acme/users.yaml"),
    ("runs", "show", "acme/users"),
    ("runs", "logs", "acme/users"),
    ("audit", "show"),
)
"""What tells of jobs and runs afterwards."""
PLACES = {"api_key": "${secret:key}", "tls": {"of_client": "${secret:pem#private}"}}
UNREDACTED = (
    "import dativo.secrets.redact as r, sys; from dativo.cli import main;"
    "r.Redactor.__call__ = r.Redactor.values = lambda self, text: text;"
    "r.Redactor.fields = lambda self, value: value;"
    "sys.argv[0] = 'dativo'; main()"
)


@pytest.fixture
def spread(project: Tenants, receiver: Receiver) -> Tenants:
    """A job that fails with the secret in everything it says, in a project that tells everybody."""
    plant(project.directory / "vault/acme/key.txt", SECRET)
    plant(project.directory / "vault/acme/pem.json", json.dumps({"private": OF_LINES}))
    steps: list[dict[str, Any]] = [
        {"records": 1},
        {"state": {"n": 1}},
        {"touch": "started"},
        {"wait_for": str(project.directory / "go")},
        {"log": f"raw {SECRET}", "level": "ERROR"},
        {"stderr": "".join(f"form {form}\n" for form in FORMS)},
        {"stderr": json.dumps({"level": "error", "message": f"in JSON {SECRET}", "password": SECRET}) + "\n"},
        {"stderr": json.dumps({"level": "error", "message": f"in JSON {OF_LINES}"}) + "\n"},
        {"stderr": f"GET https://etl:{quote(SECRET, safe='')}@host/path failed\n"},
        {"crash": f"in a traceback: {SECRET}"},
    ]
    source = {"connector": "tap-steps", "config": {"steps": steps} | PLACES}
    notifications = [{"on": ["failure"], "webhook": f"{receiver.url}/hook"}]
    project.job_of("acme", "users", source, notifications=notifications)
    project.write(
        "dativo.yaml",
        {
            "version": 1,
            "secrets": [{"backend": "files", "dir": "vault"}],
            "observe": {
                "prometheus": {"textfile": "metrics"},
                "otel": {"endpoint": receiver.url},
                "openlineage": {"url": f"{receiver.url}/lineage"},
            },
        },
    )
    (project.directory / "metrics").mkdir()
    return project


def plant(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    file.touch(0o600)
    file.write_text(text)


def test_it_stands_nowhere(spread: Tenants, receiver: Receiver) -> None:
    with (
        spread.start("run", "acme/users", cwd=spread.directory) as run,
        watched(run.pid) as ps,
    ):
        wait_until(lambda: (spread.directory / "jobs/acme/started").exists(), "the tap runs")
        seen = [told_by_ps(pid) for pid in (run.pid, *below(run.pid))]
        assert list(readable_by_others(Path(spread.environ["TMPDIR"]))) == []
        (spread.directory / "go").touch()
        stdout, stderr = run.communicate(timeout=60)
    assert run.returncode == 1, stderr
    assert "tap-steps exited with code 1" in stderr
    posted = {path for path, _, _ in receiver.requests}
    assert posted == {"/hook", "/lineage", "/v1/traces", "/v1/metrics"}
    assert any("tap_steps" in process for process in seen)
    assert found_in(spread, receiver, "".join((stdout, stderr, *seen, *ps))) == []
    assert list(readable_by_others(spread.directory / ".dativo")) == []
    for command in COMMANDS:
        said = spread.dativo(*command, cwd=spread.directory)
        assert said.returncode == 0, said.stderr
        assert found_in(spread, receiver, said.stdout + said.stderr) == [], command


def test_without_redaction_it_is_found(spread: Tenants, receiver: Receiver) -> None:
    """So that the test above can fail."""
    (spread.directory / "go").touch()
    done = subprocess.run(
        (sys.executable, "-c", UNREDACTED, "run", "acme/users"),
        cwd=spread.directory,
        env={**os.environ, "DATIVO_REGISTRY": str(spread.registry), **spread.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    places = found_in(spread, receiver, done.stdout + done.stderr)
    names = {place.rpartition("/")[2] for place in places}
    assert {"output", "log.jsonl", "report.json", "summary.txt"} <= names
    assert {"hook", "lineage", "traces"} <= names


def found_in(project: Tenants, receiver: Receiver, output: str) -> list[str]:
    """Where a form of the secret stands, but for the vault and the job file whose author planted it."""
    texts = {"output": output.encode()}
    planted = {project.directory / "jobs/acme/users.yaml", *project.files("vault")}
    texts |= {str(path): path.read_bytes() for path in project.files() if path not in planted}
    for path in Path(project.environ["TMPDIR"]).rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_bytes()
    for path, headers, body in receiver.requests:
        packed = headers.get("Content-Encoding") == "gzip"
        texts[path] = texts.get(path, b"") + (gzip.decompress(body) if packed else body)
    telling = [form.encode() for form in TELLING]
    return [name for name, text in texts.items() if any(form in text for form in telling)]


@contextmanager
def watched(pid: int) -> Iterator[set[str]]:
    """What `ps` tells, from now to the end, of a process and all that it starts."""
    told: set[str] = set()
    enough = threading.Event()

    def watch() -> None:
        while not enough.wait(0.01):
            told.update(map(told_by_ps, (pid, *below(pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield told
    finally:
        enough.set()
        watcher.join()


def told_by_ps(pid: int) -> str:
    """What others see of a process, and what only its owner does: arguments and environment."""
    told = b""
    with contextlib.suppress(OSError):
        for name in ("cmdline", "environ"):
            told += Path(f"/proc/{pid}/{name}").read_bytes()
    return told.replace(b"\0", b"\n").decode(errors="replace")


def readable_by_others(directory: Path) -> Iterator[Path]:
    """Files that others may read, or reach by a directory that is open to them."""
    for path in directory.rglob("*"):
        if not path.is_symlink() and path.is_file() and path.stat().st_mode & 0o077:
            yield path
