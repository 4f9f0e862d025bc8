"""The audit log: every entry on disk, in order, and no change of it unseen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner
from dativo.audit.chain import line_of, sealed
from dativo.audit.log import Audit, held_log
from dativo.audit.verify import entries, verify
from dativo.cli import cli
from dativo.errors import AuditError
from dativo.home import Home
from dativo.secrets.redact import everywhere


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / ".dativo")


@pytest.fixture
def directory(home):
    return home.tenant("acme").audit


def audit(home, **options):
    return Audit(home.tenant("acme"), "acme", run="r1", job="acme/users", **options)


def written(home, number=5, **options):
    for each in range(number):
        audit(home, **options).note("run.started", n=each)


def lines_of(directory):
    [path] = directory.glob("*.jsonl")
    return path, path.read_bytes().splitlines(keepends=True)


def test_an_entry_says_who_did_what(home, directory, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "the-admin")
    audit(home).note("run.started", connectors=[{"name": "tap-x", "version": "1"}], secrets=["pg"])
    [entry] = entries(directory)
    assert (entry["v"], entry["seq"], entry["prev"]) == (1, 1, "0" * 64)
    assert (entry["event"], entry["run"], entry["job"], entry["tenant"]) == (
        "run.started",
        "r1",
        "acme/users",
        "acme",
    )
    assert entry["actor"]["uid"] == os.getuid()
    assert entry["actor"]["pid"] == os.getpid()
    assert entry["actor"]["sudo"] == "the-admin"
    assert entry["facts"] == {"connectors": [{"name": "tap-x", "version": "1"}], "secrets": ["pg"]}


def test_a_whole_log_is_whole(home, directory):
    written(home)
    whole = verify(directory)
    assert (whole.entries, whole.files) == (5, 1)
    for path in directory.iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_secrets_are_hidden_in_it(home, directory):
    everywhere().add(["planted-in-audit"])
    audit(home).note("run.ended", reason="failed with planted-in-audit", config={"password": "other"})
    text = b"".join(path.read_bytes() for path in directory.iterdir())
    assert b"planted-in-audit" not in text
    assert b"other" not in text


def test_switched_off_nothing_is_written(home, directory):
    audit(home, enabled=False).note("run.started")
    assert not directory.exists()


# --- what is noticed


def test_a_changed_byte_anywhere_is_noticed_where_it_is(home, directory):
    written(home, 2)
    path, _ = lines_of(directory)
    whole = path.read_bytes()
    for index in range(0, len(whole), 2):
        line = whole[:index].count(b"\n") + 1
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 1]) + whole[index + 1 :])
        with pytest.raises(AuditError) as caught:
            verify(directory)
        # Where a line end went, the next line is in it.
        assert f"{path}:{line}: " in str(caught.value), index
    path.write_bytes(whole)
    verify(directory)


@pytest.mark.parametrize(
    ("change", "line", "why"),
    [
        (lambda lines: lines[:1] + lines[2:], 2, "entry 3 follows entry 1: one is missing or moved"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2, "missing or moved"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2, "missing or moved"),
        (lambda lines: [b'{"seq": 0}\n', *lines], 1, "not as it was written"),
        (lambda lines: [*lines[:4], lines[4][:-20]], 5, "the line is cut"),
        (lambda lines: [*lines[:4], b"\n", lines[4]], 5, "not JSON"),
    ],
    ids=["dropped", "swapped", "doubled", "added", "cut", "blank"],
)
def test_lines_that_are_dropped_moved_added_or_cut_are_noticed(home, directory, change, line, why):
    written(home)
    path, lines = lines_of(directory)
    path.write_bytes(b"".join(change(lines)))
    with pytest.raises(AuditError) as caught:
        verify(directory)
    assert f"{path}:{line}: " in str(caught.value)
    assert why in str(caught.value)


def test_an_end_that_was_cut_off_is_noticed(home, directory):
    written(home)
    path, lines = lines_of(directory)
    path.write_bytes(b"".join(lines[:3]))
    with pytest.raises(AuditError, match="the log ends with entry 3, and entry 5 was written last"):
        verify(directory)
    with pytest.raises(AuditError, match="has been cut"):
        audit(home).note("run.started")
    path.unlink()
    with pytest.raises(AuditError, match="ends with entry 0"):
        verify(directory)


def test_a_head_that_has_gone_is_noticed(home, directory):
    written(home)
    (directory / "HEAD").unlink()
    with pytest.raises(AuditError, match="HEAD is missing"):
        verify(directory)
    with pytest.raises(AuditError, match="HEAD is missing"):
        audit(home).note("run.started")
    (directory / "HEAD").write_text("{")
    with pytest.raises(AuditError, match="HEAD is damaged"):
        verify(directory)


def test_a_chain_made_anew_is_noticed_with_a_key(home, directory):
    written(home, 3, key=b"the key")
    path, lines = lines_of(directory)
    verify(directory, b"the key")
    prev, forged = "0" * 64, []
    for line in lines:
        entry = {name: value for name, value in json.loads(line).items() if name != "hash"}
        entry = sealed({**entry, "prev": prev, "job": "another"}, None)
        forged.append(line_of(entry))
        prev = entry["hash"]
    path.write_bytes(b"".join(forged))
    with pytest.raises(
        AuditError, match=r"jsonl:1: entry 1 has been changed, or its chain was not made with this"
    ):
        verify(directory, b"the key")


def test_an_end_that_was_cut_off_in_the_head_too_is_noticed_with_a_key(home, directory):
    written(home, 3, key=b"the key")
    path, lines = lines_of(directory)
    path.write_bytes(lines[0])
    head = json.loads((directory / "HEAD").read_text())
    forged = head | {"seq": 1, "hash": json.loads(lines[0])["hash"], "size": len(lines[0])}
    (directory / "HEAD").write_text(json.dumps(forged))
    with pytest.raises(AuditError, match=r"HEAD was not written with this audit\.key"):
        verify(directory, b"the key")
    with pytest.raises(AuditError, match="move the directory aside"):
        audit(home, key=b"the key").note("run.started")


def test_it_is_verified_while_runs_write_to_it(home, directory):
    """An entry that is written but not in HEAD yet must not look like one that was planted."""
    written(home, 2)
    head = (directory / "HEAD").read_bytes()
    written(home, 1)
    later = (directory / "HEAD").read_bytes()
    found = []
    verifier = threading.Thread(target=lambda: found.append(verify(directory)))
    with held_log(directory):
        (directory / "HEAD").write_bytes(head)
        verifier.start()
        verifier.join(0.2)
        (directory / "HEAD").write_bytes(later)
    verifier.join(30)
    assert [each.entries for each in found] == [3]


# --- how it is written


def test_what_a_killed_process_left_behind_the_head_goes(home, directory):
    written(home, 2)
    path, _ = lines_of(directory)
    with path.open("ab") as file:
        file.write(b'{"half')
    audit(home).note("run.started", n=2)
    assert verify(directory).entries == 3


def test_a_month_goes_on_from_the_one_before_and_a_clock_that_went_back_stays(home, directory, monkeypatch):
    for at in ("2026-10-31T23:59:59.000Z", "2026-11-01T00:00:00.000Z", "2026-10-31T23:59:59.000Z"):
        monkeypatch.setattr("dativo.audit.log.now", lambda at=at: at)
        audit(home).note("run.started")
    assert sorted(path.name for path in directory.glob("*.jsonl")) == ["2026-10.jsonl", "2026-11.jsonl"]
    assert (verify(directory).entries, verify(directory).files) == (3, 2)
    assert [entry["seq"] for entry in entries(directory, "2026-11")] == [2, 3]


NOTING = """
import sys
from pathlib import Path
from dativo.audit.log import Audit, held_log
from dativo.home import Home
audit = Audit(Home(Path(sys.argv[1])).tenant("acme"), "acme")
for n in range(20):
    audit.note("run.started", n=n)
