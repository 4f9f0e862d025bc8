"""A Meltano project with most of what projects have, and what becomes of it."""

from __future__ import annotations

import json
import pickle
import sqlite3

import pytest
import yaml
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.errors import ProblemsError
from dativo.jobs.format import Job
from dativo.jobs.located import load_yaml
from dativo.jobs.references import Variables
from dativo.jobs.typed import read_dataclass
from dativo.migrate.everything import migrate

SECRET = "pl4nted"
MELTANO = """\
version: 1
default_environment: dev
project_id: p
state_backend: {uri: s3://states}
env: {BUCKET: data, WHOLE: "$BUCKET/x"}
environments:
- name: dev
  config:
    plugins:
      extractors:
      - name: tap-one
        config: {path: dev.jsonl}
        select: ["a.*"]
  env: {STAGE: "1"}
- name: prod
  state_id_suffix: blue
plugins:
  extractors:
  - name: tap-one
    inherit_from: tap-jsonl
    config:
      path: "${FOO}.jsonl"
      port: $PORT
      strict: ${STRICT}
      auth.user: etl
      auth.password: pl4nted
      whole: $WHOLE/$MELTANO_ENVIRONMENT
      file: $MELTANO_PROJECT_ROOT/in
      odd: "a ${b c} d"
      _load_schema: raw_$STAGE
      from_variable: $SOME_TOKEN
    metadata: {"*": {replication-method: FULL_TABLE}}
    schema: {a: {b: {type: string}}}
  - name: tap-jsonl
    namespace: tap_jsonl
    pip_url: tap-jsonl~=0.3
    executable: tap-jsonl-program
    capabilities: [catalog, discover, state]
    settings:
    - {name: port, kind: integer, value: 5432}
    - {name: strict, kind: boolean}
    - {name: from_variable, kind: password}
    - {name: limit, value: 10}
    colour: red
  - name: tap-csv
    variant: meltanolabs
    pip_url: git+https://github.com/MeltanoLabs/tap-csv.git@v1
  loaders:
  - name: target-lines
    pip_url: target-lines==2.1.0
    settings: [{name: api_key, sensitive: true}]
    config: {schema: "${MELTANO_EXTRACT__LOAD_SCHEMA}", api_key: pl4nted}
  mappers:
  - name: meltano-map-transform
    pip_url: meltano-map-transform
    config: {shared: 1}
    mappings:
    - {name: hash, config: {stream_maps: {a: {b: md5(b)}}}}
  utilities:
  - {name: dbt}
jobs:
- name: daily
  tasks: [tap-one hash target-lines, ["tap-one target-lines", "dbt:run", "tap-gone target-lines"]]
- name: other
  tasks: tap-csv target-lines
schedules:
- {name: nightly, interval: '@daily', job: daily}
- {name: legacy, interval: '5 4 * * *', extractor: tap-csv, loader: target-lines, env: {A: b}}
"""


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    (root / "meltano.yml").write_text(MELTANO)
    return root


def run(root, to=None, **options):
    return migrate([root], to or root, load_registry([built_in_registry()]), **options)


def documents(migration):
    """File name → what stands in it; `!!int` and the like as they are written."""

    class Loader(yaml.SafeLoader):
        pass

    for kind in ("int", "bool"):
        Loader.add_constructor(
            f"tag:yaml.org,2002:{kind}", lambda loader, node: loader.construct_scalar(node)
        )
    return {path.name: yaml.load(text, Loader) for path, text in migration.files.items()}


@pytest.fixture
def notes(project):
    return [str(note) for note in run(project).notes]


def test_every_pair_of_a_task_becomes_a_job(project):
    found = documents(run(project))
    assert sorted(found) == [
        "connectors.yaml",
        "dativo.yaml",
        "tap-csv-to-target-lines.job.yaml",
        "tap-one-hash-to-target-lines.job.yaml",
        "tap-one-to-target-lines.job.yaml",
    ]
    assert found["dativo.yaml"] == {"version": "1", "jobs": ["*.job.yaml"]}
    job = found["tap-one-hash-to-target-lines.job.yaml"]
    assert job["mappers"] == [
        {
            "connector": "meltano-map-transform",
            "config": {"shared": "1", "stream_maps": {"a": {"b": "md5(b)"}}},
        }
    ]
    assert job["tags"] == ["daily"]
    assert job["schedule"] == {"cron": "@daily"}
    assert found["tap-csv-to-target-lines.job.yaml"]["schedule"] == {"cron": "5 4 * * *"}


