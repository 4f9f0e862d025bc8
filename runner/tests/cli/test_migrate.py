"""`dativo migrate`: the diff, what is written, the way back, and a run that goes on where Meltano stopped."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest

MELTANO = """\
default_environment: dev
environments: [{{name: dev}}]
plugins:
  extractors:
  - name: tap-steps
    executable: {tap}
    capabilities: [catalog, discover, state]
    config: {{steps: {steps}, seen: seen.json}}
  loaders:
  - {{name: target-lines, executable: {target}, config: {{path: loaded}}}}
"""
STEPS = [
    {"records": 2, "stream": "users"},
    {"state": {"at": 2}},
]


@pytest.fixture
def meltano(project):
    """A Meltano project in the directory, with a state in its database."""
    executables = {
        name: re.search(rf"executable: (\S*{file})", project.registry.read_text())[1]
        for name, file in (("tap", "tap_steps.py"), ("target", "target_lines.py"))
    }
    project.registry.unlink()
    project.environ["DATIVO_REGISTRY"] = ""
    text = MELTANO.format(steps=json.dumps(STEPS), **executables)
    (project.directory / "meltano.yml").write_text(text)
    (project.directory / ".meltano").mkdir()
    database = sqlite3.connect(project.directory / ".meltano/meltano.db")
    database.execute("CREATE TABLE plugin_settings (name, namespace, value BLOB, enabled)")
    database.execute("CREATE TABLE state (state_id, partial_state, completed_state, updated_at)")
    state = json.dumps({"singer_state": {"at": 1}})
    database.execute("INSERT INTO state VALUES ('dev:tap-steps-to-target-lines', '{}', ?, NULL)", (state,))
    database.commit()
    database.close()
    return project


def run(project, *arguments):
    return project.dativo(*arguments, cwd=project.directory)


def files(project):
    return {
        path: path.read_bytes()
        for path in project.directory.rglob("*")
        if path.is_file() and ".dativo" not in path.parts
    }


def test_nothing_is_written_without_being_asked(meltano):
    before = files(meltano)
    done = run(meltano, "migrate", ".", "--state")
    assert done.returncode == 0
    assert "+++ tap-steps-to-target-lines.job.yaml" in done.stdout
    assert "+name: tap-steps-to-target-lines" in done.stdout
    assert "nothing is written: add --write" in done.stderr
    assert files(meltano) == before
    assert not (meltano.directory / ".dativo").exists()


def test_written_twice_is_written_once_and_can_be_taken_back(meltano):
    (meltano.directory / "connectors.yaml").write_text("version: 1\nconnectors: []\n")
    before = files(meltano)
    done = run(meltano, "migrate", "meltano.yml", "--write")
    assert done.returncode == 0
    migration_id = re.search(r"--rollback (\S+)", done.stderr)[1]
    after = files(meltano)
    assert len(after) == len(before) + 2
    again = run(meltano, "migrate", "meltano.yml", "--write")
    assert (again.stdout, files(meltano)) == ("", after)
    assert "nothing to write: everything is there" in again.stderr
    back = run(meltano, "migrate", "--rollback", migration_id)
    assert back.returncode == 0
    assert sorted(line.rsplit(": ", 1)[1] for line in back.stdout.splitlines()) == [
        "as it was",
        "removed",
        "removed",
    ]
    assert files(meltano) == before


def test_what_was_changed_since_stays(meltano):
    done = run(meltano, "migrate", ".", "--write")
    migration_id = re.search(r"--rollback (\S+)", done.stderr)[1]
    job = meltano.directory / "tap-steps-to-target-lines.job.yaml"
    job.write_text(job.read_text() + "# mine\n")
    assert (
        f"{job}: has been changed since and stays"
        in run(meltano, "migrate", "--rollback", migration_id).stdout
    )
    assert job.exists()
    wrong = run(meltano, "migrate", "--rollback", "../x")
    assert wrong.returncode == 1
    assert f"there are: {migration_id}" in wrong.stderr


def test_the_jobs_run_and_go_on_where_meltano_stopped(meltano):
    assert (
        "goes on from dev:tap-steps-to-target-lines"
        in run(meltano, "migrate", ".", "--write", "--state").stderr
    )
    assert run(meltano, "validate").stdout == "1 job, no problems\n"
    done = run(meltano, "run", "tap-steps-to-target-lines.job.yaml")
    assert done.returncode == 0, done.stderr
    assert meltano.records() == [1, 2]
    assert json.loads(json.loads((meltano.directory / "seen.json").read_text())["state"]) == {"at": 1}
    assert meltano.state("tap-steps-to-target-lines") == {"at": 2}
    again = run(meltano, "migrate", ".", "--write", "--state")
    assert "has a state of its own, which stays" in again.stderr


def test_what_needs_a_hand_is_an_exit_code(meltano):
    file = meltano.directory / "meltano.yml"
    file.write_text(file.read_text() + "state_backend: {uri: x}\n")
    done = run(meltano, "migrate", ".")
    assert done.returncode == 1
    assert "BY HAND: 'state_backend' is not carried over" in done.stderr


def test_wrong_use(meltano):
    assert run(meltano, "migrate").returncode == 2
    assert run(meltano, "migrate", "nowhere").returncode == 2


def test_the_way_back_from_another_directory_inside_of_a_project(meltano):
    (meltano.directory / "dativo.yaml").write_text("version: 1\nhome: elsewhere\n")
    before = files(meltano)
    done = run(meltano, "migrate", ".", "--to", "deep/new", "--write")
    assert "relative paths in settings started at" in done.stderr
    assert (meltano.directory / "deep/new/dativo.yaml").exists()
    migration_id = re.search(r"--rollback (\S+)", done.stderr)[1]
    back = run(meltano, "migrate", "--to", "deep/new", "--rollback", migration_id)
    assert back.returncode == 0, back.stderr
    assert files(meltano) == before