"""


def test_processes_at_once_make_one_chain(home, directory):
    writers = [subprocess.Popen([sys.executable, "-c", NOTING, str(home.root)]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert verify(directory).entries == 60


def test_a_log_that_cannot_be_written_is_an_error(home, directory):
    written(home, 1)
    path, _ = lines_of(directory)
    path.unlink()
    path.symlink_to("/dev/null")
    with pytest.raises(AuditError, match="the audit log cannot be written"):
        audit(home).note("run.started")


def test_the_commands(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(home)
    Audit(home.tenant(None), None).note("run.started")
    run = lambda *arguments: CliRunner().invoke(cli, ["audit", *arguments], standalone_mode=False)  # noqa: E731
    lines = run("verify").output.splitlines()
    assert lines[0].startswith("jobs without a tenant: 1 entry in 1 file, chain whole, last ")
    assert lines[1].startswith("acme: 5 entries in 1 file, chain whole, last ")
    assert len(run("show").output.splitlines()) == 6
    assert len(run("show", "--tenant", "acme", "--month", "1999-01").output) == 0
    path, lines = lines_of(home.tenant("acme").audit)
    path.write_bytes(b"".join(lines[1:]))
    assert isinstance(run("verify").exception, AuditError)


def test_the_key_is_a_secret_of_the_project(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dativo.yaml").write_text("version: 1\naudit: {key: '${secret:audit-key}'}\n")
    written(home, key=b"k1")
    monkeypatch.setenv("DATIVO_SECRET__GLOBAL__AUDIT_KEY", "k1")
    assert CliRunner().invoke(cli, ["audit", "verify"], standalone_mode=False).exception is None
    monkeypatch.setenv("DATIVO_SECRET__GLOBAL__AUDIT_KEY", "k2")
    failed = CliRunner().invoke(cli, ["audit", "verify"], standalone_mode=False).exception
    assert isinstance(failed, AuditError)
