"""What a job has when its project, its tenant and the command line have had their say."""

from __future__ import annotations

import pytest
from dativo.errors import ProblemsError
from dativo.jobs.effective import Overrides, effective
from dativo.jobs.format import Notification
from dativo.jobs.limits import HOPELESS
from dativo.jobs.located import load_yaml
from dativo.jobs.project import find_project
from dativo.jobs.quantities import Bytes, Duration

JOB = "name: users\ntenant: acme\nsource: {connector: tap-csv}\ntarget: {connector: target-parquet}\n"


@pytest.fixture
def merged(tmp_path):
    def merged(job, project="version: 1\n", overrides=None, problems=None):
        found = [] if problems is None else problems
        (tmp_path / "dativo.yaml").write_text(project)
        (tmp_path / "job.yaml").write_text(job)
        document = load_yaml(tmp_path / "job.yaml", found)
        result = effective(document, find_project(tmp_path, {}), overrides or Overrides(), found)
        if problems is None:
            assert found == []
        return result

    return merged


def test_what_is_built_in_holds_where_nobody_says_anything(merged):
    job = merged(JOB)
    assert job.retries.attempts == 3
    assert job.retries.never == HOPELESS
    assert job.source.limits == job.limits
    assert job.limits.memory is None
    assert job.source.sandbox == "none"


def test_each_layer_goes_over_the_one_before_key_by_key(merged):
    project = """\
version: 1
state: {store: "s3://all/x", history: 9}
defaults:
  limits: {memory: 1GiB, processes: 10, open_files: 100}
  retries: {attempts: 7}
  sandbox: strict
tenants:
  acme:
    defaults: {limits: {processes: 20, open_files: 200}}
    state: {store: "s3://acme/x"}
  other:
    defaults: {limits: {memory: 5GiB}}
"""
    job = merged(JOB + "limits: {open_files: 300}\ntimeouts: {idle: 1m}\n", project)
    assert (job.limits.memory, job.limits.processes, job.limits.open_files) == (Bytes(1 << 30), 20, 300)
    assert job.retries.attempts == 7
    assert job.timeouts.idle == Duration(60)
    assert job.sandbox == job.source.sandbox == job.target.sandbox == "strict"
    assert (job.state.store, job.state.history) == ("s3://acme/x", 9)
    alone = merged(JOB.replace("tenant: acme\n", ""), project)
    assert (alone.limits.processes, alone.state.store) == (10, "s3://all/x")


def test_a_connector_goes_over_its_job(merged):
    text = JOB.replace("{connector: tap-csv}", "{connector: tap-csv, limits: {memory: 2GiB}, sandbox: none}")
    text += "mappers: [{connector: m, limits: {disk: 1MB}}]\n"
    text += "limits: {memory: 1GiB, processes: 5}\nsandbox: strict\n"
    job = merged(text)
    assert (job.source.limits.memory, job.source.limits.processes) == (Bytes(2 << 30), 5)
    assert (job.source.sandbox, job.target.sandbox) == ("none", "strict")
    assert job.target.limits.memory == job.mappers[0].limits.memory == Bytes(1 << 30)
    assert job.mappers[0].limits.disk == 1_000_000


def test_the_command_line_goes_over_everything(merged):
    job = merged(JOB.replace("tap-csv}", "tap-csv, select: [a]}"), overrides=Overrides(select=("b.*",)))
    assert job.source.select == ("b.*",)


def test_a_list_of_the_job_takes_the_place_of_the_default(merged):
    project = "version: 1\ndefaults: {notifications: [{webhook: 'https://a'}, {webhook: 'https://b'}]}\n"
    assert [each.webhook for each in merged(JOB, project).notifications] == ["https://a", "https://b"]
    text = JOB + "notifications: [{webhook: 'https://c', on: [success]}]\n"
    assert merged(text, project).notifications == (Notification("https://c", ("success",)),)


MOST = """\
version: 1
tenants: {acme: {max_limits: {memory: 1GiB, disk: 1MB}}}
defaults: {limits: {memory: 8GiB}}
"""


def test_max_limits_cap_what_nobody_asked_for(merged):
    job = merged(JOB, MOST)
    assert (job.limits.memory, job.source.limits.memory, job.target.limits.disk) == (
        1 << 30,
        1 << 30,
        1_000_000,
    )
    assert merged(JOB.replace("acme", "other"), MOST).limits.memory == 8 << 30
    assert merged(JOB + "limits: {memory: 5MiB}\n", MOST).source.limits.memory == 5 << 20


