"""A target with a gate: started beside its tap, it says what the destination holds before it reads."""

from __future__ import annotations

import json
import os
import signal

import pytest
import yaml

from runner.tests.run.shop import Shop

GATE = "DATIVO_GATE_FD"
TWO = [{"records": 2}, {"state": {"at": 8}}]


@pytest.fixture
def shop(project):
    return Shop(project, ["about", "recover", "recover-gate"])


def changed(job, **target):
    """The same job with more in the configuration of its target, or elsewhere (`_` before the name)."""
    document = yaml.safe_load(job.read_text())
    for name, value in target.items():
        if name.startswith("_"):
            document[name[1:]] = value
        else:
            document["target"]["config"][name] = value
    job.write_text(yaml.safe_dump(document))
    return job


def test_who_answers_is_who_loads(shop):
    shop.has_run_to({"at": 1})
    answered = shop.path("answered")
    done = shop.project.dativo("run", shop.job(TWO, state='{"at": 1}', touch=answered))
    assert done.returncode == 0, done.stderr
    assert (shop.project.loaded / "started").read_text() == answered.read_text()
    assert shop.project.records() == [1, 1, 2]


def test_the_answer_is_no_state_of_the_run(shop):
    """It would be stored again, and told as progress."""
    shop.has_run_to({"at": 1})
    done = shop.project.dativo("run", shop.job([{"records": 2}], state='{"at": 1}'))
    assert done.returncode == 0, done.stderr
    report = shop.project.directory / ".dativo/tenants/_/runs"
    [last] = sorted(report.rglob("report.json"), key=lambda path: path.stat().st_mtime_ns)[-1:]
    assert [attempt["states"] for attempt in json.loads(last.read_text())["attempts"]] == [0]
    assert shop.project.state() == {"at": 1}


def test_a_gate_that_stays_closed_ends_the_target_and_another_one_loads(shop):
    shop.has_run_to({"at": 1})
    answered, closed = shop.path("answered"), shop.path("closed")
    job = shop.job(TWO, state='{"at": 7}', touch=answered, closed=closed)
    done = shop.project.dativo("run", job)
    assert done.returncode == 0, done.stderr
    assert closed.read_text() == answered.read_text()
    assert (shop.project.loaded / "started").read_text() != answered.read_text()
    assert shop.project.records() == [1, 1, 2]
    assert shop.project.state() == {"at": 8}


def test_mappers_see_nothing_of_a_tap_that_was_started_wrongly(shop):
    shop.has_run_to({"at": 1})
    full = shop.path("pipe-is-full")
    steps = [{"if_started_with": {"at": 1}, "steps": [{"fill_pipe": str(full)}]}, *TWO]
    job = shop.job(steps, state='{"at": 7}', wait_for=full)
    done = shop.project.dativo("run", changed(job, _mappers=[{"connector": "mapper-lines"}] * 2))
    assert done.returncode == 0, done.stderr
    assert shop.project.records() == [1, 1, 2]


def test_only_the_target_knows_of_the_gate(shop):
    seen = shop.path("environ")
    done = shop.project.dativo("run", shop.job([{"environ": str(seen)}, *TWO]))
    assert done.returncode == 0, done.stderr
    assert GATE not in json.loads(seen.read_text())


@pytest.mark.parametrize("flag", ["--full-refresh", "--dry-run"])
def test_who_asks_nothing_needs_no_gate(shop, flag):
    asked = shop.path("asked")
    done = shop.project.dativo("run", flag, shop.job(TWO, touch=asked, code=1))
    assert done.returncode == 0, done.stderr
    assert not asked.exists()


def scripted(shop, text):
    """A job with another program as its target, whose settings are known without asking it."""
    settings, target = shop.path("settings.json"), shop.path("target")
    settings.write_text('{"type": "object", "properties": {}}')
    target.write_text(text)
    target.chmod(0o755)
    shop.change("target-lines", executable=str(target), settings=str(settings))
    return shop.job([{"sleep": 300}])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("no state\n", "`target-lines --recover` answered with something that is no state"),
        ("7\n", "`target-lines --recover` answered with something that is no state"),
        ('{"at": 1}\n{"at": 2}\n', "target-lines wrote more than its state before it was let through"),
    ],
)
def test_an_answer_that_is_none(shop, raw, message):
    done = shop.project.dativo("run", changed(shop.job([{"sleep": 300}]), recover={"raw": raw}))
    assert done.returncode == 1
    assert message in done.stderr
    assert not shop.project.loaded.exists()
    assert shop.project.state() is None


