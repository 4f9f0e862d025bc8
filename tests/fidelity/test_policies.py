"""What settings make of values that JSON or Arrow has no form for, in tables and in changes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fidelity.cases import DATE_ENDS, NUMBER_ENDS, TIME_ENDS, ZONED_ENDS, Case
from tests.fidelity.matrix import TABLE, fill_table, make_table, wrong_values
from tests.fidelity.pipeline import SCHEMA, FailedError, load, source
from tests.services.postgres import Postgres

DAY_ENDS = (("24:00:00", "", ""),)
DATES = (
    Case("date", ("2024-02-29",), DATE_ENDS),
    Case("timestamp", ("2024-01-02 03:04:05.678901",), TIME_ENDS),
    Case("timestamptz", ("2024-01-02 03:04:05.678901+00",), ZONED_ENDS),
)
TIMES = Case("time", ("00:00:00",), DAY_ENDS)
WAYS = ("lines", "log")


def nulls(case: Case) -> Case:
    return replace(case, policies=tuple((value, None, setting) for value, _, setting in case.policies))


def texts(case: Case) -> Case:
    """All values are plain text, so none needs a policy."""
    return Case(case.declared, (*case.values, *(value for value, *_ in case.policies)))


def wrong(server: Postgres, directory: Path, way: str, cases: tuple[Case, ...], **settings: Any) -> list[Any]:
    with source(server, "fidelity_policies") as read:
        return wrong_values(read, cases, "SELECT 1", directory, way, **settings)


@pytest.mark.parametrize("way", WAYS)
def test_dates_without_a_form_can_be_null(logical: Postgres, tmp_path: Path, way: str) -> None:
    cases = tuple(nulls(case) for case in (*DATES, TIMES))
    assert wrong(logical, tmp_path, way, cases, out_of_range_dates="null") == []


@pytest.mark.parametrize("way", WAYS)
def test_dates_as_text_are_all_there(logical: Postgres, tmp_path: Path, way: str) -> None:
    assert wrong(logical, tmp_path, way, tuple(texts(case) for case in DATES), dates_as_string=True) == []


def test_columns_read_as_text_lose_nothing(sixteen: Postgres, tmp_path: Path) -> None:
    """Of changes not all can be: there the server does not cast."""
    cases = (
        texts(Case("float8", ("0.1",), NUMBER_ENDS)),
        texts(Case("numeric", ("1.50",), NUMBER_ENDS)),
        Case("int4[]", ("{1,NULL}", "[2:3]={1,2}", "{{1},{2}}")),
        Case("json", ("null", "{}")),
        texts(TIMES),
    )
    chosen = {f"{SCHEMA}-{TABLE}": {f"c{number}": "text" for number in range(len(cases))}}
    assert wrong(sixteen, tmp_path, "lines", cases, column_types=chosen) == []


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        *((case, {"out_of_range_dates": "fail"}) for case in (*DATES, TIMES)),
        (Case("float4", (), NUMBER_ENDS[1:]), {"special_numbers": "fail"}),
        (Case("numeric", (), NUMBER_ENDS[1:]), {"special_numbers": "fail"}),
        (Case("int4[]", (), (("{{1},{2}}", "", ""),)), {}),
    ],
    ids=lambda value: value.declared if isinstance(value, Case) else "",
)
def test_a_run_can_end_at_such_a_value(
    sixteen: Postgres, tmp_path: Path, case: Case, settings: dict[str, Any]
) -> None:
    """It names the column and the row, and shows nothing of the value."""
    value = case.policies[0][0]
    with source(sixteen, "fidelity_refused") as read:
        with read.connect() as connection:
            make_table(connection, [Case(case.declared, (value,))], "SELECT 1")
            fill_table(connection, [Case(case.declared, (value,))])
        with pytest.raises(FailedError) as caught:
            load(read, tmp_path, "lines", **settings)
    said = str(caught.value)
    assert "tap-postgres exited 1" in said
    (line,) = [line for line in said.splitlines() if "| CRITICAL |" in line]
    assert f"'{SCHEMA}-{TABLE}'" in line
    assert "c0" in line
    assert value not in line
