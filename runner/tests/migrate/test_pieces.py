"""What each module of a migration promises by itself: layers, values, YAML, files, the way back, states."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
from pathlib import Path

import pytest
import yaml
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.errors import Place, ProblemsError, RunnerError, StateBusy
from dativo.home import Home
from dativo.jobs.format import StateSettings
from dativo.jobs.project import find_project
from dativo.jobs.schema import SCHEMA_FILE
from dativo.migrate.everything import migrate
from dativo.migrate.files import find_upwards
from dativo.migrate.meltano_project import read_meltano
from dativo.migrate.meltano_settings import connector_config, read_only
from dativo.migrate.migration import Migration, NewState
from dativo.migrate.predecessor import is_predecessor_job
from dativo.migrate.rollback import MANIFEST, changes, diff_lines, roll_back, write_migration
from dativo.migrate.states import store_state
from dativo.migrate.values import converted, deep_merged, holds_password, nested
from dativo.migrate.writing import SCHEMA_LINE, Tagged, yaml_text
from dativo.state.places import job_store
from dativo.state.run_state import held_state
from dativo.state.store import StateKey

PROJECT = """\
default_environment: dev
env: {A: 1, B: project, NOTHING: null}
environments: [{name: dev, env: {B: dev}, state_id_suffix: s}]
plugins:
  extractors:
  - name: tap-a
    namespace: ns
    variant: v
    pip_url: tap-a
    executable: a
    capabilities: [catalog]
    settings: [{name: p, kind: password}, {name: d, value: 0}, {name: e}]
    config: {x: 1, _select: [s.*], _other: kept}
    env: {C: 3}
  loaders:
  - {name: target-a}
  mappers:
  - {name: map-a, mappings: [{name: one, config: {o: 1}}, {name: two}]}
jobs:
- {name: j, tasks: [tap-a one target-a, [[x  y], 5]]}
schedules:
- {name: s, job: j}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "meltano.yml").write_text(PROJECT)
    return read_meltano(tmp_path / "meltano.yml", None, Migration())


def test_a_plugin_has_all_that_is_said_of_it(project, tmp_path):
    tap = project.plugin("tap", "tap-a")
    assert (tap.name, tap.kind, tap.base, tap.namespace, tap.variant) == ("tap-a", "tap", "tap-a", "ns", "v")
    assert (tap.pip_url, tap.executable, tap.capabilities) == ("tap-a", "a", ("catalog",))
    assert tap.config == {"d": 0, "x": 1, "_other": "kept"}
    assert tap.extras == {"select": ["s.*"]}
    assert tap.settings == {
        "p": {"name": "p", "kind": "password"},
        "d": {"name": "d", "value": 0},
        "e": {"name": "e"},
    }
    assert tap.env == {"C": "3"}
    assert str(tap.place) == f"{tmp_path}/meltano.yml:6:5"


def test_a_plugin_of_which_little_is_said(project):
    target = project.plugin("target", "target-a")
    assert (target.namespace, target.pip_url, target.executable, target.variant) == (
        "target_a",
        None,
        None,
        None,
    )
    assert (target.capabilities, target.config, target.extras, target.settings) == ((), {}, {}, {})
    assert project.plugin("tap", "target-a") is None


def test_a_project_has_its_environment(project, tmp_path):
    assert (project.root, project.file) == (tmp_path, tmp_path / "meltano.yml")
    assert (project.environment, project.suffix) == ("dev", "s")
    assert project.env == {"A": "1", "B": "dev"}


def test_mappings_are_found_by_their_names(project):
    mapper = project.plugin("mapper", "map-a")
    assert mapper.mappings == {"one": {"o": 1}, "two": {}}
    assert project.mapping("one") is project.mapping("two") is mapper
    assert project.mapping("map-a") is None


def test_tasks_are_words_with_their_places(project, tmp_path):
    file = tmp_path / "meltano.yml"
    assert project.tasks == {
        "j": [
            (["tap-a", "one", "target-a"], Place(file, 20, 21)),
            (["x", "y"], Place(file, 20, 43)),
        ]
    }
    assert project.schedules == [({"name": "s", "job": "j"}, Place(file, 22, 3))]


