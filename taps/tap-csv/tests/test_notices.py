"""What is said once, what is counted, and how files are held against their stream."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from dativo_protocol.discovery import catalog_entry
from tap_csv.checks import check_header, require
from tap_csv.errors import HeaderError
from tap_csv.header import Header, name_columns
from tap_csv.notices import Notices
from tap_csv.plan import plan_stream
from tap_csv.tally import StreamTallies, Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_csv.definitions import Definition
    from tap_csv.plan import StreamPlan


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged so far; filled as the test goes on."""
    caplog.set_level(logging.INFO)
    texts: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(record.getMessage())

    logger = logging.getLogger("tap_csv")
    handler = Collector()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return texts


def test_a_notice_is_given_once(said: list[str]) -> None:
    notices = Notices()
    for _ in range(3):
        notices.warn("s", "first")
        notices.warn("s", "again in another file", about="column")
        notices.warn("t", "first")
        notices.say("s", "only so you know")
    assert said == ["s: first", "s: again in another file", "t: first", "s: only so you know"]


def test_what_a_notice_is_about_counts_not_its_words(said: list[str]) -> None:
    notices = Notices()
    notices.warn("s", "missing in 1.csv", about="a")
    notices.warn("s", "missing in 2.csv", about="a")
    notices.warn("s", "missing in 2.csv", about="b")
    assert said == ["s: missing in 1.csv", "s: missing in 2.csv"]


def test_tallies_know_their_first_row_and_add_up() -> None:
    one, other = Tally(), Tally()
    assert (one.count, one.first) == (0, None)
    one.add(7, 2)
    one.add(3)
    other.add(5)
    assert one + other == Tally(4, 3)
    assert Tally() + other == other
    assert Tally() + Tally() == Tally()


def test_a_metric_that_counted_nothing_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tallies = StreamTallies("s")
    tallies.log()
    assert caplog.messages == []
    tallies.add("rows_left_out", 2)
    tallies.add("rows_left_out", 3)
    tallies.log()
    (message,) = caplog.messages
    assert '"metric":"rows_left_out","value":5,"tags":{"stream":"s"' in message


@pytest.fixture
def plan(define: Callable[..., Definition]) -> StreamPlan:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in ("id", "a", "at")}}
    entry = catalog_entry("rows", schema, key_properties=["id"])
    return plan_stream(entry, define(replication_key="at"))


def test_a_header_that_fits_is_not_spoken_of(plan: StreamPlan, said: list[str]) -> None:
    check_header(Header(("at", "id", "a")), plan, "x.csv", Notices())
    assert said == []


def test_columns_too_many_and_too_few_are_spoken_of_once(plan: StreamPlan, said: list[str]) -> None:
    notices = Notices()
    for file in ("1.csv", "2.csv"):
        check_header(Header(("at", "id", "new")), plan, file, notices)
    assert said == [
        "rows: column 'new' is not in the catalog and is not read (first seen in 1.csv)",
        "rows: column 'a' is null where files lack it (first: 1.csv)",
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("at", "a"), "x.csv: no key column 'id' among the columns 'at', 'a'"),
        (("id", "a"), "x.csv: no replication key 'at' among the columns 'id', 'a'"),
    ],
)
def test_columns_that_every_file_must_have(plan: StreamPlan, columns: tuple[str, ...], message: str) -> None:
    with pytest.raises(HeaderError) as caught:
        check_header(Header(columns), plan, "x.csv", Notices())
    assert str(caught.value) == message


def test_an_empty_file_lacks_nothing(plan: StreamPlan, said: list[str]) -> None:
    check_header(Header(()), plan, "x.csv", Notices())
    assert said == ["rows: x.csv is empty: no header, no rows"]
    require(Header(()), ["id"], "key column", "x.csv")


def test_renamed_columns_are_spoken_of(plan: StreamPlan, said: list[str]) -> None:
    check_header(name_columns(["id", "at", "a", "a", ""]), plan, "x.csv", Notices())
    assert said[:2] == [
        "rows: the name 'a' is taken, a further column of it is called 'a_2' (first: x.csv)",
        "rows: a column without a name is called 'column_5' (first: x.csv)",
    ]
