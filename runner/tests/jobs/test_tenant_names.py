"""Two tenants whose secrets would be one in the environment are not run beside each other."""

from __future__ import annotations

import pytest
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.errors import ProblemsError
from dativo.jobs.ready import load_jobs
from dativo.jobs.tenant_names import in_variables

JOB = """\
name: users
tenant: {tenant}
source: {{connector: tap-steps, config: {{steps: []}}}}
target: {{connector: target-lines}}
"""


@pytest.fixture
def load(project):
    def load(*tenants):
        paths = [project.directory / f"job-{index}.yaml" for index in range(len(tenants))]
        for path, tenant in zip(paths, tenants, strict=True):
            path.write_text(JOB.format(tenant=tenant))
        return load_jobs(paths, load_registry([built_in_registry(), project.registry]), {})

    return load


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("acme", "ACME"), ("acme-eu", "ACME_EU"), ("acme.eu", "ACME_EU"), ("a_b", "A_B"), ("A1", "A1")],
)
def test_a_name_in_a_variable(name, spelled):
    assert in_variables(name) == spelled


@pytest.mark.parametrize(("one", "other"), [("a-b", "a_b"), ("a-b", "a.b"), ("acme", "ACME")])
def test_two_jobs_of_such_tenants_are_refused(load, one, other):
    with pytest.raises(ProblemsError) as caught:
        load(one, other)
    (problem,) = caught.value.problems
    spelled = in_variables(one)
    assert str(problem).endswith(
        f"job-1.yaml:2:9: tenant: the tenants {one} and {other} would share their secrets "
        f"(DATIVO_SECRET__{spelled}__…): give one another name"
    )


def test_a_tenant_of_the_project_counts_too(load, project):
    (project.directory / "dativo.yaml").write_text("version: 1\ntenants: {acme-eu: {}}\n")
    with pytest.raises(ProblemsError, match="the tenants acme-eu and acme_eu would share their secrets"):
        load("acme_eu")
    assert [ready.job.tenant for ready in load("acme-eu")] == ["acme-eu"]


def test_others_stand_side_by_side(load):
    with pytest.raises(ProblemsError, match="is already used"):
        load("acme", "acme")
    assert len(load("acme", "beta")) == 2