def test_a_project_without_environments_has_none(tmp_path):
    (tmp_path / "meltano.yml").write_text("version: 1\n")
    project = read_meltano(tmp_path / "meltano.yml", None, Migration())
    assert (project.environment, project.suffix, project.env) == (None, None, {})
    assert (project.plugins, project.tasks, project.schedules) == ({}, {}, [])


def test_a_database_that_cannot_be_read_is_said_and_the_file_stands(project, tmp_path):
    (tmp_path / ".meltano").mkdir()
    database = tmp_path / ".meltano" / "meltano.db"
    database.write_bytes(b"no database at all, but some text of a length that matters" * 20)
    migration = Migration()
    config = connector_config(project.plugin("tap", "tap-a"), project, {}, migration)
    assert config == {"config": {"d": 0, "x": 1, "_other": "kept"}}
    (note,) = map(str, migration.notes)
    assert note == f"{database}: BY HAND: settings in it cannot be read: file is not a database"


def test_settings_in_a_database_count_when_they_are_enabled_and_the_plugins_own(project, tmp_path):
    (tmp_path / ".meltano").mkdir()
    with sqlite3.connect(tmp_path / ".meltano" / "meltano.db") as database:
        database.execute("CREATE TABLE plugin_settings (name, namespace, value BLOB, enabled)")
        for name, namespace, enabled in [
            ("x", "extractors.tap-a.default", True),
            ("d", "extractors.tap-a.default", False),
            ("e", "loaders.tap-a.default", True),
        ]:
            # A pickle of the number 7, as Meltano stores it.
            row = (name, namespace, b"\x80\x04K\x07.", enabled)
            database.execute("INSERT INTO plugin_settings VALUES (?, ?, ?, ?)", row)
    database.close()
    config = connector_config(project.plugin("tap", "tap-a"), project, {}, Migration())
    assert config == {"config": {"d": 0, "x": 7, "_other": "kept"}}


def test_a_database_is_read_without_locks_only_where_nothing_newer_stands_beside_it(tmp_path):
    database = tmp_path / "a b.db"
    assert read_only(database) == f"file://{tmp_path}/a%20b.db?immutable=1"
    (tmp_path / "a b.db-wal").touch()
    assert read_only(database) == f"file://{tmp_path}/a%20b.db?mode=ro"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("postgresql://u:pw@h/db", True),
        ("see postgresql://:pw@h", True),
        ("https://u:pre${P}@h", True),
        ("https://u:$${P}@h", True),
        ("https://u:${P}@h/db", False),
        ("https://${U}:${P}@h/db", False),
        ("https://u@h:80/x", False),
        ("http://h:80/a@b", False),
        ("u:pw@h", False),
        (5, False),
        (None, False),
        (["postgresql://u:pw@h"], False),
    ],
)
def test_addresses_with_a_password(value, expected):
    assert holds_password(value) is expected


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("$N", "integer", Tagged("int", "5")),
        ("${N}0", "number", Tagged("float", "50")),
        ("$N", "string", "5"),
        ("5", "integer", "5"),
        ("${b c}", "integer", "$${b c}"),
        ("$$N", None, "$5"),
        ("${}", None, "$${}"),
        ("${A}${A}", None, "${A}${A}"),
        ({"$A": "$A"}, None, {"$A": "${A}"}),
        (["$N"], "integer", ["5"]),
        (("$A",), None, ("$A",)),
        ("$ONE", None, "1111111111${ONE}"),
    ],
)
def test_values_of_variables(value, kind, expected):
    """`ONE` refers to itself: it is followed ten times, and then left to the environment."""
    assert converted(value, {"N": "5", "ONE": "1$ONE"}, kind) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"a.b": 1, "a": 2}, {"a": 2}),
        ({"a": {"b": {"c": 1}}, "a.b": {"d": 2}}, {"a": {"b": {"c": 1, "d": 2}}}),
        ({"a.b": [1], "a.b.c": 2}, {"a": {"b": {"c": 2}}}),
        ({"a": None, "a.b": 1}, {"a": {"b": 1}}),
    ],
)
def test_what_stands_later_goes_over_what_stands_earlier(settings, expected):
    assert nested(settings) == expected


