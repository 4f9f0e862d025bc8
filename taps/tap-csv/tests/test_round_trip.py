"""The promise behind inference: a value is emitted as it was meant, or the run fails; it is never changed."""

from __future__ import annotations

import csv
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tap_csv.definitions import Definition
from tap_csv.discovery import discover_stream
from tap_csv.errors import BadValueError
from tap_csv.notices import Notices
from tap_csv.plan import plan_stream
from tap_csv.rows import open_csv
from tap_csv.sources import list_files
from tap_csv.typed import RowTyper

ZONES = st.sampled_from(["Z", "+00:00", "+02:00", "-0330"])

TEXTS: dict[str, st.SearchStrategy[str]] = {
    "integers": st.integers(-(10**20), 10**20).map(str),
    "small integers": st.integers(-9, 9).map(str),
    "codes": st.from_regex(r"[0-9]{3,5}", fullmatch=True),
    "phones": st.from_regex(r"\+[0-9]{3,12}", fullmatch=True),
    "floats": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "odd numbers": st.sampled_from(
        ["0x1F", "1_000", "1e400", "nan", "-inf", "00.5", ".5", "5.", "1e3", " 7"]
    ),
    "booleans": st.sampled_from(["true", "False", "TRUE", "0", "1", "yes", "t"]),
    "dates": st.dates().map(date.isoformat),
    "bad dates": st.sampled_from(["2023-02-30", "2023-13-01", "20230101", "1.2.2023"]),
    "times": st.datetimes().map(lambda at: at.isoformat(sep=" ")),
    "zoned times": st.tuples(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)), ZONES).map(  # noqa: DTZ001
        lambda both: both[0].isoformat() + both[1]
    ),
    "words": st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028"), max_size=8),
}

columns = st.sampled_from(sorted(TEXTS)).flatmap(lambda kind: st.lists(TEXTS[kind], min_size=1, max_size=12))
mixtures = st.tuples(columns, columns).map(lambda parts: parts[0] + parts[1])


def emitted(texts: list[str], sample: int) -> list[Any]:
    """Write texts as a column of a file; infer its type from the first ones and read it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "rows.csv")
        with path.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([["n", "value"], *enumerate(texts)])
        definition = Definition("rows", str(path), infer_rows=sample, null_values=())
        entry = discover_stream(definition, Notices())
        assert entry is not None
        with open_csv(list_files(str(path))[0], definition) as opened:
            typer = RowTyper(plan_stream(entry, definition), opened)
            batches = [typer.typed(batch).rows for batch in opened.batches(typer.columns)]
        event(str(batches[0].schema.field("value").type))
        return [value for batch in batches for value in batch.column("value").to_pylist()]


def is_meant(text: str, value: Any) -> bool:
    """Whether a value is what a reader of the text would take it for."""
    match value:
        case str():
            return value == text
        case bool():
            return text.lower() in (("true", "1") if value else ("false", "0"))
        case int():
            return str(value) == text.strip().replace("-0", "0")
        case Decimal():
            return str(value) == text
        case float():
            return not text.startswith("0") or text[1:2] in ("", ".", "e") if float(text) == value else False
        case datetime():
            meant = datetime.fromisoformat(text)
            return (meant.tzinfo is None) == (value.tzinfo is None) and meant == value
        case date():
            return date.fromisoformat(text) == value
    raise AssertionError(value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=mixtures, sample=st.sampled_from([100, 0]))
def test_inference_never_changes_a_value(texts: list[str], sample: int) -> None:
    values = emitted(texts, sample)
    assert len(values) == len(texts)
    assert all(map(is_meant, texts, values)), values


@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(head=columns, tail=columns)
def test_what_the_sample_did_not_show_fails_rather_than_be_changed(head: list[str], tail: list[str]) -> None:
    texts = (head * 101)[:101] + tail  # a file's share of the sample is never less than 100 rows
    line, values = 0, []
    try:
        values = emitted(texts, 1)
    except BadValueError as error:
        line = error.line
    event("failed" if line else "emitted")
    assert line > 101 if line else len(values) == len(texts)
    assert all(map(is_meant, texts, values)), values
