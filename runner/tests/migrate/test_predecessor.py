"""Jobs of dativo-ingest, with recipes and assets where the container had them, and what becomes of them."""

from __future__ import annotations

import json

import pytest
import yaml
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.errors import ProblemsError
from dativo.jobs.format import Job
from dativo.jobs.located import load_yaml
from dativo.jobs.typed import read_dataclass
from dativo.migrate.everything import migrate

FILES = {
    "connectors/csv.yaml": """\
name: csv
type: csv
roles: [source, target]
default_engine: {type: native, options: {native: {chunk_size: 10000, encoding: latin-1, delimiter: ";"}}}
credentials: {type: none}
incremental: {strategy: file_modified_time, lookback_days_default: 0}
""",
    "connectors/postgres.yaml": """\
name: postgres
type: postgres
roles: [source]
default_engine: {type: meltano, options: {}}
credentials: {type: basic, file_template: "/secrets/{tenant}/postgres.env"}
connection_template: {host: "${PGHOST}", port: "${PGPORT}"}
incremental: {strategy: cursor_field, cursor_field_default: updated_at}
""",
    "connectors/s3.yaml": "name: s3\ntype: s3\nroles: [target]\n",
    "assets/csv/v1.0/employee.yaml": """\
name: employee
version: "1.0"
domain: hr
dataProduct: people
description: {purpose: Who works here}
tags: [hr, "two words"]
schema: [{name: id, type: integer, required: true}]
team: {owner: hr@example.com}
""",
    "assets/postgres/v1.0/orders.yaml": "asset: {name: db_orders, domain: sales}\ngovernance: {owner: x}\n",
    "data/employee.csv": "id\n1\n",
    "jobs/acme/employee.yaml": """\
tenant_id: acme
environment: prod
source_connector: csv
source_connector_path: /app/connectors/csv.yaml
target_connector: s3
target_connector_path: /app/connectors/s3.yaml
asset: employee
asset_path: /app/assets/csv/v1.0/employee.yaml
source:
  files: [{path: data/employee.csv, object: employee}, {path: /abs/x.csv}]
target: {connection: {s3: {bucket: "${BUCKET}", prefix: raw}}}
retry_config: {max_retries: 2, initial_delay_seconds: 7, backoff_multiplier: 3.0}
schema_validation_mode: warn
finops: {cost_center: x}
""",
    "jobs/acme/orders.yaml": """\
tenant_id: acme
source_connector_path: connectors/postgres.yaml
target_connector_path: ${CONNECTORS:-connectors}/s3.yaml
asset_path: assets/postgres/v1.0/orders.yaml
source:
  tables: [{name: public.orders, object: db_orders, cursor_field: changed}, {name: public.items}]
  incremental: {lookback_days: 1}
  connection: {postgres: {host: db, password: pl4nted, database: shop}}
target: {connection: {bucket: lake}}
""",
    ".local/state/acme/postgres.db_orders.state.json": json.dumps(
        {
            "db_orders.changed": {"last_value": "2026-01-01", "updated_at": "x"},
            "file_7": {"last_modified": "y"},
        }
    ),
}


@pytest.fixture
def old(tmp_path):
    root = tmp_path / "old"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def run(old, tmp_path):
    def run(*names, **options):
        paths = [old / name for name in names] or [old]
        return migrate(paths, tmp_path / "new", load_registry([built_in_registry()]), **options)

    return run


def document(migration, name):
    (text,) = (text for path, text in migration.files.items() if str(path).endswith(name))
    return yaml.safe_load(text)


