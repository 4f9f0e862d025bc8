"""The files of an audit log: what HEAD says, what is appended where, and what is read of it."""

from __future__ import annotations

import getpass
import json
import os
import re

import pytest
from dativo.audit.chain import BEGINNING, canonical, line_of, sealed
from dativo.audit.log import Audit, actor, held_log, read_head
from dativo.audit.open import audit_key, open_audit
from dativo.audit.verify import Verified, entries, lines, verify
from dativo.errors import AuditError, SecretError
from dativo.home import Home, TenantHome
from dativo.jobs.project import find_project


@pytest.fixture
def home(tmp_path):
    return TenantHome(tmp_path / "acme")


@pytest.fixture
def directory(home):
    return home.audit


@pytest.fixture
def clock(monkeypatch):
    """The time of the next entries, set by hand."""
    at = ["2026-01-31T12:00:00.000Z"]
    monkeypatch.setattr("dativo.audit.log.now", lambda: at[0])
    return at


def note(home, event="run.started", key=None, **facts):
    Audit(home, "acme", run="r1", job="acme/users", key=key).note(event, **facts)


def head_of(directory):
    return json.loads((directory / "HEAD").read_text())


def test_an_entry_is_as_documented(home, directory, clock):
    note(home, "state.changed", what="set", place="/x")
    [entry] = entries(directory)
    assert entry == sealed(
        {
            "v": 1,
            "seq": 1,
            "at": "2026-01-31T12:00:00.000Z",
            "tenant": "acme",
            "run": "r1",
            "job": "acme/users",
            "actor": actor(),
            "event": "state.changed",
            "facts": {"what": "set", "place": "/x"},
            "prev": BEGINNING,
        },
        None,
    )
    assert (directory / "2026-01.jsonl").read_bytes() == line_of(entry)


def test_the_head_says_where_the_log_ends(home, directory, clock):
    for number in range(3):
        note(home, n=number)
        path, last = directory / "2026-01.jsonl", list(entries(directory))[-1]
        assert head_of(directory) == {
            "seq": number + 1,
            "hash": last["hash"],
            "file": "2026-01",
            "size": path.stat().st_size,
        }
        assert read_head(directory) == head_of(directory)
    assert sorted(each.name for each in directory.iterdir()) == ["2026-01.jsonl", "HEAD", "lock"]


def test_an_entry_is_on_disk_before_the_head_says_so(home, directory, clock, monkeypatch):
    note(home)
    path, done = directory / "2026-01.jsonl", []
    monkeypatch.setattr(os, "fsync", lambda fd: done.append((os.fstat(fd), head_of(directory)["seq"])))
    note(home)
    assert (done[0][0].st_ino, done[0][0].st_size) == (path.stat().st_ino, path.stat().st_size)
    assert [seq for _, seq in done] == [1, 1, 2]


def test_each_entry_goes_on_from_the_one_before(home, directory):
    for number in range(3):
        note(home, n=number)
    chain = list(entries(directory))
    assert [each["seq"] for each in chain] == [1, 2, 3]
    assert [each["prev"] for each in chain] == [BEGINNING, chain[0]["hash"], chain[1]["hash"]]


def test_nothing_written_is_where_a_log_begins(tmp_path):
    beginning = {"seq": 0, "hash": BEGINNING, "file": "", "size": 0}
    assert read_head(tmp_path) == read_head(tmp_path / "none", b"k") == beginning
    assert verify(tmp_path) == Verified(0, 0, BEGINNING)


def test_jobs_without_a_tenant_have_entries_without_one(home, directory):
    Audit(home, None).note("run.started")
    [entry] = entries(directory)
    assert [entry[name] for name in ("tenant", "run", "job", "facts")] == [None, None, None, {}]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"7", b"\xff", b"{}", b'{"seq": 1, "hash": "ab", "file": "2026-01"}',
        b'{"seq": "1", "hash": "ab", "file": "2026-01", "size": 7}',
        b'{"seq": null, "hash": "ab", "file": "2026-01", "size": 7}',
        b'{"seq": 1, "hash": 5, "file": "2026-01", "size": 7}',
        b'{"seq": 1, "hash": "ab", "file": 7, "size": 7}',
        b'{"seq": 1, "hash": "ab", "file": "2026-01", "size": "7"}',
        b'{"seq": 1, "hash": "ab", "file": "2026-01", "size": null}',
        b'{"seq": 1, "hash": "ab", "file": "2026-01", "size": -1}',
        b'{"seq": 1, "hash": "ab", "file": "2099/../x", "size": 7}',
    ],
)  # fmt: skip
def test_a_damaged_head_stops_who_writes_and_who_reads(home, directory, content):
    note(home)
    path = directory / "HEAD"
    path.write_bytes(content)
    damaged = f"^{path} is damaged: where the audit log ends cannot be told$"
    with pytest.raises(AuditError, match=damaged):
        read_head(directory)
    with pytest.raises(AuditError, match=damaged):
        note(home)
    with pytest.raises(AuditError, match=damaged):
        verify(directory)
    assert len(list(entries(directory))) == 1


