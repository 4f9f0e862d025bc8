"""Progress and bookmarks, for each way of replication, without files and processes around them."""

from __future__ import annotations

from decimal import Decimal as Digits
from typing import Any

import pyarrow as pa
import pytest
from dativo_protocol.arrow import arrow_type
from dativo_protocol.columns import Column, ColumnType, Date, Decimal, Integer, Number, String, Timestamp
from dativo_protocol.errors import ConfigError
from dativo_protocol.state import Bookmark
from tap_csv.errors import CsvError
from tap_csv.progress import FullProgress, KeyProgress
from tap_csv.remembered import FilesProgress
from tap_csv.sources import SourceFile

EMPTY = pa.record_batch({"k": pa.array([], pa.int64())})


def file(name: str, *, mtime_ns: int = 1_700_000_000_123_456_789, size: int = 10) -> SourceFile:
    return SourceFile(name, "none", mtime_ns, size)


def batch(type_: ColumnType, *values: Any) -> pa.RecordBatch:
    return pa.record_batch({"k": pa.array(values, arrow_type(type_))})


class TestFull:
    """A stream that is read as a whole."""

    def test_everything_is_due_and_the_bookmark_stays(self) -> None:
        before = Bookmark({"replication_key": "x", "replication_key_value": 1})
        progress = FullProgress(before)
        rows = batch(Integer(), 1, None)
        assert progress.rows_done(file("a")) == 0
        assert progress.due(rows) is rows
        progress.wrote(file("a"), rows, 2)
        progress.finished_file(file("a"))
        progress.finished()
        assert progress.bookmark() == before
        assert not progress.is_resumable


class TestKey:
    """A stream that is read from the greatest value of a column."""

    @pytest.mark.parametrize(
        ("type_", "values", "value", "due"),
        [
            (Integer(), [3, 1, None], 3, [3, None]),
            (Number(), [0.5, 2.5], 2.5, [2.5]),
            (Decimal(20, 2), [Digits("1.10"), Digits("1.20")], "1.20", [Digits("1.20")]),
            (String(), ["b", "a", ""], "b", ["b"]),
        ],
    )
    def test_the_greatest_value_is_remembered_and_read_again(
        self, type_: ColumnType, values: list[Any], value: Any, due: list[Any]
    ) -> None:
        rows = batch(type_, *values)
        first = KeyProgress(Column("k", type_), Bookmark())
        assert first.due(rows) is rows
        first.wrote(file("a"), rows, len(values))
        first.finished()
        assert first.bookmark().values == {"replication_key": "k", "replication_key_value": value}
        second = KeyProgress(Column("k", type_), first.bookmark())
        assert second.due(rows).column("k").to_pylist() == due

    @pytest.mark.parametrize("type_", [Date(), Timestamp()])
    def test_days_and_times_are_remembered_as_text(self, type_: ColumnType) -> None:
        rows = pa.record_batch({"k": pa.array(["2024-05-01", "2024-04-30"]).cast(arrow_type(type_))})
        progress = KeyProgress(Column("k", type_), Bookmark())
        progress.wrote(file("a"), rows, 2)
        progress.finished()
        value = progress.bookmark().replication_key_value
        assert value.startswith("2024-05-01")
        again = KeyProgress(Column("k", type_), progress.bookmark())
        assert again.due(rows).num_rows == 1

    def test_the_greatest_of_several_batches_counts(self) -> None:
        progress = KeyProgress(Column("k", Integer()), Bookmark())
        for values in ([2], [9, 1], [None], [], [4]):
            progress.wrote(file("a"), batch(Integer(), *values), 1)
        progress.finished()
        assert progress.bookmark().replication_key_value == 9

    def test_nothing_counts_before_the_end(self) -> None:
        before = Bookmark({"replication_key": "k", "replication_key_value": 1})
        progress = KeyProgress(Column("k", Integer()), before)
        progress.wrote(file("a"), batch(Integer(), 5), 1)
        progress.finished_file(file("a"))
        assert progress.bookmark() == before

    def test_a_run_without_values_changes_nothing(self) -> None:
        before = Bookmark({"replication_key": "k", "replication_key_value": 1})
        progress = KeyProgress(Column("k", Integer()), before)
        progress.wrote(file("a"), batch(Integer(), None), 1)
        progress.finished()
        assert progress.bookmark() == before

    def test_progress_markers_of_another_tool_are_wiped(self) -> None:
        before = Bookmark(
            {
                "replication_key": "k",
                "replication_key_value": 1,
                "starting_replication_value": 0,
                "progress_markers": {"replication_key": "k", "replication_key_value": 99},
            }
        )
        progress = KeyProgress(Column("k", Integer()), before)
        progress.wrote(file("a"), batch(Integer(), 5), 1)
        progress.finished()
        assert progress.bookmark().values == {"replication_key": "k", "replication_key_value": 5}

    def test_a_value_of_another_type_is_refused(self) -> None:
        before = Bookmark({"replication_key": "k", "replication_key_value": "abc"})
        with pytest.raises(ConfigError, match="replication key 'k' does not fit the column"):
            KeyProgress(Column("k", Integer()), before)


