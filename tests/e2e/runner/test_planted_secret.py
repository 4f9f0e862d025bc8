"""A secret that a tap spreads in every way there is stands nowhere, and nothing is for others to read."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
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
FORMS = (
    SECRET,
    json.dumps(SECRET)[1:-1],
    json.dumps(SECRET, ensure_ascii=False)[1:-1],
    repr(SECRET)[1:-1],
    quote(SECRET),
    quote_plus(SECRET),
    base64.b64encode(SECRET.encode()).decode(),
    base64.b64encode(f"etl:{SECRET}".encode()).decode(),
)
TELLING = (*FORMS, *(form[8:-4] for form in FORMS[-2:]))
"""What must stand nowhere: of base64 also the middle, which tells most of it."""
UNREDACTED = (
    "import dativo.secrets.redact as r, sys; from dativo.cli import main;"
    "r.Redactor.__call__ = r.Redactor.values = lambda self, text: text;"
    "r.Redactor.fields = lambda self, value: value;"
    "sys.argv[0] = 'dativo'; main()"
)


@pytest.fixture
def spread(project: Tenants, receiver: Receiver) -> Tenants:
    """A job that fails with the secret in everything it says, in a project that tells everybody."""
    secret = project.directory / "vault/acme/key.txt"
    secret.parent.mkdir(parents=True, mode=0o700)
    secret.touch(0o600)
    secret.write_text(SECRET)
    steps: list[dict[str, Any]] = [
        {"records": 1},
        {"state": {"n": 1}},
        {"touch": "started"},
        {"wait_for": str(project.directory / "go")},
        {"log": f"raw {SECRET}", "level": "ERROR"},
        {"stderr": "".join(f"form {form}\n" for form in FORMS)},
        {"stderr": json.dumps({"level": "error", "message": f"in JSON {SECRET}", "password": SECRET}) + "\n"},
        {"stderr": f"GET https://etl:{quote(SECRET, safe='')}@host/path failed\n"},
        {"crash": f"in a traceback: {SECRET}"},
    ]
    source = {"connector": "tap-steps", "config": {"steps": steps, "api_key": "${secret:key}"}}
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


def test_it_stands_nowhere(spread: Tenants, receiver: Receiver) -> None:
    with spread.start("run", "acme/users", cwd=spread.directory) as run:
        wait_until(lambda: (spread.directory / "jobs/acme/started").exists(), "the tap runs")
        ps = "".join(map(told_by_ps, [run.pid, *below(run.pid)]))
        for path in readable_by_others(Path(spread.environ["TMPDIR"])):
            pytest.fail(f"others can read {path}")
        (spread.directory / "go").touch()
        stdout, stderr = run.communicate(timeout=60)
    assert run.returncode == 1, stderr
    assert "tap-steps exited with code 1" in stderr
    posted = {path for path, _, _ in receiver.requests}
    assert posted == {"/hook", "/lineage", "/v1/traces", "/v1/metrics"}
    assert found_in(spread, receiver, stdout + stderr + ps) == []
    assert list(readable_by_others(spread.directory / ".dativo")) == []


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
    planted = {project.directory / "vault/acme/key.txt", project.directory / "jobs/acme/users.yaml"}
    texts |= {str(path): path.read_bytes() for path in project.files() if path not in planted}
    for path in Path(project.environ["TMPDIR"]).rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_bytes()
    for path, headers, body in receiver.requests:
        packed = headers.get("Content-Encoding") == "gzip"
        texts[path] = texts.get(path, b"") + (gzip.decompress(body) if packed else body)
    forms = [form.encode() for form in TELLING]
    return [name for name, text in texts.items() if any(form in text for form in forms)]


def told_by_ps(pid: int) -> str:
    """What others see of a process, and what only its owner does: arguments and environment."""
    parts = (Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
    return b"".join(parts).replace(b"\0", b"\n").decode(errors="replace")


def readable_by_others(directory: Path) -> Iterator[Path]:
    """Files that others may read, or reach by a directory that is open to them."""
    for path in directory.rglob("*"):
        if not path.is_symlink() and path.is_file() and path.stat().st_mode & 0o077:
            yield path