def test_all_layers_of_a_configuration_are_one(project):
    job = documents(run(project))["tap-one-to-target-lines.job.yaml"]
    assert job["source"] == {
        "connector": "tap-jsonl",
        "config": {
            "port": "${PORT}",
            "limit": "10",
            "path": "dev.jsonl",
            "strict": "${STRICT}",
            "auth": {"user": "etl", "password": "${secret:one#auth_password}"},
            "whole": "data/x/dev",
            "file": "./in",
            "odd": "a $${b c} d",
            "from_variable": "${SOME_TOKEN}",
        },
        "select": ["a.*"],
        "metadata": {"*": {"replication-method": "FULL_TABLE"}},
        "schema": {"a": {"b": {"type": "string"}}},
    }
    assert job["target"]["config"] == {"schema": "raw_1", "api_key": "${secret:lines#api_key}"}


def test_a_variable_keeps_the_type_of_its_setting(project):
    text = run(project).files[project / "tap-one-to-target-lines.job.yaml"]
    assert 'port: !!int "${PORT}"\n' in text
    assert 'strict: !!bool "${STRICT}"\n' in text


def with_filter(project, *patterns):
    (project / "meltano.yml").write_text(
        MELTANO.replace("    colour: red\n", f"    colour: red\n    select_filter: {json.dumps(patterns)}\n")
    )
    migration = run(project, environment="prod")
    job = documents(migration)["tap-one-to-target-lines.job.yaml"]
    return job["source"]["select"], [str(note) for note in migration.notes]


def test_a_filter_of_streams_goes_into_the_selection(project):
    select, notes = with_filter(project, "orders", "!orders_old")
    assert select == ["orders.*", "!orders_old.*"]
    assert not any("select_filter" in note for note in notes)


def test_a_filter_that_no_pattern_can_say_is_for_people(project):
    text = MELTANO.replace('select: ["a.*"]', 'select: ["order*.*"]')
    text = text.replace("    colour: red\n", '    select_filter: ["*s"]\n')
    (project / "meltano.yml").write_text(text)
    migration = run(project)
    job = documents(migration)["tap-one-to-target-lines.job.yaml"]
    assert job["source"]["select"] == ["order*.*"]
    [note] = [str(note) for note in migration.notes if "select_filter" in str(note)]
    assert "BY HAND" in note
    assert "['*s']: keep in 'select' only streams that it names" in note


def test_a_filter_that_leaves_nothing_is_said(project):
    text = MELTANO.replace("    colour: red\n", '    select_filter: ["other"]\n')
    (project / "meltano.yml").write_text(text)
    notes = [str(note) for note in run(project).notes]
    assert any("select_filter ['other'] leaves no stream" in note for note in notes)


def test_included_files_add_plugins_jobs_and_schedules(project):
    (project / "meltano.yml").write_text(f"{MELTANO}include_paths: [more/*.yml, missing.yml]\n")
    more = project / "more"
    more.mkdir()
    (more / "a.yml").write_text(
        "plugins:\n"
        "  extractors:\n"
        "  - {name: tap-more, pip_url: tap-more==1.0, capabilities: [catalog, discover]}\n"
        "  orchestrators:\n"
        "  - {name: airflow}\n"
        "jobs:\n"
        "- {name: extra, tasks: [tap-more target-lines]}\n"
        "schedules:\n"
        "- {name: extra-nightly, interval: '@hourly', job: extra}\n"
        "env: {IGNORED: 1}\n"
    )
    migration = run(project)
    job = documents(migration)["tap-more-to-target-lines.job.yaml"]
    assert job["tags"] == ["extra"]
    assert job["schedule"] == {"cron": "@hourly"}
    assert "tap-one-to-target-lines.job.yaml" in documents(migration)
    notes = [str(note) for note in migration.notes]
    assert any(f"{more / 'a.yml'}:10:1: BY HAND: 'env' is not carried over" in note for note in notes)
    assert any("plugins.orchestrators have no counterpart here" in note for note in notes)


def test_an_included_file_without_a_mapping_is_a_problem(project):
    (project / "meltano.yml").write_text(f"{MELTANO}include_paths: [more.yml]\n")
    (project / "more.yml").write_text("[a, b]\n")
    with pytest.raises(ProblemsError, match=r"more\.yml:1:1: must hold a mapping"):
        run(project)


def test_another_environment(project):
    job = documents(run(project, environment="prod"))["tap-one-to-target-lines.job.yaml"]
    assert job["source"]["config"]["path"] == "${FOO}.jsonl"
    assert job["source"]["config"]["whole"] == "data/x/prod"
    assert job["source"]["select"] == ["*.*"]
    with pytest.raises(ProblemsError, match="no environment 'test'; there are: dev, prod"):
        run(project, environment="test")


