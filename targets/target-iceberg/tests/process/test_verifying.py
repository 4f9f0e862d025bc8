"""`verify`, branches that are published after it, and what is in quarantine."""

import json

import pyarrow.parquet as pq
import pytest
from dativo_protocol.testing import run
from target_iceberg.commit.change import Change, TableCommit
from target_iceberg.commit.committer import commit_tables

from tests.singer_messages import record, schema, state

AUDIT = {"branch": "audit", "publish": "after_checks"}


@pytest.fixture
def verify(command):
    def check(**raw):
        outcome = run([*command("verify", **raw), "--format", "json"])
        return outcome.code, json.loads(outcome.stdout)["streams"]

    return check


@pytest.fixture
def data_files(warehouse):
    return lambda: sorted((warehouse / "default/users/data").rglob("*.parquet"))


def test_what_was_loaded_is_there(loaded, verify):
    for number in range(3):
        loaded(schema(name="string"), *(record(id=number * 10 + each) for each in range(10)))
    code, (report,) = verify()
    assert code == 0
    assert (report["match"], report["files"], report["rows"], report["unknown"]) == (True, 3, 30, [])


def test_a_file_with_other_rows_is_found(loaded, verify, data_files):
    loaded(schema(), record(id=1), record(id=2))
    (path,) = data_files()
    rows = pq.read_table(path)
    pq.write_table(rows.slice(0, 1), path)
    code, (report,) = verify()
    assert code == 1
    assert report["findings"][0]["problem"] == "changed"


def test_a_file_that_is_gone_is_found(loaded, verify, data_files):
    loaded(schema(), record(id=1))
    data_files()[0].unlink()
    code, (report,) = verify()
    assert code == 1
    assert report["findings"][0]["problem"] == "unreadable"


def test_rows_that_somebody_has_removed_from_the_table_are_missed(loaded, verify, table):
    for number in range(2):
        loaded(schema(), record(id=number))
    users = table("users")
    users.manage_snapshots().rollback_to_snapshot(users.metadata.snapshots[0].snapshot_id).commit()
    code, (report,) = verify()
    assert code == 1
    assert report["findings"][0]["expected"]["rows"] == 2


def test_a_file_that_a_table_names_twice_is_found(loaded, verify, table):
    """Readers see its rows twice, though the file itself is as it was loaded."""
    loaded(schema(), record(id=1), record(id=2))
    users = table("users")
    (task,) = users.scan().plan_files()
    again = TableCommit(("default", "users"), lambda _: Change(add=(task.file,)))
    commit_tables(users.catalog, None, [again])
    assert users.refresh().scan().to_arrow().num_rows == 4
    code, (report,) = verify()
    assert code == 1
    assert (report["findings"][0]["problem"], report["findings"][0]["found"]["rows"]) == ("changed", 4)


def test_rows_that_were_replaced_are_not_missed(loaded, verify):
    for number in range(3):
        loaded(schema(n="integer"), *(record(id=each, n=number) for each in range(10)), load_method="upsert")
    code, (report,) = verify(load_method="upsert")
    assert (code, report["match"]) == (0, True)
    loaded(schema(n="integer"), record(id=1), load_method="overwrite")
    code, (report,) = verify(load_method="overwrite")
    assert (code, report["rows"]) == (0, 1)


def test_a_branch_is_published_when_its_run_has_ended_well(loaded, rows, table):
    for number in range(3):
        loaded(schema(), record(id=number), state(number), **AUDIT)
    assert [row["id"] for row in rows("users")] == [0, 1, 2]
    assert set(table("users").refs()) == {"main", "audit"}


def test_a_branch_waits_for_somebody_else(loaded, table):
    loaded(schema(), record(id=1), branch="audit")
    users = table("users")
    assert users.current_snapshot() is None
    assert users.scan().use_ref("audit").to_arrow().num_rows == 1


def test_a_run_with_too_many_bad_records_publishes_nothing(loaded, load, rows):
    loaded(schema(), record(id=1), **AUDIT)
    tight = {**AUDIT, "on_invalid": "quarantine", "max_invalid": 0}
    every_state = {"epoch_max_bytes": 0, "epoch_max_records": 0, "epoch_max_seconds": 0}
    outcome = load(schema(), record(id=2), state(1), record(id="x"), state(2), **tight, **every_state)
    assert outcome.code == 1
    assert rows("users") == [{"id": 1}]
    loaded(schema(), record(id=3), **AUDIT)  # what was left on the branch comes with the next good run
    assert rows("users") == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_a_branch_whose_main_has_gone_another_way_is_left(loaded, load, rows):
    loaded(schema(), record(id=1), **AUDIT)
    loaded(schema(), record(id=2))
    outcome = load(schema(), record(id=3), **AUDIT)
    assert outcome.code == 1
    assert "is not published" in outcome.stderr
    assert rows("users") == [{"id": 1}, {"id": 2}]


def test_bad_records_are_kept_and_brought_back(loaded, command, warehouse, rows, tmp_path):
    loaded(schema(), record(id=1), record(id="two"), on_invalid="quarantine")
    (kept,) = pq.read_table(warehouse / "_quarantine").to_pylist()
    assert kept["path"] == "/id"
    bad = run(command("replay"))
    repaired = tmp_path / "repaired.singer"
    repaired.write_bytes(bad.stdout.replace(b'"two"', b"2"))
    assert run([*command("replay"), "--input", str(repaired)]).code == 0
    assert rows("users") == [{"id": 1}, {"id": 2}]
    assert run(command("replay")).stdout == b""
