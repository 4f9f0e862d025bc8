"""Parts of a run: its sides, secrets, audit entries, reach, pipes. Starts no connector."""

from __future__ import annotations

import fcntl
import io
import os
from pathlib import Path

import pytest
import yaml
from dativo.audit.verify import entries, verify
from dativo.connectors.registry import load_registry
from dativo.errors import Interrupted, PolicyError, RunFailed, SecretMissing, StateBusy
from dativo.jobs.ready import load_job
from dativo.observe.console import Console
from dativo.observe.runs import all_runs
from dativo.run.audited import audited_run
from dativo.run.given_secrets import redactor_of, with_secrets
from dativo.run.job_run import Teller, near
from dativo.run.options import RunOptions
from dativo.run.pipes import End, new_pipe
from dativo.run.refused import telling_refusal
from dativo.run.sandbox import Sandbox
from dativo.run.sides import sides_of
from dativo.run.workspace import Workspace

KEY = {"DATIVO_SECRET__GLOBAL__KEY": "an-unlikely-s3cret"}


@pytest.fixture
def ready(project):
    """A job as it is loaded, of a registry that says what the test says of the tap."""

    def ready(steps=(), *, tap=(), **changes):
        registry = yaml.safe_load(project.registry.read_text())
        registry["connectors"][0] |= dict(tap)
        project.registry.write_text(yaml.safe_dump(registry))
        return load_job(project.job(list(steps), **changes), load_registry([project.registry]), {})

    return ready


def with_key(ready, **changes):
    return ready(source={"config": {"steps": [], "api_key": "${secret:key}"}}, **changes)


def audit(ready):
    return [(entry["event"], entry["facts"]) for entry in entries(audit_directory(ready))]


def audit_directory(ready):
    return ready.project.home.tenant(ready.job.tenant).audit


def test_sides_stand_as_records_pass_them(ready):
    job = ready(mappers=[{"connector": "mapper-lines"}])
    assert [(side.role, side.name) for side in sides_of(job)] == [
        ("tap", "tap-steps"),
        ("mapper", "mapper-lines"),
        ("target", "target-lines"),
    ]
    assert [side.settings for side in sides_of(job)] == [job.job.source, *job.job.mappers, job.job.target]
    assert [side.program for side in sides_of(job)] == list(job.chain)


def test_who_stands_there_again_has_a_number(ready):
    job = ready(mappers=[{"connector": "mapper-lines", "config": {"n": n}} for n in range(3)])
    mappers = sides_of(job)[1:-1]
    assert [side.name for side in mappers] == ["mapper-lines", "mapper-lines#2", "mapper-lines#3"]
    assert [side.settings.config["n"] for side in mappers] == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "sample"),
    [
        (RunOptions(), False),
        (RunOptions(full_refresh=True, wait=5.0), False),
        (RunOptions(limit=0), True),
        (RunOptions(limit=5), True),
        (RunOptions(dry_run=True), True),
    ],
)
def test_a_run_that_keeps_no_state_is_a_sample(options, sample):
    assert options.is_sample is sample


def test_a_job_without_secrets_stays_as_it_is_and_leaves_no_trace(ready):
    job = ready()
    assert with_secrets(job, {}) == (job, ())
    assert not audit_directory(job).exists()


def test_a_secret_is_put_in_its_place_and_who_had_it_is_noted(ready):
    job = with_key(ready, tenant="acme")
    resolved, (used,) = with_secrets(job, KEY, "r1")
    assert resolved.job.source.config["api_key"] == "an-unlikely-s3cret"
    assert "an-unlikely-s3cret" not in str(job.job.source.config["api_key"])
    assert (used.name, used.backend, used.scope) == ("key", "env", "global")
    assert audit(job) == [("secret.read", {"name": "key", "backend": "env", "scope": "global"})]
    assert redactor_of(job, {})("it is an-unlikely-s3cret!") == "it is ****!"


