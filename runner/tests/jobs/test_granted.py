"""What the runner logs in with is no tenant's, unless the project says so."""

from __future__ import annotations

import pytest
from dativo.errors import ProblemsError

ENVIRON = {"VAULT_TOKEN": "s3cret", "AWS_PROFILE": "prod", "DATABASE_URL": "postgres://"}
WHY = "which dativo itself may log in with, for every tenant: list it in tenants.acme.env"


@pytest.fixture
def load(quiet):
    def load(tenant="acme", *, password="p", granted=None, **sides):
        if granted is not None:
            quiet.write("dativo.yaml", f"version: 1\ntenants: {{acme: {{env: {granted}}}}}\n")
        source = {"connector": "tap-quiet", "config": {"host": "h", "password": password}, **sides}
        return quiet.ready(quiet.job(source=source, **({"tenant": tenant} if tenant else {})), ENVIRON)

    return load


def said(load, **given):
    with pytest.raises(ProblemsError) as caught:
        load(**given)
    return [problem.message for problem in caught.value.problems]


@pytest.mark.parametrize("name", ["VAULT_TOKEN", "AWS_PROFILE"])
def test_the_job_of_a_tenant_takes_none_into_its_settings(load, name):
    assert said(load, password=f"x-${{{name}}}") == [f"${{{name}}} is a variable {WHY}"]


@pytest.mark.parametrize(
    "name",
    [
        *("VAULT_ADDR", "BAO_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS", "AWS_SECRET_ACCESS_KEY"),
        *("GOOGLE_APPLICATION_CREDENTIALS", "GCLOUD_PROJECT", "CLOUDSDK_CONFIG", "AZURE_CLIENT_SECRET"),
    ],
)
def test_nor_hands_them_on_by_name(load, name):
    assert said(load, env=["DATABASE_URL", name]) == [f"source.env: {name} is a variable {WHY}"]


def test_every_connector_of_it_is_looked_at_and_each_place_is_told(quiet):
    own = {"connector": "target-quiet", "config": {"path": "p"}, "env": ["VAULT_TOKEN"]}
    file = quiet.job(tenant="acme", target=own, mappers=[{"connector": "mapper-plain", "env": ["BAO_TOKEN"]}])
    with pytest.raises(ProblemsError) as caught:
        quiet.ready(file, ENVIRON)
    told = {problem.message.partition(":")[0]: problem.place for problem in caught.value.problems}
    assert set(told) == {"mappers.0.env", "target.env"}
    lines = file.read_text().splitlines()
    assert "BAO_TOKEN" in lines[told["mappers.0.env"].line - 1]
    assert "VAULT_TOKEN" in lines[told["target.env"].line - 1]


def test_what_the_project_grants_is_handed_on(load):
    ready = load(password="${VAULT_TOKEN}", env=["AWS_PROFILE"], granted=["VAULT_TOKEN", "AWS_PROFILE"])
    assert ready.job.source.config["password"] == "s3cret"
    assert ready.job.source.env == ("AWS_PROFILE",)
    assert len(said(load, password="${VAULT_TOKEN}", granted=["AWS_PROFILE"])) == 1


def test_other_variables_and_jobs_without_a_tenant_are_free(load):
    assert load(password="${DATABASE_URL}", env=["DATABASE_URL"]).job.tenant == "acme"
    assert load(None, password="${VAULT_TOKEN}", env=["AWS_PROFILE"]).job.tenant is None


def test_a_default_takes_nothing(load):
    assert load(password="${AWS_SESSION_TOKEN:-none}").job.source.config["password"] == "none"
