"""Which job files the arguments of a command mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from dativo.errors import ProblemsError, RunnerError
from dativo.jobs.globs import job_files, only
from dativo.jobs.project import find_project

FILES = {
    "jobs/acme/users.yaml": "name: users\ntenant: acme\ntags: [daily, crm]\n",
    "jobs/beta/users.yaml": "name: users\ntenant: ${T}\n",
    "jobs/other.yaml": "name: other\ntags: [daily]\n",
    "jobs/.hidden.yaml": "name: hidden\n",
    "more/x.yml": "name: x\n",
    "more/notes.txt": "",
}


@pytest.fixture
def found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def found(*arguments):
        return [str(file) for file in job_files(arguments, find_project(tmp_path, {}))]

    return found


ALL = ["jobs/acme/users.yaml", "jobs/beta/users.yaml", "jobs/other.yaml"]


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ([], ALL),
        (["jobs"], ALL),
        (["jobs/*/users.yaml"], ALL[:2]),
        (["jobs/**/*.yaml"], ALL),
        (["jobs/other.yaml"], ALL[2:]),
        (["more"], ["more/x.yml"]),
        (["users"], ALL[:2][:1] + ALL[1:2]),
        (["acme/users"], ALL[:1]),
        (["other", "acme/users", "jobs/other.yaml"], [ALL[2], ALL[0]]),
    ],
)
def test_what_arguments_mean(found, arguments, files):
    assert found(*arguments) == files


def test_a_file_that_is_written_in_two_ways_is_one_job(found):
    absolute = str(Path("jobs/other.yaml").absolute())
    Path("link").symlink_to("jobs", target_is_directory=True)
    several = (
        "jobs/other.yaml",
        "./jobs/../jobs/other.yaml",
        absolute,
        "link/other.yaml",
        "other",
        "jobs/o*",
    )
    assert found(*several) == ["jobs/other.yaml"]


def test_a_link_from_another_directory_is_a_job_of_its_own(found):
    Path("more/other.yaml").symlink_to(Path("jobs/other.yaml").absolute())
    assert found("jobs/other.yaml", "more/other.yaml") == ["jobs/other.yaml", "more/other.yaml"]


@pytest.mark.parametrize(
    ("tags", "tenant", "message"),
    [
        (["weekly"], None, "none of 3 jobs has the tag weekly"),
        (["weekly", "dialy"], "acme", "none of 3 jobs has the tag weekly or dialy and the tenant acme"),
        ([], "akme", "none of 3 jobs has the tenant akme"),
    ],
)
def test_that_no_job_is_chosen_is_an_error(found, tags, tenant, message):
    with pytest.raises(RunnerError, match=f"^{message}$"):
        only([Path(file) for file in found()], tags, tenant, {"T": "beta"})


def test_only_names_that_are_texts_are_proposed(found):
    Path("jobs/wrong.yaml").write_text("name: [x]\n")
    Path("jobs/twice.yaml").write_text("name: other\n")
    with pytest.raises(ProblemsError, match=r"jobs here: acme/users, .*/users, other$"):
        found("zzz")


def test_a_file_wins_over_a_job_of_its_name(found):
    Path("other").write_text("name: x\n")
    assert found("other") == ["other"]


def test_absolute_patterns(found, tmp_path):
    assert found(f"{tmp_path}/jobs/*.yaml") == [f"{tmp_path}/jobs/other.yaml"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("none.yaml", "none.yaml: no such file"),
        ("jobs/x*", "jobs/x*: no such file"),
        ("oter", "oter: is neither a file nor the name of a job of the project; did you mean 'other'?"),
        ("zzz", "; jobs here: acme/users, ${T}/users, other"),
    ],
)
def test_what_means_nothing_is_a_problem(found, argument, message):
    with pytest.raises(ProblemsError) as caught:
        found("jobs/other.yaml", argument)
    (problem,) = caught.value.problems
    assert message in str(problem)


def test_a_project_without_jobs_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProblemsError, match=r"holds no jobs \(jobs/\*\*/\*\.yaml\)"):
        job_files((), find_project(tmp_path, {}))


@pytest.mark.parametrize(
    ("tags", "tenant", "files"),
    [
        (["daily"], None, [ALL[0], ALL[2]]),
        (["crm", "none"], None, ALL[:1]),
        ([], "beta", ALL[1:2]),
        (["daily"], "acme", ALL[:1]),
    ],
)
def test_tags_and_tenant(found, tags, tenant, files):
    chosen = only([Path(file) for file in found()], tags, tenant, {"T": "beta"})
    assert [str(file) for file in chosen] == files


def test_a_file_that_cannot_be_read_stays_to_be_complained_of(found, tmp_path):
    Path("jobs/broken.yaml").write_text("name: [")
    assert only([Path("jobs/broken.yaml")], ["daily"], "acme", {}) == (Path("jobs/broken.yaml"),)
