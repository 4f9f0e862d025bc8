"""Files that are read once: nothing lost, nothing twice, whatever happens to files and runs in between."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workbench

LATER = 1_700_000_000_000_000_000


@pytest.fixture
def inbox(bench: Workbench) -> Workbench:
    """A bench whose stream is a directory of files that are remembered."""
    bench.stream = {"entity": "rows", "path": "in", "incremental_by": "file_mtime"}
    put(bench, "a", 1, 2)
    put(bench, "b", 3)
    return bench


def put(bench: Workbench, name: str, *ids: int, mtime_ns: int = LATER) -> Path:
    path = bench.write("id\n" + "".join(f"{id_}\n" for id_ in ids), f"in/{name}.csv")
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def ids(bench: Workbench, state: Any = None) -> tuple[list[int], Any]:
    """Run successfully; return the ids of the records and the last STATE."""
    outcome = bench.run(state=state)
    assert outcome.code == 0, outcome.stderr
    found = [message["record"]["id"] for message in outcome.messages("RECORD")]
    return found, outcome.messages("STATE")[-1]["value"]


def test_the_bookmark_names_every_file(inbox: Workbench) -> None:
    found, state = ids(inbox)
    assert found == [1, 2, 3]
    assert state == {
        "bookmarks": {
            "rows": {
                "replication_key": "_sdc_source_file_mtime",
                "replication_key_value": "2023-11-14T22:13:20.000000000Z",
                "files": {
                    "in/a.csv": {"mtime": "2023-11-14T22:13:20.000000000Z", "size": 7},
                    "in/b.csv": {"mtime": "2023-11-14T22:13:20.000000000Z", "size": 5},
                },
            }
        }
    }


def test_what_was_read_is_not_read_again_and_the_state_stays(inbox: Workbench) -> None:
    _, state = ids(inbox)
    assert ids(inbox, state) == ([], state)


def test_a_new_file_is_read_even_if_it_is_older_than_all_others(inbox: Workbench) -> None:
    _, state = ids(inbox)
    put(inbox, "0", 9, mtime_ns=LATER - 10**15)
    assert ids(inbox, state)[0] == [9]


@pytest.mark.parametrize(
    ("content", "mtime_ns"), [((1, 2, 7), LATER), ((1, 2), LATER + 1), ((1, 2), LATER - 1)]
)
def test_a_changed_file_is_read_again_as_a_whole(
    inbox: Workbench, content: tuple[int, ...], mtime_ns: int
) -> None:
    _, state = ids(inbox)
    put(inbox, "a", *content, mtime_ns=mtime_ns)
    found, state = ids(inbox, state)
    assert found == list(content)
    assert ids(inbox, state)[0] == []


def test_a_file_that_is_gone_is_remembered_in_case_it_comes_back(inbox: Workbench) -> None:
    _, state = ids(inbox)
    (inbox.directory / "in/a.csv").unlink()
    found, state = ids(inbox, state)
    assert found == []
    put(inbox, "a", 1, 2)
    assert ids(inbox, state)[0] == []


def test_memory_is_bounded_and_files_that_are_gone_make_room(inbox: Workbench) -> None:
    inbox.settings["max_remembered_files"] = 2
    _, state = ids(inbox)
    (inbox.directory / "in/a.csv").unlink()
    put(inbox, "c", 5)
    found, state = ids(inbox, state)
    assert found == [5]
    assert list(state["bookmarks"]["rows"]["files"]) == ["in/b.csv", "in/c.csv"]


def test_more_files_than_may_be_remembered_fail_rather_than_be_forgotten(inbox: Workbench) -> None:
    inbox.settings["max_remembered_files"] = 1
    failure = inbox.failure()
    assert failure.startswith("2 files are more than the 1 that a bookmark may remember. ")
    assert "max_remembered_files" in failure


def test_a_state_follows_each_file(inbox: Workbench) -> None:
    outcome = inbox.run()
    assert [message["type"] for message in outcome.lines] == [
        "SCHEMA",
        "RECORD",
        "RECORD",
        "STATE",
        "RECORD",
        "STATE",
    ]
    first, _ = outcome.messages("STATE")
    assert list(first["value"]["bookmarks"]["rows"]["files"]) == ["in/a.csv"]


def test_states_do_not_outgrow_the_records(bench: Workbench) -> None:
    bench.stream |= {"path": "in", "incremental_by": "file_mtime"}
    for n in range(60):
        put(bench, f"{n:02}", n)
    outcome = bench.run()
    states = outcome.messages("STATE")
    assert 2 <= len(states) <= 12
    assert len(states[-1]["value"]["bookmarks"]["rows"]["files"]) == 60


def test_after_a_failure_the_next_run_goes_on_after_the_last_state(inbox: Workbench) -> None:
    bad = put(inbox, "b", 3)
    good = bad.read_text()
    bad.write_text("id\n3,4\n")
    outcome = inbox.run()
    assert outcome.code == 1
    state = outcome.messages("STATE")[-1]["value"]
    bad.write_text(good)
    assert ids(inbox, state)[0] == [3]


def test_a_state_within_a_file_is_where_the_next_run_goes_on(bench: Workbench) -> None:
    path = bench.write("id,text\n" + "".join(f'{n},"x\ny"\n' for n in range(1, 40_001)))
    bench.settings = {"block_size_kb": 64, "state_rows": 12_000}
    lines = bench.run(incremental_by="file_mtime").lines
    states = [at for at, line in enumerate(lines) if line["type"] == "STATE"]
    assert len(states) >= 3
    for at in (states[0], states[-2]):
        before = [line["record"]["id"] for line in lines[:at] if line["type"] == "RECORD"]
        rest = bench.run(incremental_by="file_mtime", state=lines[at]["value"])
        after = [message["record"]["id"] for message in rest.messages("RECORD")]
        assert 0 < len(after) < 40_000
        assert before + after == list(range(1, 40_001))
    partial = lines[states[0]]["value"]["bookmarks"]["rows"]["partial"]
    assert (partial["file"], partial["size"]) == ("rows.csv", path.stat().st_size)


def test_a_partial_file_that_changed_is_read_from_its_start(bench: Workbench) -> None:
    path = bench.write("id\n" + "".join(f"{n}\n" for n in range(40_000)))
    bench.settings = {"block_size_kb": 64, "state_rows": 12_000}
    outcome = bench.run(incremental_by="file_mtime")
    state = outcome.messages("STATE")[0]["value"]
    assert state["bookmarks"]["rows"]["partial"]["rows"] >= 12_000
    with path.open("a") as out:
        out.write("40000\n")
    rest = bench.run(incremental_by="file_mtime", state=state)
    assert len(rest.messages("RECORD")) == 40_001


def test_rows_left_out_do_not_shift_the_place_to_go_on_from(bench: Workbench) -> None:
    rows = "".join(f"{n}\n" if n % 10 else f"{n},bad\n" for n in range(1, 30_001))
    bench.write("id\n" + rows)
    bench.settings = {"block_size_kb": 64, "state_rows": 10_000, "on_bad_row": "skip"}
    outcome = bench.run(incremental_by="file_mtime")
    lines = outcome.lines
    at = next(at for at, line in enumerate(lines) if line["type"] == "STATE")
    rest = bench.run(incremental_by="file_mtime", state=lines[at]["value"])
    before = [line["record"]["id"] for line in lines[:at] if line["type"] == "RECORD"]
    after = [message["record"]["id"] for message in rest.messages("RECORD")]
    assert before + after == [n for n in range(1, 30_001) if n % 10]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_says_how_far_it_came_and_the_next_one_writes_the_rest(
    bench: Workbench, number: signal.Signals
) -> None:
    rows = 120_000
    bench.write("id,text\n" + "".join(f"{n},some text that makes the row longer\n" for n in range(rows)))
    bench.settings["block_size_kb"] = 64
    with bench.start(incremental_by="file_mtime") as running:
        running.read_until(b'"RECORD"')
        running.signal(number)
        outcome = running.finish()
    assert outcome.code == 128 + number
    state = outcome.messages("STATE")[-1]["value"]
    found = [message["record"]["id"] for message in outcome.messages("RECORD")]
    assert outcome.lines[-1]["type"] == "STATE"
    assert 0 < len(found) < rows
    assert state["bookmarks"]["rows"]["partial"]["rows"] == len(found)
    rest = bench.run(incremental_by="file_mtime", state=state)
    assert found + [message["record"]["id"] for message in rest.messages("RECORD")] == list(range(rows))


def test_members_of_an_archive_are_remembered_one_by_one(bench: Workbench) -> None:
    import zipfile

    with zipfile.ZipFile(bench.directory / "a.zip", "w") as archive:
        archive.writestr("1.csv", "id\n1\n")
        archive.writestr("2.csv", "id\n2\n")
    bench.stream |= {"path": "a.zip", "incremental_by": "file_mtime"}
    found, state = ids(bench)
    assert found == [1, 2]
    assert list(state["bookmarks"]["rows"]["files"]) == ["a.zip/1.csv", "a.zip/2.csv"]
    assert ids(bench, state)[0] == []


def test_the_catalog_can_ask_for_it_by_the_replication_key(bench: Workbench) -> None:
    bench.write("id\n1\n")
    catalog = bench.catalog()
    wanted = {"replication-method": "INCREMENTAL", "replication-key": "_sdc_source_file_mtime"}
    catalog["streams"][0]["metadata"][0]["metadata"] |= wanted
    state = bench.run(catalog=catalog).messages("STATE")[-1]["value"]
    assert "rows.csv" in state["bookmarks"]["rows"]["files"]
    assert bench.run(catalog=catalog, state=state).messages("RECORD") == []


def test_the_catalog_can_ask_for_everything_again(inbox: Workbench) -> None:
    _, state = ids(inbox)
    catalog = inbox.catalog()
    catalog["streams"][0]["metadata"][0]["metadata"]["replication-method"] = "FULL_TABLE"
    outcome = inbox.run(catalog=catalog, state=state)
    assert len(outcome.messages("RECORD")) == 3
    assert outcome.messages("STATE")[-1]["value"] == state


def test_bookmarks_of_other_streams_stay(inbox: Workbench) -> None:
    other = {"bookmarks": {"other": {"replication_key": "x", "replication_key_value": 3}}, "version": 2}
    _, state = ids(inbox, other)
    assert state["bookmarks"]["other"] == other["bookmarks"]["other"]
    assert state["version"] == 2


@pytest.mark.parametrize("damage", [{"files": [1]}, {"files": {"in/a.csv": {}}}, {"partial": {"file": "x"}}])
def test_a_damaged_bookmark_is_refused(inbox: Workbench, damage: dict[str, Any]) -> None:
    failure = inbox.failure(state={"bookmarks": {"rows": damage}})
    assert "the state cannot be used: its memory of files is damaged" in failure
