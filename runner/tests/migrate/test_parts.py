"""The pieces of a migration: values, pickles, YAML, states, writing and taking back."""

from __future__ import annotations

import json
import pickle
import sqlite3

import pytest
import yaml
from dativo.errors import ProblemsError, RunnerError
from dativo.home import Home
from dativo.migrate.files import find_upwards
from dativo.migrate.meltano_state import states_of_database, states_of_export
from dativo.migrate.migration import Migration, Note
from dativo.migrate.pickled import plain_literal
from dativo.migrate.rollback import changes, diff_lines, roll_back, write_migration
from dativo.migrate.values import converted, deep_merged, nested
from dativo.migrate.writing import Tagged, yaml_text


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("plain", None, "plain"),
        ("$A", None, "${A}"),
        ("${A}", None, "${A}"),
        ("$A/$B.${C}", None, "${A}/${B}.${C}"),
        ("$KNOWN/x", None, "value/x"),
        ("$DEEP", None, "value!"),
        ("$LOOP", None, "${LOOP}"),
        ("a ${b c} ${", None, "a $${b c} $${"),
        ("$1 and 5$", None, "$1 and 5$"),
        (5, "integer", 5),
        (True, None, True),
        (None, None, None),
        ("$A", "integer", Tagged("int", "${A}")),
        ("$A", "boolean", Tagged("bool", "${A}")),
        ("$A", "decimal", Tagged("float", "${A}")),
        ("$A", "string", "${A}"),
        ("007", "integer", "007"),
        (["$A", {"b": "$KNOWN"}], "array", ["${A}", {"b": "value"}]),
    ],
)
def test_values(value, kind, expected):
    known = {"KNOWN": "value", "DEEP": "$KNOWN!", "LOOP": "$LOOP"}
    assert converted(value, known, kind) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"a": 1}, {"a": 1}),
        ({"a.b": 1, "a.c": 2}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1}, "a.c": 2}, {"a": {"b": 1, "c": 2}}),
        ({"a.c": 2, "a": {"b": 1}}, {"a": {"c": 2, "b": 1}}),
        ({"a": 1, "a.b": 2}, {"a": {"b": 2}}),
        ({"a.b.c": 1}, {"a": {"b": {"c": 1}}}),
        ({}, {}),
    ],
)
def test_dots_nest(settings, expected):
    assert nested(settings) == expected


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}),
        (1, {"a": 1}, {"a": 1}),
    ],
)
def test_merging(below, above, expected):
    assert deep_merged(below, above) == expected


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", ["text", "", "ü" * 300, 0, 5, -5, 70_000, 2**70, 1.5, True, False, None])
def test_literals_are_read_out_of_pickles(value, protocol):
    if protocol < 2 and isinstance(value, bool):
        return  # written as numbers then: nobody has used that for twenty years
    assert plain_literal(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(["a"]),
        pickle.dumps({"a": 1}),
        pickle.dumps({1, 2}),
        pickle.dumps(len),
        pickle.dumps(Note("x")),
        pickle.dumps("a")[:-3],
        b"",
        b"garbage",
        b".",
    ],
)
def test_anything_else_in_a_pickle_is_refused(data):
    with pytest.raises(ValueError, match="is neither a text nor a number"):
        plain_literal(data)


def test_yaml_keeps_order_texts_and_tags():
    text = yaml_text(
        {"z": "1", "a": [{"b": True}], "t": Tagged("int", "${P}"), "d": "2024-01-01"}, head="# x\n"
    )
    assert text == "# x\nz: '1'\na:\n  - b: true\nt: !!int \"${P}\"\nd: '2024-01-01'\n"
    shared = {"x": 1}
    assert "&" not in yaml_text([shared, shared])
    assert yaml.safe_load(yaml_text({"u": "grüß", "n": None, "m": "a\nb\n"})) == {
        "u": "grüß",
        "n": None,
        "m": "a\nb\n",
    }


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("/app/connectors/csv.yaml", "connectors/csv.yaml"),
        ("connectors/csv.yaml", "connectors/csv.yaml"),
        ("../../connectors/csv.yaml", "connectors/csv.yaml"),
        ("/app/csv.yaml", None),
        ("jobs/acme/job.yaml", None),
        ("job.yaml", None),
        ("top.yaml", "top.yaml"),
        ("acme/near.yaml", "jobs/acme/near.yaml"),
    ],
)
def test_files_are_found_upwards(tmp_path, written, found):
    for name in ("connectors/csv.yaml", "jobs/acme/job.yaml", "jobs/acme/near.yaml", "top.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    result = find_upwards(tmp_path / "jobs/acme/job.yaml", written)
    assert (result and result.resolve()) == (tmp_path / found if found else None)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "meltano.db"

    def write(*rows):
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE state (state_id, partial_state, completed_state, updated_at)")
        connection.executemany("INSERT INTO state VALUES (?, ?, ?, NULL)", rows)
        connection.commit()
        connection.close()
        return path

    return write


def state(value):
    return json.dumps({"singer_state": value})


@pytest.mark.parametrize(
    ("partial", "completed", "expected"),
    [
        ("{}", state({"a": 1}), {"a": 1}),
        (None, state({"a": 1}), {"a": 1}),
        (state({"a": 2}), None, {"a": 2}),
        (state({"b": {"y": 2}}), state({"a": 1, "b": {"x": 1, "y": 1}}), {"a": 1, "b": {"x": 1, "y": 2}}),
        ("{}", "{}", None),
        ("{}", '{"singer_state": {}}', None),
        ("{}", '{"singer_state": []}', None),
    ],
)
def test_a_state_is_what_is_reached_over_what_is_complete(database, partial, completed, expected):
    found = states_of_database(database(("dev:a-to-b", partial, completed)))
    text = found.text("dev:a-to-b")
    assert (json.loads(text) if text else None) == expected
    assert found.text("dev:other") is None


def test_the_database_is_not_touched(database, tmp_path):
    path = database(("x", "{}", state({"a": 1})))
    before = path.read_bytes()
    assert states_of_database(path).ids == ["x"]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"no database at all, but some text of a length that matters"])