def test_a_head_is_sealed_with_the_key_and_another_key_says_so(home, directory):
    note(home, key=b"k1")
    assert set(head_of(directory)) == {"seq", "hash", "file", "size", "seal"}
    assert read_head(directory, b"k1") == read_head(directory)
    assert set(read_head(directory, b"k1")) == {"seq", "hash", "file", "size"}
    for key in (b"k2", b"K1"):
        with pytest.raises(AuditError) as caught:
            read_head(directory, key)
        assert str(caught.value) == (
            f"{directory / 'HEAD'} was not written with this audit.key: the end of the log may have been cut "
            "off. After a change of the key, move the directory aside: the next entry begins a new log"
        )


def test_a_log_from_before_the_key_is_not_gone_on_with(home, directory):
    note(home)
    with pytest.raises(AuditError, match=r"HEAD was not written with this audit\.key"):
        note(home, key=b"k1")
    directory.rename(directory.with_name("aside"))
    note(home, key=b"k1")
    assert verify(directory, b"k1").entries == 1


def test_a_log_with_a_key_cannot_be_verified_without(home, directory):
    note(home, key=b"k1")
    with pytest.raises(
        AuditError, match=r"jsonl:1: entry 1 has been changed, or its chain was not made without a key$"
    ):
        verify(directory)


@pytest.mark.parametrize("kind", ["hash", "seal"])
def test_a_head_that_says_another_end_is_noticed(home, directory, kind):
    note(home, key=b"k1" if kind == "seal" else None)
    head = head_of(directory)
    (directory / "HEAD").write_text(json.dumps(head | {kind: "0" * 64}))
    said = (
        "ends with entry 1, and entry 1 was written last" if kind == "hash" else "was not written with this"
    )
    with pytest.raises(AuditError, match=said):
        verify(directory, b"k1" if kind == "seal" else None)


def test_what_stands_behind_the_end_goes_with_the_next_entry(home, directory, clock):
    note(home)
    path = directory / "2026-01.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + line_of({"seq": 2}) * 50)
    note(home)
    assert path.read_bytes().startswith(whole)
    assert verify(directory).entries == 2


def test_a_new_month_begins_a_file_anew_even_if_one_lies_there(home, directory, clock):
    note(home)
    clock[0] = "2026-02-01T00:00:00.000Z"
    (directory / "2026-02.jsonl").write_bytes(b"left by a process that was killed")
    note(home)
    assert [place.rpartition("/")[2] for place, _ in lines(directory)] == [
        "2026-01.jsonl:1",
        "2026-02.jsonl:1",
    ]
    assert head_of(directory)["file"] == "2026-02"
    assert verify(directory).files == 2


def test_a_file_that_has_been_cut_is_not_gone_on_with(home, directory, clock):
    note(home)
    path = directory / "2026-01.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(AuditError, match=rf"^{path} has been cut: dativo audit verify tells more$"):
        note(home)
    with pytest.raises(AuditError, match=rf"^{path}:1: the line is cut$"):
        verify(directory)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\n", "the line is not JSON"),
        (b"{'a': 1}\n", "the line is not JSON"),
        (b"\xff\n", "the line is not JSON"),
        (b'{"seq": 1}\n', "the line is not as it was written"),
        (b'{"seq":1,"seq":1}\n', "the line is not as it was written"),
        (b'{"b":1,"a":1}\n', "the line is not as it was written"),
        (b'{"seq":1}\r\n', "the line is not as it was written"),
        (b'{"a":"\xc3\xbc"}\n', "the line is not as it was written"),
        (b"[]\n", "the line is not as it was written"),
        (b"7\n", "the line is not as it was written"),
        (b'{"seq":1}', "the line is cut"),
        (b'{"seq":2}\n', "entry 2 follows entry 0: one is missing or moved"),
        (b"{}\n", "entry None follows entry 0: one is missing or moved"),
        (b'{"seq":1}\n', "entry 1 does not continue the one before"),
        (b'{"prev":"' + b"0" * 64 + b'","seq":1}\n', "entry 1 has been changed, or its chain was"),
    ],
)  # fmt: skip
def test_the_first_line_that_is_wrong_is_named(directory, content, why):
    directory.mkdir(parents=True)
    path = directory / "2026-01.jsonl"
    path.write_bytes(content)
    with pytest.raises(AuditError, match=rf"^{path}:1: {why}"):
        verify(directory)


