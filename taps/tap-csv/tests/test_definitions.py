"""Settings: what the community's tap-csv understands, what is refused, and how all of it is said at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.columns import Decimal, Integer, TimestampTz
from dativo_protocol.config import load_settings
from dativo_protocol.errors import ConfigError
from tap_csv.definitions import resolve
from tap_csv.settings import TapCsvSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tap_csv.definitions import Definition

FILE = {"entity": "rows", "path": "rows.csv"}


def resolved(*files: dict[str, Any], **settings: Any) -> tuple[Definition, ...]:
    return resolve(load_settings(TapCsvSettings, {"files": [FILE | file for file in files], **settings}))


def problems(*files: dict[str, Any], **settings: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        resolved(*files, **settings)
    return caught.value.problems


def test_a_community_configuration_means_what_it_means_there() -> None:
    (definition,) = resolved(
        {
            "keys": ["Id"],
            "encoding": "latin1",
            "delimiter": ";",
            "doublequote": False,
            "escapechar": "\\",
            "quotechar": "'",
            "skipinitialspace": True,
            "strict": True,
        }
    )
    dialect = definition.dialect
    assert (definition.keys, definition.encoding) == (("Id",), "iso8859-1")
    assert (dialect.delimiter, dialect.quotechar, dialect.escapechar) == (";", "'", "\\")
    assert (dialect.doublequote, dialect.skipinitialspace, dialect.strict) == (False, True, True)


def test_a_stream_overrides_what_is_said_of_all() -> None:
    first, second = resolved(
        {"null_values": [], "on_bad_row": "fail", "infer_types": True},
        {"entity": "other"},
        null_values=["NA"],
        on_bad_row="skip",
        infer_types=False,
    )
    assert (first.null_values, first.on_bad_row, first.infer_types) == ((), "fail", True)
    assert (second.null_values, second.on_bad_row, second.infer_types) == (("NA",), "skip", False)


def test_types_are_parsed() -> None:
    (definition,) = resolved({"types": {"a": "integer", "b": "Decimal(12, 2)", "c": "date-time"}})
    assert definition.types == {"a": Integer(), "b": Decimal(12, 2), "c": TimestampTz()}


def test_every_problem_is_told_at_once() -> None:
    found = problems(
        {"keys": ["id", "id"], "types": {"x": "money"}, "encoding": "utf-9"},
        {"delimiter": ",", "quotechar": ","},
    )
    assert [problem.split(":", 1)[0] for problem in found] == ["files[0] (rows)"] * 3 + [
        "files[1] (rows)"
    ] * 2
    assert "keys: 'id' is named twice" in found[0]
    assert "types.x: unknown type 'money'" in found[1]
    assert "no text encoding 'utf-9'" in found[2]
    assert "entity is defined twice" in found[3]
    assert "must differ" in found[4]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({"columns": ["a", "a"]}, "columns: 'a' is named twice"),
        ({"columns": ["a", ""]}, "columns: a column name is empty"),
        ({"columns": ["a"], "keys": ["b"]}, "keys: 'b' is not among columns"),
        ({"columns": ["a"], "types": {"b": "string"}}, "types: 'b' is not among columns"),
        ({"columns": ["a"], "replication_key": "b"}, "replication_key: 'b' is not among columns"),
        ({"replication_key": "a", "incremental_by": "file_mtime"}, "exclude each other"),
        ({"delimiter": "x"}, "must be no letters and no digits"),
        ({"encoding": "base64"}, "no text encoding 'base64'"),
        ({"types": {"a": "decimal(39,0)"}}, "no such decimal"),
        ({"skipinitialspace": True, "quoted_nulls": False}, "quoted_nulls: false cannot be combined"),
    ],
)
def test_what_cannot_be_meant_is_refused(raw: dict[str, Any], problem: str) -> None:
    (found,) = problems(raw)
    assert problem in found


@pytest.mark.parametrize(
    "raw",
    [
        {"delimiter": ",,"},
        {"delimiter": "\n"},
        {"skip_header_lines": -1},
        {"on_bad_row": "ignore"},
        {"entity": ""},
    ],
)
def test_values_of_the_wrong_form_are_refused(raw: dict[str, Any]) -> None:
    (found,) = problems(raw)
    assert found.startswith(f"files[0].{next(iter(raw))}: ")


def test_the_replication_key_of_file_times_means_to_remember_files() -> None:
    (definition,) = resolved({"replication_key": "_sdc_source_file_mtime"})
    assert (definition.remembers_files, definition.replication_key) == (True, None)


def test_a_stream_with_a_replication_key_does_not_remember_files() -> None:
    first, second, third = resolved(
        {"replication_key": "at"},
        {"entity": "b"},
        {"entity": "c", "incremental_by": "none"},
        incremental_by="file_mtime",
    )
    assert [each.remembers_files for each in (first, second, third)] == [False, True, False]


def test_a_definition_file_takes_the_place_of_files(tmp_path: Path) -> None:
    path = tmp_path / "files.json"
    path.write_text(json.dumps([{"entity": "leads", "path": "leads.csv", "keys": ["Id"]}]))
    (definition,) = resolved({}, csv_files_definition=str(path))
    assert (definition.entity, definition.path, definition.keys) == ("leads", "leads.csv", ("Id",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("{", "not JSON"),
        ('{"entity": "a"}', "must hold a list"),
        ('[{"entity": "a"}]', "files[0].path: is required"),
    ],
)
def test_a_definition_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "files.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"files\.json.*") as caught:
        resolved(csv_files_definition=str(path))
    assert message in str(caught.value)


def test_no_files_is_a_problem() -> None:
    with pytest.raises(ConfigError, match="no CSV file is defined"):
        resolved()
