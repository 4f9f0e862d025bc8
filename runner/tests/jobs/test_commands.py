"""Commands about jobs, called in this process: which jobs they take, what they print, what they return."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner
from dativo.cli import COMMANDS, cli
from dativo.errors import ProblemsError, RunnerError

SETTINGS_MISSING = {"connector": "tap-quiet", "config": {"password": "p"}}


@pytest.fixture
def call(quiet, monkeypatch):
    """Calls a command; errors of the runner come as they are."""
    for name in ("DATIVO_PROJECT", "DATIVO_REGISTRY"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments):
        done = CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        return done

    return call


@pytest.fixture
def three(quiet):
    """Jobs of two tenants and of none, with tags."""
    quiet.write("dativo.yaml", "version: 1\n")
    quiet.job("jobs/a.yaml", name="a", tags=["daily"])
    quiet.job("jobs/acme/b.yaml", name="b", tenant="acme", tags=["daily", "eu"])
    quiet.job("jobs/beta/c.yaml", name="c", tenant="beta")
    return quiet


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], ["a", "acme/b", "beta/c"]),
        (["b"], ["acme/b"]),
        (["beta/c", "a"], ["beta/c", "a"]),
        (["jobs/acme"], ["acme/b"]),
        (["jobs/*.yaml"], ["a"]),
        (["jobs/a.yaml", "./jobs/../jobs/a.yaml"], ["a"]),
        (["--tag", "daily"], ["a", "acme/b"]),
        (["--tag", "eu", "--tag", "none"], ["acme/b"]),
        (["--tenant", "beta"], ["beta/c"]),
        (["--tag", "daily", "--tenant", "acme"], ["acme/b"]),
    ],
)
def test_which_jobs_are_meant(call, three, arguments, names):
    assert [each["job"] for each in json.loads(call("plan", "--json", *arguments).output)] == names
    count = f"{len(names)} job{'s' * (len(names) > 1)}"
    assert call("validate", *arguments).output == f"{count}, no problems\n"


@pytest.mark.parametrize("command", ["plan", "validate", "schedule"])
def test_jobs_that_nobody_knows(call, three, command):
    with pytest.raises(ProblemsError) as caught:
        call(command, "aa", "jobs/none.yaml")
    assert str(caught.value).splitlines() == [
        "aa: is neither a file nor the name of a job of the project; did you mean 'a'?",
        "jobs/none.yaml: no such file",
    ]
    with pytest.raises(RunnerError, match=r"^none of 3 jobs has the tag x or y and the tenant acme$"):
        call(command, "--tag", "x", "--tag", "y", "--tenant", "acme")


def test_validate_tells_problems_then_warnings_then_how_many(call, three):
    three.job("jobs/a.yaml", name="a", source=SETTINGS_MISSING)
    config = {"host": "h", "password": "p", "prot": 1}
    three.job("jobs/acme/b.yaml", name="b", source={"connector": "tap-quiet", "config": config})
    done = call("validate")
    assert done.return_value == 1
    assert done.output.splitlines() == [
        "jobs/a.yaml:5:5: source.config: 'host' is required",
        "jobs/acme/b.yaml:7:11: WARNING: source.config.prot: the connector does not know this setting; "
        "did you mean 'port'?",
        "3 jobs, 1 problem",
    ]
    assert not three.was_started


def test_a_warning_alone_is_no_failure(call, three):
    config = {"host": "h", "password": "p", "zzzzzz": 1}
    three.job("jobs/a.yaml", name="a", source={"connector": "tap-quiet", "config": config})
    done = call("validate", "a", "--json")
    assert done.return_value == 0
    message = "source.config.zzzzzz: the connector does not know this setting"
    assert json.loads(done.output) == {
        "jobs": 1,
        "problems": [],
        "warnings": [{"file": "jobs/a.yaml", "line": 7, "column": 13, "message": message}],
    }


def test_validate_for_programs_fails_as_well(call, three):
    three.job("jobs/a.yaml", name="a", source=SETTINGS_MISSING)
    done = call("validate", "--json")
    assert done.return_value == 1
    assert [each["line"] for each in json.loads(done.output)["problems"]] == [5]


def test_secrets_are_looked_for_when_that_is_asked(call, three):
    config = {"host": "h", "password": "${secret:gone}"}
    three.job("jobs/a.yaml", name="a", source={"connector": "tap-quiet", "config": config})
    assert call("validate", "a").return_value == 0
    done = call("validate", "a", "--check-secrets")
    assert (done.return_value, done.output.splitlines()) == (
        1,
        ["jobs/a.yaml:6:15: no secret gone (looked in env DATIVO_SECRET__GLOBAL__GONE)", "1 job, 1 problem"],
    )


def test_plans_of_several_jobs_stand_apart(call, three):
    heads = [block.splitlines()[0] for block in call("plan", "a", "b").output.split("\n\n")]
    assert heads == ["a  jobs/a.yaml  [daily]", "acme/b  jobs/acme/b.yaml  [daily, eu]"]


def test_there_is_no_plan_while_any_job_is_wrong(call, three):
    three.job("jobs/a.yaml", name="a", source={"connector": "tap-quit"})
    three.job("jobs/beta/c.yaml", name="b", tenant="acme")
    with pytest.raises(ProblemsError) as caught:
        call("plan")
    assert str(caught.value).splitlines() == [
        "jobs/a.yaml:3:14: source.connector: no tap 'tap-quit' in the registry; did you mean 'tap-quiet'?",
        "jobs/beta/c.yaml:1:7: the name acme/b is already used at jobs/acme/b.yaml:1:7",
    ]


def test_a_project_that_is_named_is_that_of_every_job(call, three):
    three.write("other/dativo.yaml", "version: 1\nregistries: [../connectors.yaml]\n")
    (plan,) = json.loads(call("plan", "--json", "--project", "other", "jobs/a.yaml").output)
    assert (plan["project"], plan["state"]["place"][:14]) == ("other/dativo.yaml", "other/.dativo/")


def test_a_registry_of_ones_own(call, three):
    (three.directory / "connectors.yaml").rename(three.directory / "mine.yaml")
    with pytest.raises(ProblemsError, match="no tap 'tap-quiet' in the registry"):
        call("plan", "a")
    assert call("plan", "a", "--registry", "mine.yaml").output.startswith("a  jobs/a.yaml")


def test_what_is_new_says_what_to_do_next(call, three):
    done = call("new", "orders", "--from", "tap-quiet", "--to", "target-quiet", "--tenant", "acme")
    assert done.output.splitlines() == [
        "jobs/acme/orders.yaml is written",
        "  to fill in: source.config.host, target.config.path",
        "  secrets to give: ${secret:quiet#password}",
        "  then: dativo validate jobs/acme/orders.yaml",
    ]
    listed = (three.directory / "connectors.yaml").read_text()
    three.write(
        "connectors.yaml", listed.replace("name: tap-plain\n", "name: tap-plain\n  settings: no.json\n")
    )
    three.write("no.json", "{}")
    done = call("new", "plain.yaml", "--from", "tap-plain", "--to", "target-quiet")
    assert done.output.splitlines()[1:] == [
        "  to fill in: target.config.path",
        "  then: dativo validate plain.yaml",
    ]


@pytest.mark.parametrize("arguments", [["--from", "tap-quiet"], ["--to", "target-quiet"]])
def test_what_is_new_goes_from_somewhere_to_somewhere(call, arguments):
    with pytest.raises(click.MissingParameter):
        call("new", "orders", *arguments)


def test_only_jobs_with_a_schedule_are_in_the_timetable(call, three):
    three.job("jobs/a.yaml", name="a", schedule={"cron": "5 4 * * mon", "timezone": "Europe/Vienna"})
    table = call("schedule").output.splitlines()
    assert table[1] == "CRON_TZ=Europe/Vienna"
    assert table[2].startswith("5 4 * * mon /")
    assert table[2].endswith(f"/dativo run {three.directory}/jobs/a.yaml")
    assert len(table) == 3
    (found,) = json.loads(call("schedule", "--format", "json").output)
    assert (found["job"], found["timezone"], found["retry_exit_codes"]) == ("a", "Europe/Vienna", [75])
    assert json.loads(call("schedule", "--format", "json", "b").output) == []


@pytest.mark.parametrize("subject", ["job", "project", "registry"])
def test_schemas_are_schemas_and_references_are_pages(call, subject):
    from jsonschema import Draft202012Validator

    schema = json.loads(call("schema", "--for", subject).output)
    Draft202012Validator.check_schema(schema)
    page = call("schema", "--for", subject, "--markdown").output
    for name in schema["properties"]:
        assert f"`{name}`" in page


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_it_is_said_to_be(call, name):
    with click.Context(cli) as context:
        command = cli.get_command(context, name)
    assert command is not None
    assert command.name == name
    assert command.help


def test_a_command_that_there_is_not(call):
    with click.Context(cli) as context:
        assert cli.get_command(context, "walk") is None
        assert cli.list_commands(context) == sorted(COMMANDS)
    with pytest.raises(click.UsageError):
        call("walk")