class TestFiles:
    """A stream whose files are read once."""

    def progress(self, *files: SourceFile, before: Bookmark | None = None, limit: int = 10) -> FilesProgress:
        return FilesProgress(before or Bookmark(), files, limit=limit)

    def test_a_finished_file_is_done_as_long_as_it_stays_the_same(self) -> None:
        progress = self.progress(file("a"))
        assert progress.rows_done(file("a")) == 0
        progress.finished_file(file("a"))
        again = self.progress(file("a"), before=progress.bookmark())
        assert again.rows_done(file("a")) is None
        for changed in (file("b"), file("a", size=11), file("a", mtime_ns=1_700_000_000_123_456_790)):
            assert again.rows_done(changed) == 0

    def test_a_partial_file_goes_on_where_it_was(self) -> None:
        progress = self.progress(file("a"))
        progress.wrote(file("a"), EMPTY, 123)
        again = self.progress(file("a"), before=progress.bookmark())
        assert again.rows_done(file("a")) == 123
        assert again.rows_done(file("a", size=11)) == 0
        assert again.rows_done(file("b")) == 0

    def test_a_finished_file_is_no_longer_partial(self) -> None:
        progress = self.progress(file("a"))
        progress.wrote(file("a"), EMPTY, 123)
        progress.finished_file(file("a"))
        assert "partial" not in progress.bookmark().values

    def test_a_partial_file_that_is_gone_is_forgotten_at_the_end(self) -> None:
        progress = self.progress(file("a"))
        progress.wrote(file("a"), EMPTY, 123)
        again = self.progress(file("b"), before=progress.bookmark())
        again.finished_file(file("b"))
        again.finished()
        assert "partial" not in again.bookmark().values

    def test_nanoseconds_are_kept(self) -> None:
        progress = self.progress(file("a"))
        progress.finished_file(file("a"))
        assert progress.bookmark().values["files"]["a"]["mtime"] == "2023-11-14T22:13:20.123456789Z"

    def test_times_before_1970_are_times_too(self) -> None:
        old = file("a", mtime_ns=-1)
        progress = self.progress(old)
        progress.finished_file(old)
        assert progress.bookmark().values["files"]["a"]["mtime"] == "1969-12-31T23:59:59.999999999Z"
        assert self.progress(old, before=progress.bookmark()).rows_done(old) is None

    def test_the_oldest_of_the_files_that_are_gone_is_forgotten_first(self) -> None:
        files = [file(name, mtime_ns=at * 10**9) for at, name in enumerate("abcd")]
        progress = self.progress(*files)
        for each in files:
            progress.finished_file(each)
        new = file("e", mtime_ns=0)
        again = self.progress(files[1], new, before=progress.bookmark(), limit=3)
        again.finished_file(new)
        assert sorted(again.bookmark().values["files"]) == ["b", "d", "e"]

    def test_a_file_that_is_there_is_never_forgotten(self) -> None:
        with pytest.raises(CsvError, match="2 files are more than the 1") as caught:
            self.progress(file("a"), file("b"), limit=1)
        assert "max_remembered_files" in caught.value.instruction

    def test_what_others_put_into_the_bookmark_stays(self) -> None:
        before = Bookmark({"note": "keep me", "replication_key": "old", "replication_key_value": 3})
        progress = self.progress(file("a"), before=before)
        progress.finished_file(file("a"))
        values = progress.bookmark().values
        assert (values["note"], values["replication_key"]) == ("keep me", "_sdc_source_file_mtime")

    def test_a_state_weighs_as_much_as_it_names_files(self) -> None:
        progress = self.progress(file("a"), file("b"))
        assert progress.cost_of_state == 0
        progress.finished_file(file("a"))
        progress.finished_file(file("b"))
        assert progress.cost_of_state == 2

    @pytest.mark.parametrize(
        "damage",
        [
            {"files": "x"},
            {"files": {"a": 3}},
            {"files": {"a": {"mtime": "x"}}},
            {"files": {"a": {"mtime": "x", "size": "many"}}},
            {"partial": {"file": "a", "mtime": "x", "size": 1}},
        ],
    )
    def test_a_damaged_memory_is_refused(self, damage: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match="memory of files is damaged"):
            self.progress(file("a"), before=Bookmark(damage))
