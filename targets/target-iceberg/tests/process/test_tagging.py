"""Snapshots say whose they are, and tags keep the last one of each run."""

import pytest
from target_iceberg.catalogs import open_catalog
from target_iceberg.maintenance.expiry import expire
from target_iceberg.maintenance.settings import MaintenanceSettings
from target_iceberg.settings import Settings

from tests.singer_messages import record, schema, state

TAGGED = {"tag_snapshots": "{pipeline}-{run}", "pipeline": "users", "epoch_max_records": 1}


def tags(table):
    return {name: ref for name, ref in table("users").metadata.refs.items() if name != "main"}


def test_the_last_snapshot_of_a_run_has_its_tag(loaded, table, warehouse, monkeypatch):
    monkeypatch.setenv("DATIVO_JOB", "users-to-lake")
    monkeypatch.setenv("DATIVO_TENANT", "acme")
    loaded(schema(), record(id=1), state(1), record(id=2), state(2), **TAGGED)
    snapshots = table("users").metadata.snapshots
    assert len(snapshots) == 2
    ((name, ref),) = tags(table).items()
    summary = table("users").current_snapshot().summary
    assert name == f"users-{summary['dativo.run']}"
    assert ref.snapshot_id == table("users").current_snapshot().snapshot_id
    assert (ref.snapshot_ref_type, ref.max_ref_age_ms) == ("tag", 30 * 86_400_000)
    for snapshot, rows in zip(snapshots, (1, 1), strict=True):
        said = snapshot.summary
        assert (said["dativo.job"], said["dativo.tenant"]) == ("users-to-lake", "acme")
        assert said["dativo.pipeline"] == "users"
        assert said["dativo.rows"] == str(rows)
        assert said["dativo.state-hash"]
    assert snapshots[0].summary["dativo.state-hash"] != snapshots[1].summary["dativo.state-hash"]

    monkeypatch.delenv("DATIVO_TENANT")
    loaded(schema(), record(id=3), state(3), **TAGGED, tag_max_age_days=0)
    newest = table("users").current_snapshot()
    assert "dativo.tenant" not in newest.summary.additional_properties
    assert tags(table)[f"users-{newest.summary['dativo.run']}"].max_ref_age_ms is None
    assert len(tags(table)) == 2

    # A tag keeps its snapshot from expiry; what no tag names goes.
    catalog = open_catalog({}, str(warehouse), None)
    expire(catalog, ("default", "users"), MaintenanceSettings(snapshot_days=0, snapshots_kept=1))
    kept = {each.snapshot_id for each in table("users").metadata.snapshots}
    assert kept == {each.snapshot_id for each in tags(table).values()}


def test_a_name_without_the_run_moves_on(loaded, table):
    for number in (1, 2):
        loaded(schema(), record(id=number), state(number), tag_snapshots="latest")
        assert tags(table)["latest"].snapshot_id == table("users").current_snapshot().snapshot_id


@pytest.mark.parametrize("name", ["main", "staging", "{job}", "{", "{0}", "{run.secret}"])
def test_names_that_cannot_be_are_refused(name):
    with pytest.raises(ValueError, match="tag_snapshots"):
        Settings(warehouse="lake", branch="staging", tag_snapshots=name)


def test_a_branch_is_not_made_a_tag(loaded, load, table):
    loaded(schema(), record(id=1), branch="audit")
    outcome = load(schema(), record(id=2), tag_snapshots="audit")
    assert outcome.code == 1
    assert "has a branch 'audit', which cannot be a tag" in outcome.stderr
    assert len(table("users").metadata.snapshots) == 1