def test_a_job_takes_up_its_recipes_and_its_asset(run, tmp_path):
    migration = run("jobs/acme/employee.yaml")
    assert document(migration, "jobs/acme/employee.yaml") == {
        "name": "employee",
        "tenant": "acme",
        "description": "Who works here",
        "tags": ["hr"],
        "source": {
            "connector": "tap-csv",
            "config": {
                "files": [
                    {
                        "entity": "employee",
                        "path": "../../../old/data/employee.csv",
                        "keys": [],
                        "incremental_by": "file_mtime",
                        "delimiter": ";",
                        "encoding": "latin-1",
                    },
                    {
                        "entity": "x",
                        "path": "/abs/x.csv",
                        "keys": [],
                        "incremental_by": "file_mtime",
                        "delimiter": ";",
                        "encoding": "latin-1",
                    },
                ]
            },
        },
        "target": {
            "connector": "target-parquet",
            "config": {"destination_path": "s3://${BUCKET}/acme/raw/hr/people"},
        },
        "retries": {"attempts": 3, "delay": 7, "factor": 3.0},
    }
    assert document(migration, "new/dativo.yaml") == {"version": 1, "jobs": ["jobs/**/*.yaml"]}
    assert document(migration, "assets/employee.yaml")["team"] == {"owner": "hr@example.com"}


def test_tables_become_streams_with_their_cursors(run):
    source = document(run("jobs/acme/orders.yaml"), "jobs/acme/db_orders.yaml")["source"]
    assert source == {
        "connector": "tap-postgres",
        "config": {
            "user": "${PGUSER}",
            "password": "${secret:postgres#password}",
            "host": "db",
            "port": "${PGPORT}",
            "database": "shop",
        },
        "select": ["public-orders.*", "public-items.*"],
        "metadata": {
            "public-orders": {"replication-method": "INCREMENTAL", "replication-key": "changed"},
            "public-items": {"replication-method": "INCREMENTAL", "replication-key": "updated_at"},
        },
    }


def test_what_is_made_can_be_read_and_holds_no_secret(run):
    migration = run()
    jobs = {path: text for path, text in migration.files.items() if "jobs" in path.parts}
    assert len(jobs) == 2
    for path, text in jobs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        problems = []
        assert read_dataclass(Job, load_yaml(path, problems), problems), problems
    assert "pl4nted" not in "".join([*migration.files.values(), *map(str, migration.notes)])


@pytest.mark.parametrize(
    "note",
    [
        "employee.yaml:13:1: BY HAND: 'schema_validation_mode' has no counterpart yet and",
        "employee.yaml:14:1: BY HAND: 'finops' has no counterpart yet",
        "orders.yaml:7:16: BY HAND: 'lookback_days' is not carried over",
        "assets/employee.yaml; schema, quality and governance of it are not enforced yet",
        "source: the value of 'password' is not written: give the secret 'postgres'",
    ],
)
def test_what_is_not_carried_over_is_said(run, note):
    notes = [str(each) for each in run().notes]
    assert any(note in each for each in notes), notes


def test_the_state_becomes_bookmarks_of_streams(run):
    migration = run("jobs/acme/orders.yaml", states=True)
    (state,) = migration.states
    assert state.job == "acme/db_orders"
    assert json.loads(state.text) == {
        "bookmarks": {"public-orders": {"replication_key": "changed", "replication_key_value": "2026-01-01"}}
    }
    assert any("'file_7' is of no use" in str(note) for note in migration.notes)
    assert run("jobs/acme/employee.yaml", states=True).states == []


def test_a_missing_recipe_is_said_with_its_line(run, old):
    (old / "connectors/csv.yaml").unlink()
    notes = [str(note) for note in run("jobs/acme/employee.yaml").notes]
    assert any(
        "employee.yaml:4:24: BY HAND: source_connector_path: there is no /app" in each for each in notes
    )


def test_a_tenant_that_cannot_be_one(run, old):
    path = old / "jobs/acme/orders.yaml"
    path.write_text(path.read_text().replace("tenant_id: acme", "tenant_id: a/b"))
    with pytest.raises(ProblemsError, match=r"1:12: 'a/b' cannot be a tenant"):
        run("jobs/acme/orders.yaml")


def test_nothing_to_migrate(run):
    with pytest.raises(ProblemsError, match="nor job files of dativo-ingest"):
        run("connectors")