def test_a_secret_that_is_missing_is_noted_without_more(ready):
    job = with_key(ready)
    with pytest.raises(SecretMissing, match=r"^no secret key \(looked in ") as error:
        with_secrets(job, {})
    assert audit(job) == [("secret.refused", {"reason": str(error.value)})]


def test_what_a_job_brought_in_is_hidden(ready):
    config = {"steps": [], "api_key": "declared-one", "auth": {"password": "named-one"}, "user": "somebody"}
    redact = redactor_of(ready(source={"config": config}), {})
    assert redact("declared-one named-one somebody") == "**** **** somebody"


@pytest.mark.parametrize("name", ["DB_PASSWORD", "DB_USER"])
def test_variables_that_connectors_inherit_are_hidden_by_their_names(ready, name):
    job = ready(tap={"environment": ["DB_*"]})
    hidden = redactor_of(job, {name: f"value-of-{name}", "OTHER_PASSWORD": "not passed on"})
    shown = "****" if name == "DB_PASSWORD" else f"value-of-{name}"
    assert hidden(f"value-of-{name}, not passed on") == f"{shown}, not passed on"


def test_a_run_is_noted_before_it_starts_and_when_it_has_ended(ready):
    job = with_key(ready)
    _, used = with_secrets(job, KEY)
    with audited_run(job, "r1", [*used, *used]):
        (_, (event, facts)) = audit(job)
        assert (event, facts["secrets"]) == ("run.started", ["key"])
    assert [(each["name"], each["version"]) for each in facts["connectors"]] == [
        ("tap-steps", "1.2.3"),
        ("target-lines", "0.0.9"),
    ]
    assert all(each["fingerprint"].startswith("file:") for each in facts["connectors"])
    assert audit(job)[-1] == ("run.ended", {"outcome": "succeeded"})
    assert verify(audit_directory(job)).entries == 3


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RunFailed("it hurts"), "failed"),
        (Interrupted(15), "interrupted"),
        (KeyboardInterrupt("it hurts"), "interrupted"),
        (ZeroDivisionError("it hurts"), "failed"),
    ],
)
def test_however_it_ends_that_is_noted_and_passed_on(ready, error, outcome):
    job = ready()
    with pytest.raises(type(error)) as raised, audited_run(job, "r1", []):
        raise error
    assert raised.value is error
    assert audit(job)[-1] == ("run.ended", {"outcome": outcome, "reason": str(error)})


def refused(job, error):
    """What is kept of a run that is refused, and what is said."""
    said = io.StringIO()
    with (
        pytest.raises(type(error)) as raised,
        telling_refusal(job, "20261124T000000Z-1f2e3d", Console(said), only_here=False),
    ):
        raise error
    assert raised.value is error
    return [(run.name, run.outcome, run.document) for run in all_runs(job.project.home)], said.getvalue()


def test_a_run_that_cannot_start_is_kept_with_its_reason(ready):
    [(name, outcome, report)], _ = refused(ready(tenant="acme"), SecretMissing("no secret key"))
    assert (name, outcome) == ("20261124T000000Z-1f2e3d", "failed")
    assert (report["reason"], report["exit_code"], report["tenant"]) == ("no secret key", 1, "acme")
    assert [each["name"] for each in report["connectors"]] == ["tap-steps", "target-lines"]


@pytest.mark.parametrize("error", [StateBusy("held by another run"), Interrupted(2), ValueError("a defect")])
def test_of_what_another_run_tells_and_of_stops_nothing_is_kept(ready, error):
    assert refused(ready(), error) == ([], "")


def test_whose_own_secret_is_missing_is_not_told_and_that_is_said(ready):
    told = [{"webhook": "https://example.invalid/${secret:nowhere}", "on": ["failure"]}]
    [(_, outcome, _)], said = refused(ready(notifications=told), SecretMissing("no secret key"))
    assert outcome == "failed"
    assert "users: WARNING: notifications: no secret nowhere (looked in " in said