def test_merging_leaves_both_as_they_were():
    below, above = {"a": {"x": [1]}}, {"a": {"y": 2}, "b": {}}
    merged = deep_merged(below, above)
    assert merged == {"a": {"x": [1], "y": 2}, "b": {}}
    assert (below, above) == ({"a": {"x": [1]}}, {"a": {"y": 2}, "b": {}})
    assert list(deep_merged({"b": 1, "a": 1}, {"c": 1, "a": 2})) == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"b": 1, "a": None}, "b: 1\na: null\n"),
        ({"a": [1, [2]]}, "a:\n  - 1\n  - - 2\n"),
        ({"a": [], "b": {}}, "a: []\nb: {}\n"),
        ({"a": "yes", "b": "1", "c": "null", "d": ""}, "a: 'yes'\nb: '1'\nc: 'null'\nd: ''\n"),
        ({"a": Tagged("bool", "${X}")}, 'a: !!bool "${X}"\n'),
        ({"a": [Tagged("float", '"')]}, 'a:\n  - !!float "\\""\n'),
        ({"a": "grüß"}, "a: grüß\n"),
        ({"a": "word " * 30}, f"a: '{'word ' * 19}word\n  {'word ' * 10}'\n"),
    ],
)
def test_yaml(document, text):
    assert yaml_text(document) == text


def test_the_head_of_a_job_tells_editors_its_schema():
    text = yaml_text({"a": 1}, head=SCHEMA_LINE.format("../x.json"))
    assert text == "# yaml-language-server: $schema=../x.json\na: 1\n"


def test_the_head_of_what_is_made_names_the_schema_that_is_installed(tmp_path):
    (tmp_path / "jobs").mkdir()
    old = tmp_path / "jobs/a.yaml"
    old.write_text("tenant_id: t\nsource_connector_path: x\n")
    (tmp_path / "meltano.yml").write_text(
        "plugins: {extractors: [{name: tap-a}], loaders: [{name: target-a}]}\n"
    )
    migration = migrate([tmp_path, old], tmp_path / "new", load_registry([built_in_registry()]))
    heads = {
        path: re.match(r"# yaml-language-server: \$schema=(.*)\n", text)
        for path, text in migration.files.items()
        if path.name in ("a.yaml", "tap-a-to-target-a.job.yaml")
    }
    assert len(heads) == 2
    for path, head in heads.items():
        schema = Path(os.path.normpath(path.parent / head[1]))
        assert schema.name == SCHEMA_FILE
        assert json.loads(schema.read_text())["type"] == "object"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tenant_id: a\nsource_connector_path: b\n", True),
        ("tenant_id: null\nsource_connector_path: null\n", True),
        ("tenant_id: a\n", False),
        ("source_connector_path: a\n", False),
        ("[tenant_id, source_connector_path]\n", False),
        ("tenant_id source_connector_path\n", False),
        ("tenant_id: [\n", False),
        ("", False),
        ("\xff", False),
    ],
)
def test_jobs_of_dativo_ingest_are_known_by_two_keys(tmp_path, text, expected):
    file = tmp_path / "job.yaml"
    file.write_bytes(text.encode("latin-1"))
    assert is_predecessor_job(file) is expected


def test_the_nearest_file_of_a_name_is_meant(tmp_path):
    for name in ("a/b/job.yaml", "a/b/c/x.yaml", "a/c/x.yaml", "c/x.yaml", "x.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    job = tmp_path / "a/b/job.yaml"
    assert find_upwards(job, "c/x.yaml") == tmp_path / "a/b/c/x.yaml"
    (tmp_path / "a/b/c/x.yaml").unlink()
    assert find_upwards(job, "/c/x.yaml") == tmp_path / "a/c/x.yaml"
    assert find_upwards(job, str(tmp_path / "c/x.yaml")) == tmp_path / "c/x.yaml"
    assert find_upwards(job, "app/c/x.yaml") == tmp_path / "a/c/x.yaml"
    assert find_upwards(job, "app/x.yaml") is None
    assert find_upwards(job, "c") is None


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / ".dativo")


