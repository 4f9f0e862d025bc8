"""Types through the executable: inferred, chosen, and what happens to values that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tap_csv.describe import describe

if TYPE_CHECKING:
    from conftest import Workbench

ALL = """\
int,num,flag,day,stamp,zoned,zip,big,text,none
1,1.5,true,2024-05-01,2024-05-01 10:00:00,2024-05-01T10:00:00+02:00,00123,12345678901234567890,x,
-2,2,FALSE,2024-05-02,2024-05-02T11:30:00.25,2024-05-02T11:30:00Z,94103,1,,
"""


def test_inferred_types_and_their_values(bench: Workbench) -> None:
    bench.write(ALL)
    outcome = bench.run()
    properties = outcome.messages("SCHEMA")[0]["schema"]["properties"]
    assert properties == {
        "int": {"type": ["integer", "null"]},
        "num": {"type": ["number", "null"]},
        "flag": {"type": ["boolean", "null"]},
        "day": {"type": ["string", "null"], "format": "date"},
        "stamp": {"type": ["string", "null"], "format": "date-time", "x-sql-datatype": "timestamp"},
        "zoned": {"type": ["string", "null"], "format": "date-time"},
        "zip": {"type": ["string", "null"]},
        "big": {"type": ["number", "null"], "multipleOf": 1, "x-precision": 38, "x-scale": 0},
        "text": {"type": ["string", "null"]},
        "none": {"type": ["string", "null"]},
    }
    assert [message["record"] for message in outcome.messages("RECORD")] == [
        {
            "int": 1,
            "num": 1.5,
            "flag": True,
            "day": "2024-05-01",
            "stamp": "2024-05-01T10:00:00+00:00",
            "zoned": "2024-05-01T08:00:00+00:00",
            "zip": "00123",
            "big": 12345678901234567890,
            "text": "x",
            "none": None,
        },
        {
            "int": -2,
            "num": 2.0,
            "flag": False,
            "day": "2024-05-02",
            "stamp": "2024-05-02T11:30:00.250000+00:00",
            "zoned": "2024-05-02T11:30:00+00:00",
            "zip": "94103",
            "big": 1,
            "text": None,
            "none": None,
        },
    ]
    assert "column 'none' has no value in the sample: it is read as string" in outcome.stderr


def test_without_inference_every_column_is_a_string(bench: Workbench) -> None:
    bench.write("a,b\n1,\n2.5,x\n")
    outcome = bench.run(infer_types=False, null_values=[])
    properties = outcome.messages("SCHEMA")[0]["schema"]["properties"]
    assert all(each == {"type": ["string", "null"]} for each in properties.values())
    assert [message["record"] for message in outcome.messages("RECORD")] == [
        {"a": "1", "b": ""},
        {"a": "2.5", "b": "x"},
    ]


def test_chosen_types_win_over_inferred_ones(bench: Workbench) -> None:
    bench.write("id,zip,price,at,open\n1,00123,1.50,2024-05-01 10:00,yes\n")
    types = {"id": "string", "zip": "integer", "price": "decimal(9,2)", "at": "date-time", "open": "boolean"}
    outcome = bench.run(types=types)
    (record,) = outcome.messages("RECORD")
    at = "2024-05-01T10:00:00+00:00"
    assert record["record"] == {"id": "1", "zip": 123, "price": 1.5, "at": at, "open": True}
    price = outcome.messages("SCHEMA")[0]["schema"]["properties"]["price"]
    assert price == {"type": ["number", "null"], "multipleOf": 0.01, "x-precision": 9, "x-scale": 2}


def test_decimals_keep_every_digit(bench: Workbench) -> None:
    bench.write("n\n12345678901234567890.12345678\n-0.10000000\n")
    outcome = bench.run(types={"n": "decimal(38,8)"})
    assert b'"n":12345678901234567890.12345678}' in outcome.stdout
    assert b'"n":-0.10000000}' in outcome.stdout or b'"n":-0.1}' in outcome.stdout


def test_null_values_are_chosen_for_each_stream(bench: Workbench) -> None:
    bench.write("id,text\n1,\n2,NA\n")
    choices = {"none": [], "empty": [""], "na": ["NA"], "both": ["", "NA"]}
    files = [{"entity": name, "path": "rows.csv", "null_values": texts} for name, texts in choices.items()]
    bench.config = lambda **_: {"files": files}  # type: ignore[method-assign]
    found: dict[str, list[Any]] = {name: [] for name in choices}
    for message in bench.run().messages("RECORD"):
        found[message["stream"]].append(message["record"]["text"])
    assert found == {"none": ["", "NA"], "empty": [None, "NA"], "na": ["", None], "both": [None, None]}


def late(kind: str) -> str:
    """A column that is of integers as far as the sample goes."""
    return "id,n\n" + "".join(f"{n},{n}\n" for n in range(300)) + f"300,{kind}\n"


@pytest.mark.parametrize(
    ("text", "kind"), [("n/a", "text of 3 characters"), ("007", "digits with a leading zero")]
)
def test_a_value_that_belies_the_sample_fails_and_is_located(bench: Workbench, text: str, kind: str) -> None:
    bench.write(late(text))
    failure = bench.failure(infer_rows=100)
    assert failure.startswith(f"rows.csv:302: column 'n': expected integer, got {kind}. ")
    assert 'types: {"n": "string"}' in failure
    assert text not in failure


def test_the_whole_file_can_be_the_sample(bench: Workbench) -> None:
    bench.write(late("x"))
    assert bench.records(infer_rows=0)[-1] == {"id": 300, "n": "x"}


def test_a_bad_value_can_become_null_and_is_counted(bench: Workbench) -> None:
    bench.write(late("x"))
    outcome = bench.run(infer_rows=100, on_bad_value="null")
    assert outcome.code == 0
    assert outcome.messages("RECORD")[-1]["record"] == {"id": 300, "n": None}
    assert "1 bad values made null in rows.csv, the first at line 302" in outcome.stderr
    assert '"metric":"values_nulled","value":1,"tags":{"stream":"rows"' in outcome.stderr


def test_a_naive_time_among_zoned_ones_fails_unless_the_user_says_what_it_means(bench: Workbench) -> None:
    rows = "at\n" + "2024-05-01T10:00:00Z\n" * 200 + "2024-05-01T10:00:00\n"
    bench.write(rows)
    assert "got a date-time without a time zone" in bench.failure(infer_rows=100)
    assert len(bench.records(types={"at": "date-time"})) == 201


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "an empty field"),
        (" \t", "white space"),
        ("-12", "an integer"),
        ("-9223372036854775808", "an integer"),
        ("9223372036854775808", "an integer beyond 64 bits"),
        ("007", "digits with a leading zero"),
        ("1.5e3", "a number"),
        ("-Inf", "no finite number"),
        ("True", "a boolean"),
        ("2024-05-01", "a date"),
        ("2024-05-01 10:00", "a date-time without a time zone"),
        ("2024-05-01T10:00:00+02:00", "a date-time with a time zone"),
        ("10:00", "a time"),
        ("größe", "text of 5 characters"),
    ],
)
def test_a_value_is_described_by_its_kind(text: str, kind: str) -> None:
    assert describe(text.encode()) == kind