@pytest.fixture
def sandbox(tmp_path, monkeypatch):
    """The sandbox of a job, on a machine whose bubblewrap is new enough."""
    program = tmp_path / "bin/bwrap"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho bubblewrap 0.11.0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (tmp_path / "private").mkdir()
    (tmp_path / "scratch").mkdir()
    return lambda job: Sandbox(job, Workspace(tmp_path / "private"), tmp_path / "scratch", None)


def test_it_reaches_what_the_job_declares_and_its_settings_name(ready, sandbox):
    job = ready(
        tap={"paths": {"read": ["files.path"], "write": ["out"]}},
        source={
            "config": {"files": [{"path": "in/*.csv"}, {"path": "/srv/x"}], "out": "made", "url": "s3://b"},
            "paths": {"read": ["more"], "write": ["/srv/out"]},
        },
    )
    reach, here = sandbox(job).reach(sides_of(job)[0]), job.directory
    assert reach.read == (here / "more", here / "in", Path("/srv/x"))
    assert reach.write == (Path("/srv/out"), here / "made")
    assert (reach.network, reach.hidden) == (False, (job.project.home.root,))
    assert sandbox(job).reach(sides_of(job)[-1]).read == ()


@pytest.mark.parametrize(
    ("registry", "asked", "network"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_it_has_the_network_if_the_job_or_the_registry_says_so(ready, sandbox, registry, asked, network):
    job = ready(tap={"network": registry}, source={"network": asked})
    assert sandbox(job).reach(sides_of(job)[0]).network is network


def test_secrets_in_files_are_hidden_those_of_every_tenant(project, ready, sandbox):
    settings = {
        "version": 1,
        "secrets": [{"backend": "env"}, {"backend": "files", "dir": "keys"}],
        "tenants": {"acme": {"secrets": [{"backend": "files", "dir": "/srv/keys"}]}},
    }
    (project.directory / "dativo.yaml").write_text(yaml.safe_dump(settings))
    job = ready(source={"paths": {"read": ["keys/global"]}})
    box = sandbox(job)
    with pytest.raises(PolicyError, match=r"tap-steps: keys/global leads to .*/keys/global"):
        box.reach(sides_of(job)[0])
    hidden = box.reach(sides_of(job)[-1]).hidden
    assert hidden == (job.project.home.root, project.directory / "keys", Path("/srv/keys"))


def test_a_path_is_told_as_one_would_type_it_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert near(str(tmp_path / "a/state.json")) == "a/state.json"
    assert near("/srv/state.json") == "/srv/state.json"
    assert near(f"{tmp_path}-2/state.json") == f"{tmp_path}-2/state.json"
    assert near("s3://bucket/key") == "s3://bucket/key"


def test_what_is_said_of_a_job_begins_with_its_name():
    said = io.StringIO()
    Teller("acme/users", Console(said))("trying again")
    assert said.getvalue() == "acme/users: trying again\n"


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_how_full_a_pipe_is_is_seen_from_outside(share):
    with new_pipe() as pipe:
        assert pipe.share_filled() == 0.0
        os.set_blocking(pipe.writing.number, False)
        with open(pipe.writing.number, "wb", buffering=0, closefd=False) as writer:
            size = fcntl.fcntl(pipe.writing.number, fcntl.F_GETPIPE_SZ)
            assert writer.write(bytes(int(size * share))) == int(size * share)
        assert pipe.share_filled() == share
        os.read(pipe.reading.number, size)
        assert pipe.share_filled() == 0.0


def test_both_ends_of_a_pipe_are_closed_once_whatever_happens():
    with new_pipe() as pipe:
        pipe.writing.close()
        assert os.read(pipe.reading.number, 1) == b""
    assert (pipe.reading.open, pipe.writing.open) == (False, False)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(pipe.reading.number)


def test_closing_an_end_twice_closes_nobody_elses_file(tmp_path):
    end = End(os.open(tmp_path, os.O_RDONLY))
    end.close()
    again = os.open(tmp_path, os.O_RDONLY)
    end.close()
    os.close(again)
    assert again == end.number
