"""YAML that knows its lines: scalars as in YAML 1.2, places of values, and every kind of broken file."""

from __future__ import annotations

import pytest
from dativo.errors import ProblemsError
from dativo.jobs.located import BROKEN, MAX_VALUES, load_yaml
from dativo.jobs.references import Variables


@pytest.fixture
def load(tmp_path):
    def load(text, environ=None):
        path = tmp_path / "file.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        problems = []
        tree = load_yaml(path, problems, None if environ is None else Variables(environ))
        return tree, [str(problem).removeprefix(f"{path}:") for problem in problems]

    return load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("007", "007"),
        ("0o14", "0o14"),
        ("1_000", "1_000"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2024-01-31", "2024-01-31"),
        (".inf", ".inf"),
        ("-", ["x"]),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!float 3", 3.0),
    ],
)
def test_scalars_follow_yaml_1_2(load, text, value):
    written = "key:\n  - x\n" if value == ["x"] else f"key: {text}\n"
    tree, problems = load(written)
    assert problems == []
    assert tree.plain() == {"key": value}
    assert type(tree.plain()["key"]) is type(value)


def test_places_are_lines_and_columns(load):
    tree, _ = load("a: 1\nb:\n  - x\n  - {deep: [1, 2]}\n")
    assert (tree.place_of(["a"]).line, tree.place_of(["a"]).column) == (1, 4)
    assert (tree.place_of(["b", 1, "deep", 1]).line, tree.place_of(["b", 1, "deep", 1]).column) == (4, 16)
    assert tree.key_places["b"].line == 2


def test_the_place_of_what_is_not_there_is_its_nearest_ancestor(load):
    tree, _ = load("a:\n  b: 1\n")
    assert tree.place_of(["a", "c", "d"]).line == 2
    assert tree.place_of(["a", "b", "c"]).line == 2
    assert tree.place_of([0]).line == 1


def test_variables_are_expanded_in_values_and_not_in_keys(load):
    tree, problems = load("${K}: ${V}\nlist: ['${V}']\n", {"V": "007", "K": "no"})
    assert problems == []
    assert tree.plain() == {"${K}": "007", "list": ["007"]}


def test_a_tag_gives_an_expanded_value_its_type(load):
    tree, problems = load(
        "a: !!int ${N}\nb: !!bool ${B}\nc: !!float ${N}\nd: ${N}\n", {"N": "5", "B": "True"}
    )
    assert problems == []
    assert tree.plain() == {"a": 5, "b": True, "c": 5.0, "d": "5"}


def test_without_variables_texts_stay(load):
    assert load("a: ${V}\n")[0].plain() == {"a": "${V}"}


def test_a_value_that_does_not_fit_its_tag_is_not_shown(load):
    tree, problems = load("port: !!int ${PASSWORD}\n", {"PASSWORD": "hunter2"})
    assert problems == ["1:7: '${PASSWORD}' does not give an integer"]
    assert tree.value["port"].value is BROKEN


def test_problems_are_collected_and_reading_goes_on(load):
    tree, problems = load("a: ${X}\nb: 1\nb: 2\nc: !date x\nd: !!float 1e999\ne: 3\n", {})
    assert [problem.split(": ", 1)[0] for problem in problems] == ["3:1", "1:4", "4:4", "5:4"]
    assert "'b' is already given on line 2" in problems[0]
    assert tree.value["e"].value == 3


def test_aliases_and_merges_work(load):
    text = "base: &base {x: 1, y: 2}\nuse:\n  <<: *base\n  y: 3\nagain: *base\n"
    tree, problems = load(text)
    assert problems == []
    assert tree.plain() == {"base": {"x": 1, "y": 2}, "use": {"x": 1, "y": 3}, "again": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\n", "is not valid YAML"),
        ("a: b: c\n", "1:5: is not valid YAML"),
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("a: &x [*x]\n", "refers to the value that it stands in"),
        ("a: 1\n---\nb: 2\n", "is not valid YAML: expected a single document"),
        (b"a: \xff\n", "is not UTF-8 text (byte 3)"),
        ("a: \x07\n", "is not valid YAML"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_place(load, text, message):
    with pytest.raises(ProblemsError) as caught:
        load(text)
    assert message in str(caught.value)


def test_aliases_cannot_blow_a_file_up(load):
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ProblemsError, match=f"more than {MAX_VALUES:,} values"):
        load("\n".join(lines))


def test_a_missing_file_is_a_problem_of_that_file(tmp_path):
    with pytest.raises(ProblemsError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_yaml(tmp_path / "nowhere.yaml", [])


def test_a_key_must_be_a_text(load):
    assert load("? [a, b]\n: 1\n")[1] == ["1:3: a key must be a plain text"]