def migration_of(**files):
    migration = Migration()
    migration.files = {Path(name): text for name, text in files.items()}
    return migration


def test_a_diff_shows_what_is_new_and_what_is_replaced(tmp_path):
    (tmp_path / "b.yaml").write_bytes(b"one\n\xff\nlast")
    migration = migration_of(
        **{str(tmp_path / "b.yaml"): "one\ntwo\n", str(tmp_path / "a.yaml"): "new\n", str(tmp_path / "c"): ""}
    )
    assert list(changes(migration)) == [tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "c"]
    assert list(diff_lines(migration)) == [
        "--- /dev/null",
        f"+++ {tmp_path}/a.yaml",
        "@@ -0,0 +1 @@",
        "+new",
        f"--- {tmp_path}/b.yaml",
        f"+++ {tmp_path}/b.yaml",
        "@@ -1,3 +1,2 @@",
        " one",
        "-\ufffd",
        "-last",
        "+two",
    ]


def test_what_is_replaced_is_kept_for_its_owner_alone(tmp_path, home):
    (tmp_path / "b.yaml").write_text("before\n")
    migration = migration_of(**{str(tmp_path / "a.yaml"): "ä\n", str(tmp_path / "b.yaml"): "after\n"})
    migration_id = write_migration(migration, home)
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", migration_id)
    directory = home.migrations / migration_id
    assert json.loads((directory / MANIFEST).read_text()) == {
        "version": 1,
        "files": [
            {
                "path": str(tmp_path / "a.yaml"),
                "before": None,
                "sha256": hashlib.sha256("ä\n".encode()).hexdigest(),
            },
            {
                "path": str(tmp_path / "b.yaml"),
                "before": "1.yaml",
                "sha256": hashlib.sha256(b"after\n").hexdigest(),
            },
        ],
    }
    assert (directory / "1.yaml").read_text() == "before\n"
    assert {each.name: oct(each.stat().st_mode & 0o777) for each in directory.iterdir()} == {
        MANIFEST: "0o600",
        "1.yaml": "0o600",
    }
    assert (home.root / ".gitignore").read_text() == "*\n"


def test_two_migrations_are_taken_back_one_by_one(tmp_path, home):
    file = tmp_path / "a.yaml"
    first = write_migration(migration_of(**{str(file): "one\n"}), home)
    second = write_migration(migration_of(**{str(file): "two\n"}), home)
    assert first != second
    assert roll_back(first, home) == [f"{file}: has been changed since and stays as it is"]
    assert roll_back(second, home) == [f"{file}: as it was"]
    assert file.read_text() == "one\n"
    assert roll_back(first, home) == [f"{file}: removed"]
    assert roll_back(first, home) == [f"{file}: is not there any more"]


def test_nothing_is_kept_where_nothing_changes(tmp_path, home):
    (tmp_path / "a").write_text("x")
    assert write_migration(migration_of(**{str(tmp_path / "a"): "x"}), home) is None
    assert write_migration(Migration(), home) is None
    assert not home.root.exists()


def test_migrations_that_there_are_are_named(tmp_path, home):
    made = write_migration(migration_of(**{str(tmp_path / "a"): "x"}), home)
    with pytest.raises(RunnerError) as caught:
        roll_back("gone", home)
    assert str(caught.value) == f"no migration 'gone' in {home.migrations}; there are: {made}"
    assert (tmp_path / "a").read_text() == "x"


def new_state(directory, job="j", text='{"bookmarks":{"a":1}}'):
    return NewState(directory / f"{job.rpartition('/')[2]}.yaml", job, text, "dev:x of meltano.db")


def stored(directory, tenant, name):
    store = job_store(StateKey(tenant, name), StateSettings(), directory, find_project(directory, os.environ))
    found = store.read(StateKey(tenant, name))
    return found and found.text