def test_asking_for_more_than_max_limits_is_a_problem_of_the_job(merged):
    problems = []
    text = JOB.replace("tap-csv}", "tap-csv, limits: {disk: 2MB}}") + "limits: {memory: 2GiB}\n"
    assert merged(text, MOST, problems=problems) is None
    assert [str(each).rsplit("job.yaml:", 1)[1] for each in problems] == [
        "3:45: 'source.limits.disk' is more than the 976.6 KiB that max_limits of the tenant allows",
        "5:18: 'limits.memory' is more than the 1 GiB that max_limits of the tenant allows",
    ]


def test_a_problem_stands_once_whoever_inherits_it(merged):
    problems = []
    assert merged(JOB + "limits: {memory: x, disc: 1}\n", problems=problems) is None
    assert [problem.message for problem in problems] == [
        "'limits.disc' is not known; did you mean 'disk'?",
        "'limits.memory' must be an amount such as 512MiB or 2GB",
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("source: {connector: tap-csv}", "source: 5", "3:9: 'source' must be a mapping, not a number"),
        ("tenant: acme", "sandbox: tight", "2:10: 'sandbox' must be none or strict"),
    ],
)
def test_a_job_of_another_form_is_no_job(merged, before, after, said):
    problems = []
    assert merged(JOB.replace(before, after), problems=problems) is None
    assert [str(each).rsplit("job.yaml:", 1)[1] for each in problems] == [said]


@pytest.mark.parametrize("text", ["- a\n", "just a text\n", "5\n"])
def test_what_is_no_mapping_at_all_is_said_whatever_the_defaults(merged, text):
    problems = []
    project = "version: 1\ndefaults: {retries: {attempts: 7}}\nstate: {history: 3}\n"
    assert merged(text, project, problems=problems) is None
    (problem,) = problems
    assert str(problem.place).endswith("job.yaml:1:1")


def test_a_tenant_that_is_no_text_has_no_defaults(merged):
    problems = []
    project = "version: 1\ntenants: {acme: {defaults: {retries: {attempts: x}}}}\n"
    with pytest.raises(ProblemsError, match=r"dativo\.yaml:2:\d+: .*attempts"):
        merged(JOB, project, problems=problems)
    assert merged(JOB.replace("acme", "[acme]"), problems=problems) is None
    assert [each.message.split(" must")[0] for each in problems] == ["'tenant'"]


def test_what_the_command_line_leaves_out_the_job_says(merged):
    text = JOB.replace("tap-csv}", "tap-csv, select: [a, b]}")
    assert merged(text, overrides=Overrides(suffix="blue")).source.select == ("a", "b")
    assert merged(text, overrides=Overrides(select=("c",))).source.select == ("c",)


def test_a_limit_on_its_bound_is_allowed(merged):
    assert merged(JOB + "limits: {memory: 1GiB, disk: 1MB}\n", MOST).limits.memory == 1 << 30


def test_every_side_beyond_max_limits_is_told_where_it_stands(merged):
    problems = []
    text = JOB.replace("target-parquet}", "target-parquet, limits: {memory: 3GiB}}")
    text += "mappers:\n  - {connector: m}\n  - {connector: m, limits: {disk: 2GB}}\n"
    assert merged(text, MOST, problems=problems) is None
    assert [str(each).rsplit("job.yaml:", 1)[1] for each in problems] == [
        "7:35: 'mappers.1.limits.disk' is more than the 976.6 KiB that max_limits of the tenant allows",
        "4:54: 'target.limits.memory' is more than the 1 GiB that max_limits of the tenant allows",
    ]


def test_a_job_that_asks_for_more_tells_of_itself_alone(merged):
    """Its connectors inherit the limit, and are not to blame for it."""
    problems = []
    assert merged(JOB + "limits: {memory: 2GiB}\n", MOST, problems=problems) is None
    assert [each.message.split(" is ")[0] for each in problems] == ["'limits.memory'"]


def test_a_mappers_sandbox_is_its_own_or_that_of_the_job(merged):
    text = JOB + "sandbox: strict\nmappers: [{connector: m, sandbox: none}, {connector: n}]\n"
    assert [each.sandbox for each in merged(text).mappers] == ["none", "strict"]