def test_a_chain_goes_through_all_files_in_order(directory):
    directory.mkdir(parents=True)
    prev = BEGINNING
    for number, month in enumerate(("2025-12", "2026-01", "2026-11"), 1):
        entry = sealed({"seq": number, "prev": prev}, None)
        (directory / f"{month}.jsonl").write_bytes(line_of(entry))
        prev = entry["hash"]
    head = {"seq": 3, "hash": prev, "file": "2026-11", "size": len(line_of(entry))}
    (directory / "HEAD").write_bytes(canonical(head))
    assert verify(directory) == Verified(3, 3, prev)
    assert [each["seq"] for each in entries(directory)] == [1, 2, 3]
    assert [each["seq"] for each in entries(directory, "2026-01")] == [2]
    assert list(entries(directory, "2026-02")) == []


def test_only_one_writes_at_a_time(directory):
    import fcntl

    directory.mkdir(parents=True)
    with held_log(directory), (directory / "lock").open() as second, pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (directory / "lock").open() as second:
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_place_that_cannot_be_written_is_said(home, directory):
    directory.parent.mkdir(parents=True)
    directory.touch()
    with pytest.raises(
        AuditError, match=rf"^{directory}: the audit log cannot be written: Not a directory$"
    ) as caught:
        note(home)
    assert isinstance(caught.value.__cause__, OSError)


# --- who


@pytest.mark.parametrize("sudo", [None, "the-admin"])
def test_who_does_it(monkeypatch, sudo):
    monkeypatch.delenv("SUDO_USER", raising=False)
    if sudo:
        monkeypatch.setenv("SUDO_USER", sudo)
    expected = {
        "user": getpass.getuser(),
        "uid": os.getuid(),
        "host": os.uname().nodename,
        "pid": os.getpid(),
    }
    assert actor() == expected | ({"sudo": sudo} if sudo else {})


@pytest.mark.parametrize("error", [KeyError("no such user"), OSError("no such user")])
def test_who_has_no_name_is_a_number(monkeypatch, error):
    def nameless():
        raise error

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert actor()["user"] == str(os.getuid())


# --- of a project


def project(tmp_path, settings=""):
    (tmp_path / "dativo.yaml").write_text(f"version: 1\n{settings}\n")
    return find_project(tmp_path, {})


def test_the_log_of_a_project_lies_in_its_home_by_tenant(tmp_path):
    for tenant in ("acme", None):
        open_audit(project(tmp_path, "home: kept"), tenant, {}, run="r", job="j").note("run.started")
        [entry] = entries(Home(tmp_path / "kept").tenant(tenant).audit)
        assert (entry["tenant"], entry["run"], entry["job"]) == (tenant, "r", "j")


def test_switched_off_it_is_not_written_and_its_key_not_asked_for(tmp_path):
    settings = "audit: {enabled: false, key: '${secret:audit-key}'}"
    open_audit(project(tmp_path, settings), "acme", {}).note("run.started")
    assert not (tmp_path / ".dativo").exists()


@pytest.mark.parametrize(
    ("settings", "environ", "key"),
    [
        ("", {}, None),
        ("audit: {key: '${secret:k}'}", {"DATIVO_SECRET__GLOBAL__K": "ümlaut"}, "ümlaut".encode()),
        ("audit: {key: '${secret:k#a}'}", {"DATIVO_SECRET__GLOBAL__K": '{"a": 7}'}, b"7"),
    ],
)
def test_the_key_is_that_of_the_project(tmp_path, settings, environ, key):
    assert audit_key(project(tmp_path, settings), environ) == key


def test_a_tenant_cannot_give_the_key(tmp_path):
    with pytest.raises(SecretError, match=re.escape("env DATIVO_SECRET__GLOBAL__K")):
        open_audit(project(tmp_path, "audit: {key: '${secret:k}'}"), "acme", {"DATIVO_SECRET__ACME__K": "x"})
