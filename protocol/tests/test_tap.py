"""A real tap as a process: command line, catalog, state, purity of stdout, signals, broken pipes."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest
from dativo_protocol.testing import run, start


def config(**settings) -> list[str]:
    return ["--config", json.dumps(settings)]


def catalog_with(streams: dict[str, dict[str, bool]]) -> dict:
    """A catalog as Meltano leaves it: `selected` on everything, per stream and property."""
    properties = {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}}
    return {
        "streams": [
            {
                "tap_stream_id": stream,
                "stream": stream,
                "key_properties": ["id"],
                "schema": {"type": "object", "properties": properties},
                "metadata": [
                    {
                        "breadcrumb": [],
                        "metadata": {"inclusion": "available", "selected": selected.pop("", True)},
                    },
                    *(
                        {"breadcrumb": ["properties", name], "metadata": {"selected": chosen}}
                        for name, chosen in selected.items()
                    ),
                ],
            }
            for stream, selected in streams.items()
        ]
    }


def test_messages_come_whole_and_in_order(tap):
    outcome = run([*tap, *config(rows=2500, streams=["a", "b"])])
    assert outcome.code == 0
    kinds = [message["type"] for message in outcome.lines]
    assert kinds[0] == "SCHEMA"
    assert kinds[-1] == "STATE"
    for stream in ("a", "b"):
        ids = [each["record"]["id"] for each in outcome.messages("RECORD") if each["stream"] == stream]
        assert ids == list(range(2500))
    assert outcome.lines[1]["record"]["name"] == "näme 0"
    assert outcome.messages("STATE")[-1]["value"]["bookmarks"]["b"]["replication_key_value"] == 2500


def test_records_carry_the_moment_of_extraction_in_utc(tap):  # M2
    record = run([*tap, *config(rows=1)]).messages("RECORD")[0]
    assert list(record) == ["type", "stream", "record", "time_extracted"]
    assert record["time_extracted"].endswith("+00:00")


def test_no_two_states_in_a_row_are_equal(tap):  # K6
    states = run([*tap, *config(rows=3000, streams=["a"])]).messages("STATE")
    values = [state["value"]["bookmarks"]["a"]["replication_key_value"] for state in states]
    assert values == [1000, 2000, 3000]


def test_discovery_writes_the_catalog_and_nothing_else(tap):  # S1 C3
    outcome = run([*tap, *config(chatty=True), "--discover"])
    assert outcome.code == 0
    assert [entry["tap_stream_id"] for entry in json.loads(outcome.stdout)["streams"]] == ["numbers"]
    assert "stray print: discovering" in outcome.stderr


def test_discovery_accepts_a_state_and_does_not_sync(tap, tmp_path):  # C3
    (tmp_path / "state.json").write_text('{"bookmarks": {}}')
    outcome = run([*tap, *config(), "--state", str(tmp_path / "state.json"), "--discover"])
    assert outcome.code == 0
    assert list(json.loads(outcome.stdout)) == ["streams"]


def test_stray_prints_even_from_below_python_do_not_reach_stdout(tap):  # S1
    outcome = run([*tap, *config(rows=2000, chatty=True)])
    assert outcome.code == 0
    assert len(outcome.messages("RECORD")) == 2000
    assert "stray print: rows from 1000" in outcome.stderr
    assert "stray write from below Python" in outcome.stderr


@pytest.mark.parametrize("option", ["--catalog", "--properties", "-p"])
def test_a_catalog_selects_streams_and_properties(tap, tmp_path, option):  # C1 C5 K3
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(catalog_with({"a": {"": False}, "b": {"name": False}})))
    outcome = run([*tap, *config(streams=["a", "b"], rows=1), option, str(path)])
    assert [message["stream"] for message in outcome.messages("SCHEMA")] == ["b"]
    assert list(outcome.messages("SCHEMA")[0]["schema"]["properties"]) == ["id"]
    assert outcome.messages("RECORD")[0]["record"] == {"id": 0}


def test_a_state_is_where_it_starts_and_unknown_parts_survive(tap, tmp_path):  # K6
    state = {
        "bookmarks": {
            "numbers": {"replication_key": "id", "replication_key_value": 8},
            "other": {"replication_key_value": "x"},
        },
        "extra": 1,
    }
    (tmp_path / "state.json").write_text(json.dumps(state))
    outcome = run([*tap, *config(rows=10), "-s", str(tmp_path / "state.json")])
    assert outcome.lines[0] == {"type": "STATE", "value": state}
    assert [each["record"]["id"] for each in outcome.messages("RECORD")] == [8, 9]
    last = outcome.lines[-1]["value"]
    assert last["extra"] == 1
    assert last["bookmarks"]["other"] == state["bookmarks"]["other"]
    assert last["bookmarks"]["numbers"]["replication_key_value"] == 10


@pytest.mark.parametrize(("option", "records"), [("--test", 2), ("--test=all", 2), ("--test=schema", 0)])
def test_a_trial_writes_a_record_of_each_stream_or_none_and_no_state(tap, option, records):  # C1
    outcome = run([*tap, *config(rows=100_000, streams=["a", "b"]), option])
    assert outcome.code == 0
    assert len(outcome.messages("SCHEMA")) == 2
    assert len(outcome.messages("RECORD")) == records
    assert outcome.messages("STATE") == []


def test_a_trial_of_a_source_that_is_down_fails(tap):
    outcome = run([*tap, *config(fail_after=0), "--test"])
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert outcome.stderr.rstrip().endswith("the source is down. Start it.")


def test_a_failing_source_ends_in_one_critical_line_and_no_further_state(tap):  # S2 S5
    outcome = run([*tap, *config(rows=5000, fail_after=2000)])
    assert outcome.code == 1
    assert len(outcome.messages("RECORD")) == 2000
    values = [
        each["value"]["bookmarks"]["numbers"]["replication_key_value"] for each in outcome.messages("STATE")
    ]
    assert values == [1000, 2000]
    critical = [line for line in outcome.stderr.splitlines() if "CRITICAL" in line]
    assert len(critical) == 1
    assert critical[0].endswith("the source broke after row 2000.")
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--config", "none.json"], 1, "config file none.json cannot be read"),
        (["--catalog", "none.json"], 1, "catalog file none.json cannot be read"),
        (["--state", "none.json"], 1, "state file none.json cannot be read"),
        (["--config", '{"rows": "many", "pause": false}'], 1, "rows: expected integer, got string"),
        (["--test=everything"], 2, "'everything' is not one of"),
        (["stray"], 2, "unexpected extra argument"),
    ],
)
def test_faults_of_the_caller(tap, arguments, code, message):  # S2
    outcome = run([*tap, *arguments])
    assert (outcome.code, outcome.stdout) == (code, b"")
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_settings_from_the_environment(tap):  # C2
    outcome = run(
        [*tap, "--config", '{"rows": 1, "batch_rows": 7}', "--config", "ENV"],
        env={"TAP_NUMBERS_ROWS": "3", "TAP_NUMBERS_STREAMS": "x,y"},
    )
    assert len(outcome.messages("RECORD")) == 6
    assert {each["stream"] for each in outcome.messages("RECORD")} == {"x", "y"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_with_the_state_reached(tap, number, code):  # S3
    with start([*tap, *config(rows=1_000_000, batch_rows=10, pause=0.01)]) as process:
        process.read_until(b'"STATE"')
        process.signal(number)
        process.signal(signal.SIGTERM)
        outcome = process.finish()
    assert outcome.code == code
    ids = [message["record"]["id"] for message in outcome.messages("RECORD")]
    assert outcome.lines[-1]["type"] == "STATE"
    assert outcome.lines[-1]["value"]["bookmarks"]["numbers"]["replication_key_value"] == ids[-1] + 1
    assert outcome.stderr.rstrip().endswith(f"stopped by {number.name}")
    assert "Traceback" not in outcome.stderr


def test_a_tap_blocked_on_a_full_pipe_tears_no_line_when_it_is_stopped(tap):  # S3
    with start([*tap, *config(rows=1_000_000, batch_rows=100_000)]) as process:
        process.read_until(b'"RECORD"')
        process.signal(signal.SIGTERM)
        outcome = process.finish()
    assert outcome.code == 143
    count = len(outcome.messages("RECORD"))
    assert 0 < count < 1_000_000
    assert [each["record"]["id"] for each in outcome.messages("RECORD")] == list(range(count))


def test_a_reader_that_leaves_ends_the_tap_quietly(tap):  # S4
    with start([*tap, *config(rows=1_000_000)]) as process:
        process.read_until(b'"RECORD"')
        process.stop_reading()
        code = process.wait(timeout=30)
        stderr = process.stderr()
    assert code == 3
    assert "CRITICAL" not in stderr
    assert "Traceback" not in stderr


def test_describing_into_a_closed_pipe_is_quiet_too(tap):  # S4
    command = " ".join([*tap, "--about"])
    outcome = subprocess.run(
        ["bash", "-c", f"{command} | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert outcome.returncode in (0, 3)
    assert outcome.stderr == b""


def test_counters_and_a_summary_are_logged(tap):  # L4
    outcome = run([*tap, *config(rows=1500, streams=["a", "b"])])
    points = [
        json.loads(line.split("METRIC: ")[1]) for line in outcome.stderr.splitlines() if "METRIC: " in line
    ]
    counted = {(point["metric"], point["tags"].get("stream")): point["value"] for point in points}
    assert counted[("record_count", "a")] == 1500
    assert counted[("batch_count", "b")] == 2
    assert counted[("job_duration", None)] > 0
    assert "read 3,000 records of 2 streams (a 1,500, b 1,500) in " in outcome.stderr
