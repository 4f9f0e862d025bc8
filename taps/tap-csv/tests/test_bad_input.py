"""Input that is wrong, through the executable: an error that names the place, or a row that is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Workbench


@pytest.mark.parametrize(
    ("content", "raw", "message"),
    [
        (b"id,a\n1,x\n2\n", {}, "rows.csv:3: the row has 1 field, the header has 2."),
        (b"id,a\n1,x,y\n", {}, "rows.csv:2: the row has 3 fields, the header has 2."),
        (b'id,a\n1,"x\n2,y\n', {}, "rows.csv:2: the row has a quote that is never closed."),
        (b"id,a\n1,x\n2,\xff\n", {}, "rows.csv:3: column 'a' has bytes that are not utf-8."),
        (
            b"id,a\n1,x\n2,\x81\n",
            {"encoding": "cp1252"},
            "rows.csv:3: column 'a' has bytes that are not cp1252.",
        ),
        (b"id,a\n1,x\n,y\n", {"keys": ["id"]}, "rows.csv:3: key column 'id' is null."),
        (b"id,a\n1,x\n", {"keys": ["ID"]}, "rows.csv: no key column 'ID' among the columns 'id', 'a'."),
        (b"id,a\n1,x\n", {"replication_key": "b"}, "rows.csv: no replication key 'b' among the columns"),
        (b"", {}, "rows.csv: the file is empty: there is no header."),
        (b"id\n1\n", {"compression": "gzip"}, "rows.csv: cannot be"),
        (b"id\n1\n", {"path": "other.csv"}, "other.csv: no such file or directory."),
        (b"id\n1\n", {"path": "*.tsv"}, "*.tsv: no file matches."),
        (b"id\n1\n", {"path": "rows.csv", "compression": "zip"}, "rows.csv: not a readable zip archive"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    bench: Workbench, content: bytes, raw: dict[str, Any], message: str
) -> None:
    bench.write(content)
    failure = bench.failure(**raw)
    assert failure.startswith(message)
    assert len(failure) > len(message), "an instruction follows"


def test_a_directory_without_csv_files_fails(bench: Workbench) -> None:
    bench.write("x", "in/readme.txt")
    assert bench.failure(path="in").startswith("in: the directory holds no .csv file, compressed or not.")


def test_bad_rows_can_be_left_out_and_are_counted(bench: Workbench) -> None:
    bench.write(b"id,a\n1,x\n2\n3,\xff\n,k\n5,y,z\n6,w\n")
    outcome = bench.run(on_bad_row="skip", keys=["id"])
    assert outcome.code == 0, outcome.stderr
    assert [message["record"] for message in outcome.messages("RECORD")] == [
        {"id": 1, "a": "x"},
        {"id": 6, "a": "w"},
    ]
    assert "4 bad rows left out in rows.csv, the first at line 3" in outcome.stderr
    assert '"metric":"rows_left_out","value":4,"tags":{"stream":"rows"' in outcome.stderr


def test_a_bad_value_in_a_key_column_makes_a_bad_row_even_where_values_may_become_null(
    bench: Workbench,
) -> None:
    bench.write("id\n1\nx\n2\n")
    raw: dict[str, Any] = {"keys": ["id"], "types": {"id": "integer"}, "on_bad_value": "null"}
    assert bench.failure(**raw).startswith("rows.csv:3: key column 'id' is null")
    assert bench.records(**raw, on_bad_row="skip") == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_undecodable_rows_can_be_left_out_in_every_encoding(bench: Workbench, encoding: str) -> None:
    bench.write(b"id,a\n1,x\n2,\x81\n3,y\n")
    records = bench.records(on_bad_row="skip", encoding=encoding)
    assert records == [{"id": 1, "a": "x"}, {"id": 3, "a": "y"}]


def test_rows_before_a_bad_one_are_written_but_no_state(bench: Workbench) -> None:
    bench.write("id\n1\n", "in/1.csv")
    bench.write("id\n2,3\n", "in/2.csv")
    outcome = bench.run(path="in")
    assert outcome.code == 1
    assert [message["record"] for message in outcome.messages("RECORD")] == [{"id": 1}]
    assert not outcome.messages("STATE")


def test_a_stream_may_have_no_files_where_that_is_allowed(bench: Workbench) -> None:
    bench.write("id\n1\n")
    bench.settings["on_no_files"] = "skip"
    bench.stream = {"entity": "inbox", "path": "inbox/*.csv"}
    config = bench.config()
    config["files"].append({"entity": "rows", "path": "rows.csv"})
    bench.config = lambda **_: config  # type: ignore[method-assign]
    outcome = bench.run()
    assert outcome.code == 0, outcome.stderr
    assert [message["stream"] for message in outcome.messages("SCHEMA")] == ["rows"]
    assert "inbox/*.csv: no file matches" in outcome.stderr


def test_a_stream_of_the_catalog_without_files_still_has_its_schema(bench: Workbench) -> None:
    path = bench.write("id\n1\n")
    catalog = bench.catalog(on_no_files="skip")
    path.unlink()
    outcome = bench.run(catalog=catalog, on_no_files="skip")
    assert [message["type"] for message in outcome.lines] == ["SCHEMA", "STATE"]


def test_no_message_holds_a_value_of_the_data(bench: Workbench) -> None:
    bench.write("name,n\nSecret Person,12\nSecret Person,abc-secret\n")
    outcome = bench.run(types={"n": "integer"})
    assert outcome.code == 1
    assert "ecret" not in outcome.stderr


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"files": [{"entity": "a"}]}, "files[0].path: is required"),
        ({"files": []}, "no CSV file is defined"),
        ({"files": [{"entity": "a", "path": "x", "keys": ["i", "i"]}]}, "keys: 'i' is named twice"),
    ],
)
def test_bad_settings_end_the_run_at_once(bench: Workbench, config: dict[str, Any], problem: str) -> None:
    bench.config = lambda **_: config  # type: ignore[method-assign]
    assert problem in bench.failure()
