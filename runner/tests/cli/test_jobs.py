"""`validate`, `plan`, `new`, `schedule`, `schema` as people type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

SECRET = "pl4nted-s3cret"


@pytest.fixture
def tree(project):
    """A project with two tenants' jobs; returns a writer of further files."""

    def write(path, text):
        file = project.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    write("dativo.yaml", "version: 1\ntenants: {acme: {max_limits: {memory: 1GiB}}}\n")
    write("connectors.yaml", project.registry.read_text())
    project.environ["DATIVO_REGISTRY"] = ""
    for tenant in ("acme", "beta"):
        write(f"jobs/{tenant}/users.yaml", job("users", tenant=tenant, tags=["daily", tenant]))
    return write


def job(name, **more):
    return yaml.safe_dump(
        {
            "name": name,
            "source": {"connector": "tap-steps", "config": {"steps": []}},
            "target": {"connector": "target-lines", "config": {"path": "loaded"}},
            **more,
        },
        sort_keys=False,
    )


def run(project, *arguments):
    return project.dativo(*arguments, cwd=project.directory)


def test_validate_looks_at_every_job_of_the_project(project, tree):
    done = run(project, "validate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 jobs, no problems\n", "")


def test_connectors_are_those_of_the_project_that_a_job_lies_in(project, tree, tmp_path_factory):
    """Wherever the command is given, and of several projects at once."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "dativo.yaml").write_text("version: 1\n")
    (elsewhere / "users.yaml").write_text(job("users"))
    done = project.dativo("validate", elsewhere / "users.yaml", project.directory / "jobs", cwd=elsewhere)
    assert "users.yaml:3:14: source.connector: no tap 'tap-steps' in the registry" in done.stdout
    assert done.stdout.endswith("3 jobs, 2 problems\n")


def test_validate_tells_every_problem_of_every_file_at_once(project, tree):
    tree("jobs/bad.yaml", "name: bad\nsource: {connector: tap-step, select: x}\ntarget: {}\n")
    tree("jobs/broken.yaml", "name: [\n")
    tree("jobs/acme/twice.yaml", job("users", tenant="acme"))
    tree("jobs/acme/much.yaml", job("much", tenant="acme", limits={"memory": "2GiB"}))
    tree(
        "jobs/steps.yaml", job("steps", source={"connector": "tap-steps", "config": {"steps": 5, "stps": []}})
    )
    done = run(project, "validate")
    assert done.returncode == 1
    here = "jobs"
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        f"{here}/acme/much.yaml:12:11: 'limits.memory' is more than the 1 GiB that "
        "max_limits of the tenant allows",
        f"{here}/acme/users.yaml:1:7: the name acme/users is already used at {here}/acme/twice.yaml:1:7",
    ]
    unknown = "source.connector: no tap 'tap-step' in the registry; did you mean 'tap-steps'?"
    assert f"{here}/bad.yaml:2:21: {unknown}" in lines
    assert f"{here}/bad.yaml:2:39: 'source.select' must be a list, not a text" in lines
    assert f"{here}/bad.yaml:3:9: 'target.connector' is missing" in lines
    assert any(line.startswith(f"{here}/broken.yaml:2:1: is not valid YAML") for line in lines)
    assert f"{here}/steps.yaml:5:12: source.config.steps: expected array, got integer" in lines
    assert lines[-1] == "7 jobs, 7 problems"


def test_jobs_are_chosen_by_tag_and_tenant(project, tree):
    done = run(project, "plan", "--json", "--tag", "acme", "--tag", "none", "--tenant", "acme")
    assert [plan["job"] for plan in json.loads(done.stdout)] == ["acme/users"]


def test_validate_and_plan_never_show_a_value_and_need_no_secret(project, tree):
    project.environ["TOKEN"] = SECRET
    project.environ["DATIVO_SECRET__GLOBAL__PG"] = SECRET
    config = {"steps": "${secret:pg#steps}", "api_key": "${TOKEN}", "url": "http://${TOKEN}@x/${secret:pg}"}
    tree("jobs/s.yaml", job("s", source={"connector": "tap-steps", "config": config}))
    for arguments in (["validate", "s"], ["plan", "--json", "s"], ["plan", "s"]):
        done = run(project, *arguments)
        assert done.returncode == 0, done.stdout
        assert SECRET not in done.stdout + done.stderr
    assert "  secret      pg#steps ← env DATIVO_SECRET__GLOBAL__PG" in done.stdout
    assert "  env         TOKEN\n" in done.stdout


def test_plan_says_how_many_streams_are_loaded_at_once(project, tree):
    tree("jobs/s.yaml", job("s", parallel={"streams": 4}))
    done = run(project, "plan", "jobs/s.yaml")
    assert "  loads       what the tap selects by itself; 4 streams at once\n" in done.stdout


def test_plan_is_what_people_read(project, tree):
    extra = {
        "source": {"connector": "tap-steps", "config": {"steps": []}, "select": ["users.*"]},
        "schedule": {"cron": "0 2 * * *"},
        "limits": {"memory": "512MiB", "processes": 9, "open_files": 99},
        "retries": {"attempts": 1},
        "sandbox": "strict",
    }
    tree("jobs/acme/all.yaml", job("all", tenant="acme", tags=["a", "b"], **extra))
    lines = run(project, "plan", "acme/all").stdout.splitlines()
    assert lines[0] == "acme/all  jobs/acme/all.yaml  [a, b]"
    assert lines[1].startswith("  source      tap-steps 1.2.3 (")
    by = json.loads(run(project, "plan", "acme/all", "--json").stdout)[0]["enforcement"]["memory"]
    assert by in {"cgroup", "watch"}
    limits = f"memory 512 MiB: {by}   processes 9: watch   open_files 99: rlimit"
    assert lines[1].endswith(f"   sandbox strict   {limits}")
    place = ".dativo/tenants/acme/state/all/state.json (nothing is stored yet)"
    assert lines[3:] == [
        f"  state       {place}; a target that keeps it is asked first",
        "  loads       users.*",
        "  on failure  no other try; stopped when nothing moves for 1h",
        lines[-1],
    ]
    assert lines[-1].startswith("  schedule    0 2 * * * UTC, next 20")


def test_a_limit_that_nothing_here_enforces_is_a_warning_of_the_plan(project, tree):
    tree("jobs/s.yaml", job("s", limits={"cpu_share": 0.5}))
    (plan,) = json.loads(run(project, "plan", "s", "--json").stdout)
    said = [warning for warning in plan["warnings"] if "limits.cpu_share is not enforced here" in warning]
    assert len(said) == (plan["enforcement"]["cpu_share"] == "none")


def test_new_writes_a_job_that_validates(project, tree):
    done = run(project, "new", "orders", "--from", "tap-csv", "--to", "target-parquet", "--tenant", "acme")
    assert done.returncode == 0, done.stderr
    file = project.directory / "jobs/acme/orders.yaml"
    assert done.stdout.startswith("jobs/acme/orders.yaml is written\n")
    text = file.read_text()
    schema = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert json.loads((file.parent / schema).read_text())["title"] == "dativo job"
    document = yaml.safe_load(text)
    assert (document["name"], document["tenant"]) == ("orders", "acme")
    checked = run(project, "validate", "acme/orders")
    assert (checked.returncode, checked.stdout) == (0, "1 job, no problems\n")
    again = run(project, "new", "orders", "--from", "tap-csv", "--to", "target-parquet", "--tenant", "acme")
    assert again.returncode == 1
    assert "exists" in again.stderr
    assert file.read_text() == text


def test_the_first_job_below_a_directory_makes_it_a_project(project):
    done = run(project, "new", "orders", "--from", "tap-csv", "--to", "target-parquet")
    assert done.stdout.startswith(
        "dativo.yaml is written: the project of every job below its directory\njobs/orders.yaml is written\n"
    )
    file = project.directory / "dativo.yaml"
    assert yaml.safe_load(file.read_text()) == {"version": 1}
    schema = file.read_text().splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert json.loads((project.directory / schema).read_text())["title"] == "dativo project"
    file.write_text("version: 1\nhome: state\n")
    run(project, "new", "others", "--from", "tap-csv", "--to", "target-parquet")
    assert file.read_text() == "version: 1\nhome: state\n"


def test_every_optional_setting_of_a_new_job_can_be_uncommented(project, tree):
    run(project, "new", "orders", "--from", "tap-csv", "--to", "target-iceberg")
    file = project.directory / "jobs/orders.yaml"
    lines = file.read_text().splitlines()
    config = [line for line in lines if line.startswith("    # ") and ": " in line]
    assert len(config) > 10
    for line in config:
        assert len(yaml.safe_load(line.replace("# ", "", 1))) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a/b", "--from", "tap-csv", "--to", "target-parquet"], "cannot be the name of a job"),
        (["x", "--from", "tap-cvs", "--to", "target-parquet"], "did you mean 'tap-csv'"),
        (["x", "--from", "target-parquet", "--to", "target-parquet"], "a tap is needed here"),
        (["-x y", "--from", "tap-csv", "--to", "target-parquet"], ""),
        (["x", "--from", "tap-csv", "--to", "target-parquet", "--tenant", "global"], "name of a tenant"),
    ],
)
def test_new_refuses(project, tree, arguments, message):
    done = run(project, "new", *arguments)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert not (project.directory / "jobs/x.yaml").exists()


def test_schedules_are_printed_for_those_who_run_them(project, tree):
    tree(
        "jobs/nightly.yaml",
        job("nightly", schedule={"cron": "@daily", "timezone": "Asia/Tokyo", "jitter": "2m"}),
    )
    tree("jobs/often.yaml", job("often", schedule={"every": "15m"}))
    table = run(project, "schedule").stdout.splitlines()
    assert table[1] == "CRON_TZ=Asia/Tokyo"
    assert table[2].startswith("0 0 * * * sleep $(shuf -i 0-120 -n 1); /")
    assert table[2].endswith(f"/dativo run {project.directory}/jobs/nightly.yaml")
    assert table[4].startswith("*/15 * * * * /")
    units = run(project, "schedule", "--format", "systemd", "nightly").stdout
    assert "OnCalendar=*-*-* 00:00:00 Asia/Tokyo\nRandomizedDelaySec=120\n" in units
    assert f'"run" "{project.directory}/jobs/nightly.yaml"' in units
    found = json.loads(run(project, "schedule", "--format", "json").stdout)
    assert [(each["job"], each["cron"], each["every_seconds"]) for each in found] == [
        ("nightly", "0 0 * * *", None),
        ("often", None, 900.0),
    ]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({}, "give either 'cron' or 'every'"),
        ({"cron": "@daily", "every": 5}, "give either 'cron' or 'every'"),
        ({"cron": "* * *"}, "schedule.cron: '* * *' must have the five fields"),
        ({"every": 60, "timezone": "Mars/Olympus"}, "schedule.timezone: 'Mars/Olympus' is no time zone"),
    ],
)
def test_a_wrong_schedule_is_a_problem_of_the_file(project, tree, schedule, message):
    tree("jobs/s.yaml", job("s", schedule=schedule))
    done = run(project, "validate", "s")
    assert done.returncode == 1
    assert message in done.stdout


def test_cron_cannot_say_every_seven_minutes(project, tree):
    tree("jobs/s.yaml", job("s", schedule={"every": "7m"}))
    done = run(project, "schedule", "s")
    assert done.returncode == 1
    assert "jobs/s.yaml:11:10: schedule.every: cron cannot say every 7m" in done.stderr


def test_schemas_and_references_of_both_formats(project):
    assert json.loads(project.dativo("schema", "--for", "project").stdout)["title"] == "dativo project"
    page = Path(__file__).parents[3] / "docs" / "project.md"
    assert project.dativo("schema", "--for", "project", "--markdown").stdout == page.read_text()


def test_schema_and_reference_of_registries_are_as_they_ship(project):
    root = Path(__file__).parents[3]
    schema = json.loads((root / "runner/src/dativo/connectors/registry.schema.json").read_text())
    assert json.loads(project.dativo("schema", "--for", "registry").stdout) == schema
    page = root / "docs" / "connectors.md"
    assert project.dativo("schema", "--for", "registry", "--markdown").stdout == page.read_text()


def test_secrets_are_fetched_only_when_asked_for(project, tree):
    config = {"steps": "${secret:gone#steps}", "api_key": "${secret:there#key}", "seen": "${secret:there#no}"}
    tree("jobs/s.yaml", job("s", source={"connector": "tap-steps", "config": config}))
    project.environ["DATIVO_SECRET__GLOBAL__THERE__json"] = json.dumps({"key": SECRET})
    assert run(project, "validate", "s").returncode == 0
    done = run(project, "validate", "s", "--check-secrets")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("jobs/s.yaml:5:12: no secret gone")
    assert lines[1].startswith("jobs/s.yaml:7:11: ${secret:there#no}: the secret there has no field no")
    assert lines[-1] == "1 job, 2 problems"
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["../x", "größe", ".hidden"])
def test_new_writes_nothing_under_a_name_that_is_none(project, tree, name):
    before = set(project.directory.rglob("*.yaml"))
    done = run(project, "new", name, "--from", "tap-steps", "--to", "target-lines")
    assert done.returncode == 1
    assert done.stderr.startswith(f"dativo: {name!r} cannot be the name of a job: it must be at most 128 of")
    assert set(project.directory.rglob("*.yaml")) == before