@pytest.mark.parametrize(("job", "tenant", "name"), [("j", None, "j"), ("acme/j", "acme", "j")])
def test_a_job_without_a_state_goes_on_from_the_one_that_it_had(tmp_path, job, tenant, name):
    (tmp_path / "dativo.yaml").write_text("version: 1\n")
    state = new_state(tmp_path, job)
    assert store_state(state) == f"{job} goes on from dev:x of meltano.db"
    assert json.loads(stored(tmp_path, tenant, name)) == {"bookmarks": {"a": 1}}
    assert stored(tmp_path, "other", name) is None
    assert store_state(state) == f"{job} has this state already"


def test_a_state_that_a_job_has_stays(tmp_path):
    (tmp_path / "dativo.yaml").write_text("version: 1\n")
    store_state(new_state(tmp_path))
    assert store_state(new_state(tmp_path, text="{}")) == "j has a state of its own, which stays"
    assert json.loads(stored(tmp_path, None, "j")) == {"bookmarks": {"a": 1}}


def test_a_state_that_a_run_holds_is_left_alone(tmp_path):
    (tmp_path / "dativo.yaml").write_text("version: 1\n")
    key = StateKey(None, "j")
    store = job_store(key, StateSettings(), tmp_path, find_project(tmp_path, os.environ))
    with held_state(store, key, "r1"), pytest.raises(StateBusy):
        store_state(new_state(tmp_path))
    assert stored(tmp_path, None, "j") is None


def test_a_registry_that_would_not_be_read_with_what_is_added_is_written_anew(tmp_path):
    (tmp_path / "meltano.yml").write_text(
        "plugins: {extractors: [{name: tap-a, capabilities: [catalog]}], loaders: [{name: target-a}]}\n"
    )
    file = tmp_path / "connectors.yaml"
    file.write_text("# mine\nconnectors: [{name: tap-a}]\nversion: 1\n")
    text = migrate([tmp_path], tmp_path, load_registry([built_in_registry()])).files[file]
    assert [each["name"] for each in yaml.safe_load(text)["connectors"]] == ["tap-a", "target-a"]
    file.write_text("# mine\nversion: 1\nconnectors:\n  - name: tap-a\n\n")
    text = migrate([tmp_path], tmp_path, load_registry([built_in_registry()])).files[file]
    assert text.startswith("# mine\nversion: 1\nconnectors:\n  - name: tap-a\n  - name: target-a\n")
    file.write_text(text)
    assert file not in migrate([tmp_path], tmp_path, load_registry([built_in_registry()])).files


def test_a_file_that_is_no_text_is_a_problem(tmp_path):
    (tmp_path / "meltano.yml").write_bytes(b"version: \xff\n")
    with pytest.raises(ProblemsError, match=r"meltano\.yml: is not UTF-8 text \(byte 9\)"):
        read_meltano(tmp_path / "meltano.yml", None, Migration())


def test_a_file_that_two_patterns_name_is_included_once(tmp_path):
    (tmp_path / "meltano.yml").write_text("include_paths: ['*.yml', more.yml, '']\n")
    (tmp_path / "more.yml").write_text("schedules: [{name: s, job: j}]\n")
    project = read_meltano(tmp_path / "meltano.yml", None, Migration())
    assert [schedule for schedule, _ in project.schedules] == [{"name": "s", "job": "j"}]


def test_a_lock_file_is_of_the_plugin_that_brings_the_program(tmp_path):
    (tmp_path / "meltano.yml").write_text(
        "plugins: {extractors: [{name: tap-a}, {name: tap-b, inherit_from: tap-a}]}\n"
    )
    directory = tmp_path / "plugins" / "extractors"
    directory.mkdir(parents=True)
    for name in ("tap-a", "tap-b"):
        (directory / f"{name}--v.lock").write_text(json.dumps({"pip_url": f"{name}==1", "label": name}))
    project = read_meltano(tmp_path / "meltano.yml", None, Migration())
    assert project.plugin("tap", "tap-b").pip_url == "tap-a==1"
    assert project.plugin("tap", "tap-b").base == "tap-a"
