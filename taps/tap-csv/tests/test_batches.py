"""Records handed over as files, when `batch_config` asks for it (B1..B3)."""

from __future__ import annotations

import gzip
import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from conftest import Workbench

CONTENT = "id,name,day\n" + "".join(f'{number},"näme, {number}",2024-02-29\n' for number in range(250))
ENCODINGS = [
    {"format": "jsonl"},
    {"format": "jsonl", "compression": "gzip"},
    {"format": "parquet"},
    {"format": "parquet", "compression": "snappy"},
    {"format": "arrow"},
]


def batches(bench: Workbench, encoding: dict[str, Any], **more: Any) -> None:
    storage = {"root": (bench.directory / "spool").as_uri()}
    bench.settings["batch_config"] = {"encoding": encoding, "storage": storage, **more}


def rows_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    [uri] = message["manifest"]
    path = Path(urlsplit(uri).path)
    match message["encoding"]["format"]:
        case "jsonl":
            data = path.read_bytes()
            is_gzip = message["encoding"].get("compression") == "gzip"
            return [json.loads(line) for line in (gzip.decompress(data) if is_gzip else data).splitlines()]
        case "parquet":
            return pq.read_table(path).to_pylist()
        case _:
            with pa.ipc.open_file(path) as reader:
                return reader.read_all().to_pylist()


def as_json(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str | int) else str(value) for name, value in record.items()}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_records_are_those_of_the_messages(bench: Workbench, encoding: dict[str, Any]) -> None:
    bench.write(CONTENT)
    records = bench.records(keys=["id"])
    batches(bench, encoding, batch_size=100)
    outcome = bench.run(keys=["id"])
    assert outcome.code == 0, outcome.stderr
    assert [message["type"] for message in outcome.lines] == ["SCHEMA", "BATCH", "BATCH", "BATCH", "STATE"]
    found = [rows_of(message) for message in outcome.messages("BATCH")]
    assert [len(rows) for rows in found] == [100, 100, 50]
    assert [as_json(record) for rows in found for record in rows] == records


def test_what_the_message_says_of_the_encoding(bench: Workbench) -> None:
    """The words of the SDK; a Parquet file says itself how its pages are compressed."""
    bench.write(CONTENT)
    said = []
    for encoding in ENCODINGS:
        batches(bench, encoding)
        said += [message["encoding"] for message in bench.run().messages("BATCH")]
    assert said == [
        {"format": "jsonl"},
        {"format": "jsonl", "compression": "gzip"},
        {"format": "parquet"},
        {"format": "parquet"},
        {"format": "arrow"},
    ]


def test_names_are_never_given_twice(bench: Workbench) -> None:
    bench.write(CONTENT)
    batches(bench, {"format": "arrow"}, batch_size=100)
    for runs in (1, 2):
        assert bench.run().code == 0
        names = [path.name for path in (bench.directory / "spool").iterdir()]
        assert len(names) == 3 * runs
        assert all(name.startswith("rows-") and name.endswith(".arrow") for name in names)


def test_each_stream_has_files_of_its_own(bench: Workbench) -> None:
    bench.write(CONTENT)
    bench.write("a\n1\n", "other.csv")
    batches(bench, {"format": "parquet"})
    bench.settings["files"] = [bench.stream, {"entity": "a/b", "path": "other.csv"}]
    outcome = bench.run()
    assert [(message["stream"], len(rows_of(message))) for message in outcome.messages("BATCH")] == [
        ("rows", 250),
        ("a/b", 1),
    ]


def test_a_stream_without_rows_has_no_file(bench: Workbench) -> None:
    bench.write("a,b\n")
    batches(bench, {"format": "arrow"})
    assert [message["type"] for message in bench.run().lines] == ["SCHEMA", "STATE"]


def test_a_trial_writes_records_and_no_file(bench: Workbench) -> None:
    bench.write(CONTENT)
    batches(bench, {"format": "arrow"})
    outcome = bench.run("--test")
    assert [message["type"] for message in outcome.lines] == ["SCHEMA", "RECORD"]
    assert not (bench.directory / "spool").exists()


def test_a_state_covers_the_files_before_it_alone(bench: Workbench) -> None:
    bench.write(CONTENT)
    bench.write(CONTENT, "rows2.csv")
    batches(bench, {"format": "arrow"})
    outcome = bench.run(path="rows*.csv", incremental_by="file_mtime")
    kinds = [message["type"] for message in outcome.lines]
    assert kinds == ["SCHEMA", "BATCH", "STATE", "BATCH", "STATE"]


def test_a_bad_value_leaves_no_open_file(bench: Workbench) -> None:
    bench.write("id\n" + "1\n" * 2_000_000 + "x\n")
    batches(bench, {"format": "arrow"}, batch_size=9_000_000)
    assert "rows.csv:2000002: column 'id': expected integer" in bench.failure()
    assert list((bench.directory / "spool").iterdir()) == []


def test_a_place_that_cannot_be_written_to_ends_the_run(bench: Workbench) -> None:
    bench.write(CONTENT)
    bench.write("in the way", "spool")
    batches(bench, {"format": "arrow"})
    assert bench.failure().startswith(f"cannot write batch files to {bench.directory / 'spool'}")


def test_a_root_that_is_elsewhere_is_refused(bench: Workbench) -> None:
    bench.write(CONTENT)
    bench.settings["batch_config"] = {"encoding": {"format": "arrow"}, "storage": {"root": "s3://bucket/x"}}
    assert "batch_config.storage: root: s3:// is not supported" in bench.failure()


def test_a_signal_ends_it_with_a_state_for_exactly_the_rows_handed_over(bench: Workbench) -> None:
    (bench.directory / "rows.csv").write_text("id\n" + "".join(f"{n}\n" for n in range(3_000_000)))
    batches(bench, {"format": "arrow"}, batch_size=50_000)
    with bench.start(incremental_by="file_mtime") as running:
        running.read_until(b'"BATCH"')
        running.signal(signal.SIGTERM)
        first = running.finish(30)
    assert first.code == 143
    state = first.messages("STATE")[-1]["value"]
    second = bench.run(incremental_by="file_mtime", state=state)
    assert second.code == 0, second.stderr
    messages = first.messages("BATCH") + second.messages("BATCH")
    ids = [row["id"] for message in messages for row in rows_of(message)]
    assert ids == list(range(3_000_000))


@pytest.mark.parametrize("format_", ["jsonl", "parquet", "arrow"])
def test_a_kill_leaves_whole_files_under_their_names(bench: Workbench, format_: str) -> None:
    """And what is not whole cannot be mistaken for one, wherever between file and message it came."""
    (bench.directory / "rows.csv").write_text("id\n" + "".join(f"{n}\n" for n in range(1_000_000)))
    batches(bench, {"format": format_}, batch_size=20_000)
    spool = bench.directory / "spool"
    for wait in (0.0, 0.02, 0.05, 0.1):
        with bench.start(types={"id": "integer"}) as running:
            running.read_until(b'"BATCH"')
            time.sleep(wait)
            running.signal(signal.SIGKILL)
            running.wait(30)
    named = [path for path in spool.iterdir() if not path.name.startswith(".")]
    assert len(named) >= 4
    for path in named:
        message = {"manifest": [path.as_uri()], "encoding": {"format": format_}}
        assert len(rows_of(message)) == 20_000
    assert all(path.name.endswith(".tmp") for path in spool.iterdir() if path not in named)
