"""Rows from the greatest value of a column on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Workbench


def bookmark_of(state: Any) -> Any:
    return state["bookmarks"]["rows"]


def run(bench: Workbench, state: Any = None, **raw: Any) -> tuple[list[dict[str, Any]], Any]:
    outcome = bench.run(state=state, **{"replication_key": "k", **raw})
    assert outcome.code == 0, outcome.stderr
    assert outcome.messages("SCHEMA")[0]["bookmark_properties"] == ["k"]
    return [message["record"] for message in outcome.messages("RECORD")], outcome.messages("STATE")[-1][
        "value"
    ]


@pytest.mark.parametrize(
    ("values", "more", "value", "expected"),
    [
        (["3", "1", "2"], ["2", "4", "3"], 3, [3, 4, 3]),
        (["1.5", "0.5"], ["1.25", "1.75"], 1.5, [1.5, 1.75]),
        (["b", "a"], ["c", "b"], "b", ["b", "c", "b"]),
        (
            ["2024-02-01", "2024-01-01"],
            ["2024-01-31", "2024-02-02"],
            "2024-02-01",
            ["2024-02-01", "2024-02-02"],
        ),
        (
            ["2024-02-01 10:00:00.5", "2024-01-01 00:00:00"],
            ["2024-02-01 10:00:00.4", "2024-02-01 10:00:01"],
            "2024-02-01T10:00:00.500000",
            ["2024-02-01T10:00:00.500000+00:00", "2024-02-01T10:00:01+00:00"],
        ),
        (
            ["2024-02-01T10:00:00Z", "2024-02-01T10:00:00+02:00"],
            ["2024-02-01T12:00:00+02:00", "2024-02-01T09:59:59Z"],
            "2024-02-01T10:00:00Z",
            ["2024-02-01T10:00:00+00:00", "2024-02-01T10:00:00+00:00"],
        ),
    ],
)
def test_a_second_run_begins_at_the_greatest_value_of_the_first(
    bench: Workbench, values: list[str], more: list[str], value: Any, expected: list[Any]
) -> None:
    bench.write("id,k\n" + "".join(f"{n},{each}\n" for n, each in enumerate(values)), "in/1.csv")
    records, state = run(bench, path="in")
    assert len(records) == len(values)
    assert bookmark_of(state) == {"replication_key": "k", "replication_key_value": value}
    bench.write("id,k\n" + "".join(f"{n},{each}\n" for n, each in enumerate(more)), "in/2.csv")
    records, _ = run(bench, state, path="in")
    assert [record["k"] for record in records] == expected


def test_decimals_are_remembered_digit_by_digit(bench: Workbench) -> None:
    bench.write("k\n12345678901234567890.01\n12345678901234567890.02\n")
    types = {"k": "decimal(22,2)"}
    records, state = run(bench, types=types)
    assert len(records) == 2
    assert bookmark_of(state)["replication_key_value"] == "12345678901234567890.02"
    records, _ = run(bench, state, types=types)
    assert len(records) == 1


def test_rows_without_a_value_are_never_lost_and_do_not_count(bench: Workbench) -> None:
    bench.write("id,k\n1,5\n2,\n3,9\n")
    records, state = run(bench)
    assert [record["id"] for record in records] == [1, 2, 3]
    records, state = run(bench, state)
    assert [record["id"] for record in records] == [2, 3]
    assert bookmark_of(state)["replication_key_value"] == 9


def test_the_bookmark_stays_when_nothing_is_new(bench: Workbench) -> None:
    bench.write("k\n5\n")
    before = {"bookmarks": {"rows": {"replication_key": "k", "replication_key_value": 7}}}
    records, state = run(bench, before)
    assert records == []
    assert state == before


def test_the_bookmark_advances_only_when_all_files_were_read(bench: Workbench) -> None:
    bench.write("k\n9\n", "in/1.csv")
    bench.write("k\n3,4\n", "in/2.csv")
    outcome = bench.run(path="in", replication_key="k")
    assert outcome.code == 1
    assert [message["record"]["k"] for message in outcome.messages("RECORD")] == [9]
    assert not outcome.messages("STATE")


def test_a_row_dated_in_the_future_does_not_hide_what_comes_before_it(bench: Workbench) -> None:
    started = datetime.now(UTC)
    bench.write("k\n2999-01-01T00:00:00Z\n2024-01-01T00:00:00Z\n")
    _, state = run(bench)
    value = datetime.fromisoformat(bookmark_of(state)["replication_key_value"])
    assert started <= value <= started + timedelta(minutes=5)


def test_a_bookmark_of_another_key_does_not_count(bench: Workbench) -> None:
    bench.write("k\n1\n")
    records, state = run(
        bench, {"bookmarks": {"rows": {"replication_key": "old", "replication_key_value": 99}}}
    )
    assert len(records) == 1
    assert bookmark_of(state) == {"replication_key": "k", "replication_key_value": 1}


def test_a_bookmark_that_does_not_fit_the_column_is_refused(bench: Workbench) -> None:
    bench.write("k\n1\n")
    state = {"bookmarks": {"rows": {"replication_key": "k", "replication_key_value": "2024-01-01"}}}
    assert "value of replication key 'k' does not fit the column" in bench.failure(
        state=state, replication_key="k"
    )


def test_the_catalog_can_choose_the_key(bench: Workbench) -> None:
    bench.write("k,id\n1,1\n2,2\n")
    catalog = bench.catalog()
    wanted = {"replication-method": "INCREMENTAL", "replication-key": "id"}
    catalog["streams"][0]["metadata"][0]["metadata"] |= wanted
    state = {"bookmarks": {"rows": {"replication_key": "id", "replication_key_value": 2}}}
    outcome = bench.run(catalog=catalog, state=state)
    assert [message["record"] for message in outcome.messages("RECORD")] == [{"k": 2, "id": 2}]


def test_the_key_is_read_even_if_it_was_deselected(bench: Workbench) -> None:
    bench.write("k,a\n1,x\n")
    catalog = bench.catalog(replication_key="k")
    for item in catalog["streams"][0]["metadata"]:
        item["metadata"]["selected"] = item["breadcrumb"] == []
    outcome = bench.run(catalog=catalog, replication_key="k")
    assert outcome.messages("RECORD")[0]["record"] == {"k": 1}


@pytest.mark.parametrize(("column", "type_name"), [("true", "boolean"), ("10:00", "time")])
def test_a_key_without_a_lasting_order_is_refused(bench: Workbench, column: str, type_name: str) -> None:
    bench.write(f"k\n{column}\n")
    failure = bench.failure(replication_key="k", types={"k": type_name})
    assert "has a type without a lasting order" in failure