def test_an_answer_that_is_no_text(shop):
    done = shop.project.dativo("run", scripted(shop, "#!/bin/sh\nprintf '\\377\\n'\nexec sleep 300\n"))
    assert done.returncode == 1
    assert "`target-lines --recover` answered with something that is not UTF-8" in done.stderr


@pytest.mark.parametrize("said", ["", '{"at": 1}'])
def test_a_target_that_ends_well_without_an_answer(shop, said):
    done = shop.project.dativo("run", scripted(shop, f"#!/bin/sh\nprintf '%s' '{said}'\n"))
    assert done.returncode == 1
    assert "`target-lines --recover` exited with code 0 without an answer" in done.stderr


def test_a_target_that_cannot_be_started(shop):
    done = shop.project.dativo("run", scripted(shop, "#!/nowhere/python\n"))
    assert done.returncode == 1
    assert "target-lines cannot be started" in done.stderr


def test_a_target_that_takes_too_long(shop):
    began = shop.path("began")
    job = shop.job([{"touch": str(began)}, {"sleep": 300}], wait_for=shop.path("never"))
    done = shop.project.dativo("run", changed(job, _timeouts={"recover": "2s"}))
    assert done.returncode == 1
    assert "`target-lines --recover` did not answer within 2 s" in done.stderr
    assert not shop.project.loaded.exists()


def test_a_target_may_say_much_before_it_answers(shop):
    """More than a pipe takes: it would wait for ever if nobody read."""
    done = shop.project.dativo("run", shop.job(TWO, chatter=1 << 20))
    assert done.returncode == 0, done.stderr
    assert shop.project.records() == [1, 2]


def test_what_it_says_before_it_answers_counts_for_the_limit_of_the_log(shop):
    job = shop.job([{"sleep": 300}], chatter=1 << 20)
    done = shop.project.dativo("run", changed(job, _limits={"log_bytes": "100KiB"}))
    assert done.returncode == 1
    assert "limits.log_bytes" in done.stderr
    assert not shop.project.loaded.exists()


def test_a_tap_that_exceeds_a_limit_while_the_gate_is_closed(shop):
    closed, children = shop.path("closed"), [{"leave_child": str(shop.path("child"))}] * 4
    job = shop.job([*children, {"sleep": 300}], wait_for=shop.path("never"), closed=closed)
    document = yaml.safe_load(job.read_text())
    document["source"]["limits"] = {"processes": 3}
    job.write_text(yaml.safe_dump(document))
    done = shop.project.dativo("run", job)
    assert done.returncode == 1
    assert "limits.processes" in done.stderr
    assert not shop.project.loaded.exists()
    shop.project.wait_until(lambda: not shop.project.is_alive(int(shop.path("child").read_text())))


def test_a_runner_that_is_killed_before_it_has_opened_the_gate(shop):
    """The target does not heed SIGTERM, which the kernel sends it: the end of the gate ends it."""
    shop.has_run_to({"at": 1})
    answered, go, stands, closed = map(shop.path, ("answered", "go", "stands", "closed"))
    job = shop.job(TWO, state='{"at": 1}', touch=answered, wait_for=go, stands=stands, closed=closed)
    runner = shop.project.start("run", changed(job, on_sigterm="ignore"))
    shop.project.wait_until(lambda: answered.exists() and answered.read_text())
    os.kill(runner.pid, signal.SIGSTOP)
    go.touch()
    shop.project.wait_until(stands.exists)
    os.kill(runner.pid, signal.SIGKILL)
    runner.communicate(timeout=60)
    shop.project.wait_until(lambda: closed.exists() and closed.read_text() == answered.read_text())
    shop.project.wait_until(lambda: not shop.project.is_alive(int(answered.read_text())))
    assert shop.project.records() == [1]
    assert shop.project.state() == {"at": 1}


def test_out_of_a_sandbox_it_is_asked_as_ever(shop):
    shop.has_run_to({"at": 1})
    answered = shop.project.directory / "loaded" / "answered"
    job = shop.job(TWO, state='{"at": 1}', touch=answered)
    document = yaml.safe_load(job.read_text())
    document["target"].update(sandbox="strict", paths={"write": ["loaded"]})
    job.write_text(yaml.safe_dump(document))
    done = shop.project.dativo("run", job)
    assert done.returncode == 0, done.stderr
    assert (shop.project.loaded / "started").exists()
    assert shop.project.records() == [1, 1, 2]