def test_programs_become_entries_of_a_registry(project):
    found = {each["name"]: each for each in documents(run(project))["connectors.yaml"]["connectors"]}
    assert sorted(found) == ["meltano-map-transform", "tap-csv--meltanolabs", "tap-jsonl", "target-lines"]
    assert found["tap-jsonl"]["executable"] == "tap-jsonl-program"
    assert found["tap-jsonl"]["capabilities"] == ["catalog", "discover", "state"]
    assert found["tap-jsonl"]["secret_settings"] == ["from_variable"]
    assert found["target-lines"]["version"] == "2.1.0"
    assert found["tap-csv--meltanolabs"]["distribution"] == "tap-csv"


def test_what_is_made_can_be_read(project):
    migration = run(project)
    for path, text in migration.files.items():
        path.write_text(text)
    load_registry([built_in_registry(), project / "connectors.yaml"])
    for path in project.glob("*.job.yaml"):
        problems = []
        environ = {"PORT": "1", "STRICT": "true", "SOME_TOKEN": "x"}
        assert read_dataclass(Job, load_yaml(path, problems, Variables(environ)), problems), problems


def test_no_secret_is_written_or_said(project, notes):
    migration = run(project)
    assert SECRET not in "".join([*migration.files.values(), *notes])


@pytest.mark.parametrize(
    "note",
    [
        "meltano.yml:4:1: BY HAND: 'state_backend' is not carried over",
        "meltano.yml:44:5: BY HAND: tap-jsonl: 'colour' is not carried over",
        "BY HAND: plugins.utilities have no counterpart here",
        "BY HAND: 'dbt:run' has no counterpart here: run it after dativo",
        "BY HAND: 'tap-gone' is no plugin of this project",
        "BY HAND: 'target-lines' has no tap before it in its task",
        "nightly: ran one after another, now at one time: tap-one-hash-to-target-lines, tap-one-to",
        "BY HAND: legacy: 'env' of a schedule",
        "tap-csv of Meltano is another program than dativo's, and is called tap-csv--meltanolabs here",
        "BY HAND: tap-csv: add its capabilities",
        "tap-one: the value of 'auth.password' is a secret and is not written: give the secret 'one' "
        "a member 'auth_password' (for instance in DATIVO_SECRET__GLOBAL__ONE__json)",
    ],
)
def test_what_cannot_be_carried_over_is_said(notes, note):
    assert any(note in each for each in notes), notes


def test_relative_paths_are_a_matter_of_the_directory(project, tmp_path):
    assert any("relative paths" in str(note) for note in run(project, tmp_path / "other").notes)
    assert not any("relative paths" in str(note) for note in run(project).notes)


def test_a_file_that_is_there_is_kept(project):
    (project / "dativo.yaml").write_text("version: 1\nhome: mine\n")
    entry = (
        "# mine\nversion: 1\nconnectors:\n  - {name: tap-jsonl, kind: tap, distribution: x, version: '1', "
        "executable: x, description: mine, maturity: beta}\n"
    )
    (project / "connectors.yaml").write_text(entry)
    migration = run(project)
    assert project / "dativo.yaml" not in migration.files
    text = migration.files[project / "connectors.yaml"]
    assert text.startswith(entry)
    names = [each["name"] for each in yaml.safe_load(text)["connectors"]]
    assert sorted(names) == ["meltano-map-transform", "tap-csv--meltanolabs", "tap-jsonl", "target-lines"]


def test_settings_of_a_lock_file_hold_where_only_a_variant_is_named(project):
    text = MELTANO.replace("    pip_url: git+https://github.com/MeltanoLabs/tap-csv.git@v1\n", "")
    (project / "meltano.yml").write_text(text)
    directory = project / "plugins" / "extractors"
    directory.mkdir(parents=True)
    for variant in ("meltanolabs", "other"):
        definition = {
            "plugin_type": "extractors",
            "name": "tap-csv",
            "variant": variant,
            "pip_url": f"{variant}-tap-csv==1.0",
            "capabilities": ["catalog", "discover"],
            "settings": [{"name": "files", "value": []}],
        }
        (directory / f"tap-csv--{variant}.lock").write_text(json.dumps(definition))
    found = documents(run(project))
    entries = {each["name"]: each for each in found["connectors.yaml"]["connectors"]}
    assert entries["tap-csv--meltanolabs"]["distribution"] == "meltanolabs-tap-csv"
    assert found["tap-csv-to-target-lines.job.yaml"]["source"]["select"] == ["*.*"]