def test_a_file_that_is_no_database(tmp_path, content):
    path = tmp_path / "meltano.db"
    path.write_bytes(content)
    with pytest.raises(ProblemsError, match="holds no states of Meltano"):
        states_of_database(path)


def test_a_damaged_state(database):
    with pytest.raises(ProblemsError, match="holds no states of Meltano"):
        states_of_database(database(("x", "{}", "{")))


@pytest.mark.parametrize("text", ["[]", "{", '"x"', '{"a": 1}'])
def test_a_file_that_is_no_export(tmp_path, text):
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(ProblemsError, match="is not what"):
        states_of_export(path)


def test_a_note_says_where_and_whether_it_needs_a_hand():
    migration = Migration()
    migration.note("a")
    migration.note("a")
    assert [str(note) for note in migration.notes] == ["a"]
    assert not migration.needs_a_hand
    migration.note("b", by_hand=True)
    assert [str(note) for note in migration.notes] == ["a", "BY HAND: b"]
    assert migration.needs_a_hand


@pytest.fixture
def written(tmp_path):
    """A migration of a new, a changed and an equal file, written; what was there before."""
    (tmp_path / "changed.yaml").write_bytes(b"old \xff bytes\r\n")
    (tmp_path / "equal.yaml").write_text("same\n")
    migration = Migration()
    migration.files = {
        tmp_path / "new" / "deep.yaml": "new\n",
        tmp_path / "changed.yaml": "changed\n",
        tmp_path / "equal.yaml": "same\n",
    }
    return migration, Home(tmp_path / ".dativo")


def test_only_what_changes_is_shown(written, tmp_path):
    migration, _ = written
    assert sorted(path.name for path in changes(migration)) == ["changed.yaml", "deep.yaml"]
    lines = list(diff_lines(migration))
    assert lines[:2] == [f"--- {tmp_path}/changed.yaml", f"+++ {tmp_path}/changed.yaml"]
    assert "--- /dev/null" in lines
    assert "+new" in lines


def test_the_way_back_is_byte_for_byte(written, tmp_path):
    migration, home = written
    migration_id = write_migration(migration, home)
    assert (tmp_path / "changed.yaml").read_text() == "changed\n"
    assert (home.migrations / migration_id).stat().st_mode & 0o077 == 0
    assert write_migration(migration, home) is None
    said = roll_back(migration_id, home)
    assert sorted(line.rsplit(": ", 1)[1] for line in said) == ["as it was", "removed"]
    assert (tmp_path / "changed.yaml").read_bytes() == b"old \xff bytes\r\n"
    assert not (tmp_path / "new" / "deep.yaml").exists()


def test_what_is_not_as_it_was_written_stays(written, tmp_path):
    migration, home = written
    migration_id = write_migration(migration, home)
    (tmp_path / "changed.yaml").write_text("mine\n")
    (tmp_path / "new" / "deep.yaml").unlink()
    said = {line.rsplit("/", 1)[1] for line in roll_back(migration_id, home)}
    assert said == {
        "changed.yaml: has been changed since and stays as it is",
        "deep.yaml: is not there any more",
    }
    assert (tmp_path / "changed.yaml").read_text() == "mine\n"


@pytest.mark.parametrize("migration_id", ["", "..", "none", "/etc"])
def test_a_migration_that_is_not_there(written, migration_id):
    _, home = written
    with pytest.raises(RunnerError, match="there are: none"):
        roll_back(migration_id, home)
