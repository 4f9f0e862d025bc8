"""A real target as a process: when STATE leaves, what aborts, how it stops (R1..R7, S1..S4, G1..G5)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time

import pytest
from dativo_protocol.testing import run, start

SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}}}


def line(**message) -> bytes:
    return json.dumps(message).encode() + b"\n"


def schema(stream: str = "s", properties: dict | None = None, **more) -> bytes:
    document = SCHEMA if properties is None else {"type": "object", "properties": properties}
    return line(type="SCHEMA", stream=stream, schema=document | more, key_properties=["id"])


def record(number: int, stream: str = "s", **more) -> bytes:
    return line(type="RECORD", stream=stream, record={"id": number, **more})


def state(value: object) -> bytes:
    return line(type="STATE", value=value)


class Store:
    """What the target left in its directory."""

    def __init__(self, directory) -> None:
        self.directory = directory

    def config(self, **settings) -> list[str]:
        return ["--config", json.dumps({"directory": str(self.directory), **settings})]

    def journal(self, *kinds: str) -> list[list]:
        path = self.directory / "journal"
        entries = [json.loads(entry) for entry in path.read_text().splitlines()] if path.exists() else []
        return [entry for entry in entries if not kinds or entry[0] in kinds]

    def rows(self) -> list[dict]:
        files = sorted(self.directory.glob("*.jsonl"))
        return [json.loads(row) for file in files for row in file.read_text().splitlines()]

    def ids(self) -> list[int]:
        return [row["id"] for row in self.rows()]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "out")


def test_everything_is_loaded_and_the_last_state_is_printed(target, store):
    stdin = schema() + b"".join(record(i, name="x") for i in range(250)) + state({"at": 250})
    outcome = run([*target, *store.config()], stdin=stdin)
    assert (outcome.code, outcome.stdout) == (0, b'{"at": 250}\n')
    assert store.ids() == list(range(250))
    assert store.journal("commit") == [["commit", '{"at": 250}', True]]
    assert not re.search("error|exception", outcome.stderr, re.IGNORECASE)  # L5


@pytest.mark.parametrize(
    "value",
    [
        '{"a": 1.10, "b": 1e2,"c":12345678901234567890123456789}',
        '{ "text" : "\\u00e9\\n\\/" , "é": [ ] }',
        "{}",
        "null",
        '"2024-01-01"',
    ],
)
def test_state_is_printed_byte_for_byte(target, store, value):  # R2 M4
    stdin = schema() + record(1) + f'{{"value": {value}, "type": "STATE"}}\n'.encode()
    assert run([*target, *store.config()], stdin=stdin).stdout == f"{value}\n".encode()


def test_state_is_printed_only_after_the_commit_of_what_preceded_it(target, store):  # R1
    with start([*target, *store.config(commit_seconds=0.2)]) as process:
        for number in range(3):
            process.send(schema() + record(number) + state({"at": number}))
            process.send(record(number + 100))  # tells that the input has not ended there
            assert json.loads(process.read_line()) == {"at": number}
            assert ["committed", number + 1] in store.journal()
            assert number in store.ids()
        outcome = process.finish()
    assert outcome.code == 0
    assert store.ids() == [0, 100, 1, 101, 2, 102]
    # the records after the last STATE are committed too, without a state of their own
    assert store.journal("commit")[-1] == ["commit", None, True]


def test_a_state_of_a_silent_tap_does_not_wait_for_the_next_message(target, store):
    with start([*target, *store.config()]) as process:
        process.send(schema() + record(1) + state({"at": 1}))
        assert json.loads(process.read_line()) == {"at": 1}
        assert process.finish().code == 0


def test_states_are_coalesced_within_an_epoch_and_the_last_is_printed_though_records_follow(
    target, store
):  # R7
    stdin = schema() + b"".join(record(i) + state({"at": i}) for i in range(500)) + record(500)
    outcome = run([*target, *store.config(every_state=False)], stdin=stdin)
    assert outcome.stdout == b'{"at": 499}\n'
    assert store.ids() == list(range(501))
    assert len(store.journal("commit")) == 1


def test_a_run_published_as_a_whole_prints_its_state_after_the_final_commit(target, store):  # R5
    stdin = schema() + b"".join(record(i) + state({"at": i}) for i in range(5))
    outcome = run([*target, *store.config(whole_run=True)], stdin=stdin)
    assert outcome.stdout == b'{"at": 4}\n'
    assert store.journal("commit") == [["commit", '{"at": 4}', True]]


def test_an_empty_input_is_a_success(target, store):
    outcome = run([*target, *store.config()])
    assert (outcome.code, outcome.stdout) == (0, b"")
    assert store.journal() == [["commit", None, True], ["committed", 1], ["emitted"]]


def test_a_failed_commit_prints_no_state_and_aborts(target, store):  # R1 S2
    stdin = schema() + record(1) + state({"at": 1}) + record(2) + state({"at": 2}) + record(3)
    outcome = run([*target, *store.config(fail_at_commit=2)], stdin=stdin)
    assert (outcome.code, outcome.stdout) == (1, b'{"at": 1}\n')
    assert store.journal()[-1] == ["abort"]
    assert store.ids() == [1]
    assert outcome.stderr.rstrip().endswith("the disk is full. Make room.")


def test_a_failure_to_abort_does_not_hide_the_cause(target, store):
    outcome = run([*target, *store.config(fail_at_commit=1, fail_to_abort=True)], stdin=schema() + record(1))
    assert outcome.code == 1
    assert "what was not published could not be removed: the store cannot be tidied" in outcome.stderr
    assert outcome.stderr.rstrip().endswith("the disk is full. Make room.")


def test_a_repeated_schema_changes_nothing_and_a_new_one_comes_after_the_rows_of_the_old(target, store):  # G2
    wider = schema(properties=SCHEMA["properties"] | {"extra": {"type": ["integer", "null"]}})
    stdin = schema() + record(1) + schema() + record(2) + wider + record(3, extra=7)
    assert run([*target, *store.config()], stdin=stdin).code == 0
    assert store.journal("open_stream", "write") == [
        ["open_stream", "s", "none"],
        ["write", "s", 2],
        ["open_stream", "s", "none"],
        ["write", "s", 1],
    ]
    assert store.rows()[2]["extra"] == 7


def test_a_record_before_its_schema_ends_the_run(target, store):  # G1
    outcome = run([*target, *store.config()], stdin=schema() + record(1) + record(2, "other"))
    assert outcome.code == 1
    assert "line 3, stream 'other': record before schema" in outcome.stderr
    assert store.rows() == []


def test_a_record_before_its_schema_is_skipped_by_who_skips_what_is_invalid(target, store):
    stdin = schema() + record(1) + record(2, "other")
    assert run([*target, *store.config(on_invalid="skip")], stdin=stdin).code == 0
    assert store.ids() == [1]
    assert [entry[1:3] for entry in store.journal("invalid")] == [[3, "other"]]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b'{"type": "RECORD", "stream": "s", "record": {"id": "x"}}\n', "line 3, stream 's', /id: "),
        (
            b'{"type": "RECORD", "stream": "s", "record": {"name": "x"}}\n',
            "line 3, stream 's': key property missing: id",
        ),
        (b'{"type": "RECORD", "stream": "s"\n', "line 3"),
        (b"garbage\n", "line 3"),
    ],
)
def test_an_invalid_record_fails_the_run_and_names_its_place(target, store, bad, message):  # G3 S2
    outcome = run([*target, *store.config()], stdin=schema() + record(1) + bad + record(2) + state({}))
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert message in outcome.stderr.splitlines()[-1]
    assert store.rows() == []


def test_skipped_records_are_counted_and_the_rest_is_loaded(target, store):
    bad = b'{"type": "RECORD", "stream": "s", "record": {"id": "x"}}\n'
    outcome = run(
        [*target, *store.config(on_invalid="skip")], stdin=schema() + record(1) + bad + b"{\n" + record(2)
    )
    assert outcome.code == 0
    assert store.ids() == [1, 2]
    invalid = store.journal("invalid")
    assert [entry[1] for entry in invalid] == [3, 4]
    assert invalid[0][2:4] == ["s", "/id"]
    assert invalid[0][5] == bad.decode().rstrip("\n")
    assert "4 records read: 2 written, 0 quarantined, 2 skipped" in outcome.stderr
    assert "loaded 2 records of 1 stream (s 2) from 5 lines" in outcome.stderr
    assert outcome.stderr.rstrip().endswith("; 2 invalid")


def test_validation_is_the_planners_choice(target, store):  # G9
    limited = schema(properties={"id": {"type": "integer", "maximum": 5}})
    stdin = limited + record(5) + record(6)
    assert run([*target, *store.config()], stdin=stdin).code == 0
    outcome = run([*target, *store.config(validate=True)], stdin=stdin)
    assert outcome.code == 1
    assert "line 3, stream 's', /id: " in outcome.stderr


def test_a_schema_the_core_cannot_compile_is_validated_with_jsonschema(target, store):  # G9
    odd = {"not": {"properties": {"name": {"const": "no"}}, "required": ["name"]}}
    first, second = schema(**odd), schema(**odd, title="changed")
    stdin = first + record(1) + record(2, name="no") + record(3, name="yes") + second + record(4, name="no")
    outcome = run([*target, *store.config(validate=True, on_invalid="skip")], stdin=stdin)
    assert outcome.code == 0
    assert store.ids() == [1, 3]
    assert set(store.rows()[0]) == {"_stream", "id", "name", "_at"}
    assert [entry[2] for entry in store.journal("open_stream")] == ["jsonschema", "jsonschema"]
    assert [entry[1:4] for entry in store.journal("invalid")] == [[3, "s", ""], [6, "s", ""]]
    assert json.loads(store.journal("invalid")[0][5]) == {
        "type": "RECORD",
        "stream": "s",
        "record": {"id": 2, "name": "no"},
    }
    assert outcome.stderr.count("validated one by one with jsonschema") == 1


def test_jsonschema_compares_decimals_exactly(target, store):
    cents = {"amount": {"type": "number", "multipleOf": 0.01}}
    odd = schema(properties=SCHEMA["properties"] | cents, dependentRequired={})
    stdin = odd + record(1, amount=0.07) + record(2, amount=1.001)
    outcome = run([*target, *store.config(validate=True, on_invalid="skip")], stdin=stdin)
    assert outcome.code == 0
    assert store.ids() == [1]
    assert [entry[3] for entry in store.journal("invalid")] == ["/amount"]


def test_a_schema_that_cannot_be_stored_fails_after_what_preceded_it(target, store):
    stdin = (
        schema()
        + record(1)
        + state({"at": 1})
        + line(type="SCHEMA", stream="t", schema={}, key_properties=[])
    )
    outcome = run([*target, *store.config()], stdin=stdin)
    assert (outcome.code, outcome.stdout) == (1, b'{"at": 1}\n')
    assert "stream 't'" in outcome.stderr.splitlines()[-1]
    assert store.ids() == [1]


def test_versions_of_known_streams_are_activated_and_others_ignored_with_a_warning(target, store):  # M5
    stdin = line(type="ACTIVATE_VERSION", stream="s", version=1)
    stdin += schema() + record(1) + line(type="ACTIVATE_VERSION", stream="s", version=2)
    outcome = run([*target, *store.config()], stdin=stdin)
    assert outcome.code == 0
    assert store.journal("write", "activate_version") == [["write", "s", 1], ["activate_version", "s", 2]]
    assert "ACTIVATE_VERSION 1 is ignored: stream 's' has no SCHEMA" in outcome.stderr


def test_batch_files_are_handed_over_in_order_after_a_schema_only(target, store):  # B1
    batch = line(
        type="BATCH", stream="s", encoding={"format": "jsonl", "compression": "gzip"}, manifest=["file:///a"]
    )
    outcome = run([*target, *store.config()], stdin=schema() + record(1) + batch)
    assert outcome.code == 0
    assert store.journal("write", "load_batch_file") == [
        ["write", "s", 1],
        ["load_batch_file", "s", ["file:///a"], 3],
    ]
    outcome = run([*target, *store.config()], stdin=batch)
    assert outcome.code == 1
    assert "line 1, stream 's': batch before schema" in outcome.stderr


def test_what_is_ignored_is_said_once(target, store):  # M1 G5
    unknown = (
        line(type="HEARTBEAT", at=1) * 3 + line(type="HEARTBEAT", stream="s") + line(type="X", stream="s")
    )
    stdin = schema() + unknown + b"".join(record(i, more=1) for i in range(5))
    outcome = run([*target, *store.config()], stdin=stdin)
    assert outcome.code == 0
    assert outcome.stderr.count("messages of the unknown type 'HEARTBEAT' are ignored") == 1
    assert outcome.stderr.count("messages of the unknown type 'X' are ignored") == 1
    assert outcome.stderr.count("stream 's': the property /more is not in the schema and is ignored") == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_abandons_the_open_epoch_and_the_last_state_stands(target, store, number, code):  # S3
    with start([*target, *store.config()]) as process:
        process.send(schema() + record(1) + state({"at": 1}) + record(2))
        assert json.loads(process.read_line()) == {"at": 1}
        process.send(b"".join(record(i) for i in range(10, 310)))  # more than two batches
        wait_until(lambda: len(store.journal("write")) >= 3)
        process.signal(number)
        began = time.monotonic()
        outcome = process.finish()
    assert outcome.code == code
    assert time.monotonic() - began < 20
    assert outcome.stdout == b'{"at": 1}\n'
    assert store.ids() == [1]
    assert store.journal()[-1] == ["abort"]
    assert outcome.stderr.rstrip().endswith(f"stopped by {number.name}")
    assert "Traceback" not in outcome.stderr


def test_a_signal_during_a_commit_lets_it_finish_and_print_its_state(target, store):  # S3
    with start([*target, *store.config(commit_seconds=1)]) as process:
        process.send(schema() + record(1) + state({"at": 1}) + record(2))
        wait_until(lambda: store.journal("commit"))
        process.signal(signal.SIGTERM)
        outcome = process.finish()
    assert (outcome.code, outcome.stdout) == (143, b'{"at": 1}\n')
    assert store.journal("commit", "committed", "abort")[-2:] == [["committed", 1], ["abort"]]
    assert store.ids() == [1]


def test_nobody_left_to_read_states_ends_the_run_quietly(target, store):  # S4
    with start([*target, *store.config()]) as process:
        process.stop_reading()
        process.send(schema() + record(1) + state({"at": 1}) + record(2))
        code = process.wait(timeout=30)
        stderr = process.stderr()
    assert code == 3
    assert "CRITICAL" not in stderr
    assert "Traceback" not in stderr
    assert store.journal()[-1] == ["abort"]


def test_input_from_a_file(target, store, tmp_path):  # C1
    path = tmp_path / "input.singer"
    path.write_bytes(schema() + record(1) + state({"at": 1}).rstrip(b"\n"))
    outcome = run([*target, *store.config(), "--input", str(path)])
    assert (outcome.code, outcome.stdout) == (0, b'{"at": 1}\n')
    missing = run([*target, *store.config(), "--input", str(tmp_path / "none")])
    assert missing.code == 1
    assert "none cannot be read: No such file or directory" in missing.stderr


def test_a_closed_standard_input_is_a_failure(target, store):
    outcome = subprocess.run(
        [*target, *store.config()],
        preexec_fn=lambda: os.close(0),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert outcome.returncode == 1
    assert b"standard input cannot be read: Bad file descriptor" in outcome.stderr
    assert b"Traceback" not in outcome.stderr


def test_subcommands_take_the_settings_before_or_after_their_name(target, store):
    run([*target, *store.config()], stdin=schema() + record(1) + record(2))
    for arguments in (["count", *store.config()], [*store.config(), "count"]):
        outcome = run([*target, *arguments, "--prefix", "n="])
        assert (outcome.code, outcome.stdout) == (0, b"n=2\n")
    failed = run([*target, "count"])
    assert failed.code == 1
    assert "directory: is required" in failed.stderr
    assert run([*target, "recount"]).code == 2


def test_counters_and_a_summary_are_logged(target, store):  # L4
    stdin = schema() + b"".join(record(i) for i in range(250)) + schema("empty")
    stderr = run([*target, *store.config()], stdin=stdin).stderr
    points = [json.loads(line.split("METRIC: ")[1]) for line in stderr.splitlines() if "METRIC: " in line]
    counted = {(point["metric"], point["tags"].get("stream")): point["value"] for point in points}
    assert counted[("record_count", "s")] == 250
    assert counted[("batch_count", "s")] == 3
    assert counted[("record_count", "empty")] == 0
    assert "loaded 250 records of 2 streams (s 250, empty 0) from 252 lines" in stderr


def wait_until(condition, timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