def test_variables_of_dotenv_go_over_the_file_and_are_named_only(project):
    (project / ".env").write_text("TAP_ONE_LIMIT=7\nexport TAP_ONE_FROM_VARIABLE=pl4nted\nOTHER=x\n")
    migration = run(project)
    text = migration.files[project / "tap-one-to-target-lines.job.yaml"]
    assert "limit: ${TAP_ONE_LIMIT}" in text
    assert SECRET not in text
    assert any(".env" in str(note) for note in migration.notes)


class Planted:
    """Would write a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def database(project):
    (project / ".meltano").mkdir()
    connection = sqlite3.connect(project / ".meltano" / "meltano.db")
    connection.execute("CREATE TABLE plugin_settings (name, namespace, value BLOB, enabled)")
    connection.execute("CREATE TABLE state (state_id, partial_state, completed_state, updated_at)")
    yield connection
    connection.close()


def test_settings_in_the_database_go_over_the_file_and_nothing_is_unpickled(project, database, tmp_path):
    planted = tmp_path / "planted"
    for name, value in (("path", "db.jsonl"), ("limit", 3), ("strict", Planted(planted))):
        row = (name, "extractors.tap-one.default", pickle.dumps(value), True)
        database.execute("INSERT INTO plugin_settings VALUES (?, ?, ?, ?)", row)
    database.commit()
    migration = run(project)
    config = documents(migration)["tap-one-to-target-lines.job.yaml"]["source"]["config"]
    assert (config["path"], config["limit"]) == ("db.jsonl", "3")
    assert not planted.exists()
    assert any("'strict' is neither a text nor a number" in str(note) for note in migration.notes)


def test_a_state_that_meltano_has_not_moved_into_its_database_yet_is_not_lost(project, database):
    """After a kill the newest state stands in the write-ahead log alone."""
    assert database.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    payload = json.dumps({"singer_state": {"bookmarks": {"a": 7}}})
    database.execute(
        "INSERT INTO state VALUES (?, ?, ?, ?)", ("dev:tap-one-to-target-lines", None, payload, None)
    )
    database.commit()
    found = {state.job: json.loads(state.text) for state in run(project, states=True).states}
    assert found["tap-one-to-target-lines"] == {"bookmarks": {"a": 7}}


def test_states_of_the_database(project, database):
    done = {"singer_state": {"bookmarks": {"a": {"value": 1}, "b": {"value": 1}}}}
    partial = {"singer_state": {"bookmarks": {"a": {"value": 2}}}}
    row = ("dev:tap-one-to-target-lines", json.dumps(partial), json.dumps(done), None)
    database.execute("INSERT INTO state VALUES (?, ?, ?, ?)", row)
    database.commit()
    migration = run(project, states=True)
    found = {state.job: json.loads(state.text) for state in migration.states}
    merged = {"bookmarks": {"a": {"value": 2}, "b": {"value": 1}}}
    assert found == {"tap-one-to-target-lines": merged, "tap-one-hash-to-target-lines": merged}
    assert any("Meltano has no state 'legacy'" in str(note) for note in migration.notes)


def test_states_of_an_export_and_the_suffix_of_an_environment(project, tmp_path):
    export = tmp_path / "export.json"
    state = {"bookmarks": {"a": {"value": 9}}}
    export.write_text(
        json.dumps(
            {"prod:tap-one-to-target-lines:blue": {"completed": {"singer_state": state}, "partial": {}}}
        )
    )
    migration = run(project, states=True, export=export, environment="prod")
    assert {json.dumps(state) for state in [state]} == {state.text for state in migration.states}
    export.write_text("[]")
    with pytest.raises(ProblemsError, match="is not what `meltano state export` writes"):
        run(project, states=True, export=export)


def test_without_states_it_says_how_to_give_them(project):
    with pytest.raises(ProblemsError, match="--state-export"):
        run(project, states=True)


def test_one_tap_and_one_target_need_no_job(tmp_path):
    text = "plugins: {extractors: [{name: tap-a, pip_url: tap-a}], loaders: [{name: target-b, pip_url: b}]}\n"
    (tmp_path / "meltano.yml").write_text(text)
    assert tmp_path / "tap-a-to-target-b.job.yaml" in run(tmp_path).files
    (tmp_path / "meltano.yml").write_text("plugins: {extractors: [{name: tap-a, pip_url: tap-a}]}\n")
    assert run(tmp_path).needs_a_hand


@pytest.mark.parametrize(("text", "message"), [("[]", "must hold a mapping"), ("a: [", "is not valid YAML")])
def test_a_file_that_is_no_project(tmp_path, text, message):
    (tmp_path / "meltano.yml").write_text(text)
    with pytest.raises(ProblemsError, match=message):
        run(tmp_path)
