"""Bad records out of quarantine as lines, and repaired ones in again, each exactly once."""

import array
import fcntl
import json
import os
import re
import termios

import pytest
from dativo_protocol.testing import run, start

INTEGER = {"type": "integer"}
STATE = {"type": "STATE", "value": {"n": 1}}
SCHEMA = {
    "type": "SCHEMA",
    "stream": "users",
    "schema": {"type": "object", "properties": {"id": INTEGER, "name": {"type": "string"}}},
    "key_properties": ["id"],
}


def record(stream="users", **fields):
    return {"type": "RECORD", "stream": stream, "record": fields}


def dump(message):
    return json.dumps(message).encode() + b"\n"


@pytest.fixture
def bad(load):
    """Fills the quarantine with three records of one run."""

    def fill(*more, **raw):
        broken = dump(record(id=4))[:-4] + b"\n"
        outcome = load(
            *[SCHEMA, record(id=1), record(id="two"), record(id="three"), broken, *more, STATE],
            on_invalid="quarantine",
            **raw,
        )
        assert outcome.code == 0, outcome.stderr

    return fill


@pytest.fixture
def replay(command):
    """Runs the subcommand; without data it writes lines."""

    def call(*options, data=None, **raw):
        program, *config = command(**{"on_invalid": "quarantine", **raw})
        arguments = [] if data is None else ["--input", "-"]
        words = [program, "replay", *config, *arguments, *options]
        return run(words, stdin=data or b"")

    return call


def repair(lines):
    return lines.replace(b'"two"', b"2").replace(b'"three"', b"3").replace(b'"id":\n', b'"id": 4}}\n')


def ids(read):
    return sorted(row["id"] for row in read("users"))


def headings(lines):
    messages = [json.loads(line) for line in lines.splitlines() if line.startswith(b'{"type":"QUARANTINED"')]
    return [(message["stream"], message["line"], message["path"]) for message in messages]


def test_records_come_out_as_they_were_read_below_their_schema(bad, replay, read):
    bad()
    outcome = replay()
    assert outcome.code == 0, outcome.stderr
    schema, *pairs = outcome.stdout.splitlines()
    assert json.loads(schema) == SCHEMA
    assert pairs[1::2] == [row["raw"].encode() for row in read("_quarantine")]
    assert headings(outcome.stdout) == [("users", 3, "/id"), ("users", 4, "/id"), ("users", 5, "")]
    first = json.loads(pairs[0])
    assert first["reason"] == "expected integer, got string"
    assert (first["run_id"], first["number"]) == (read("_quarantine")[0]["run_id"], 1)


def test_repaired_records_are_loaded_and_leave_the_quarantine(bad, replay, read):
    bad()
    outcome = replay(data=repair(replay().stdout))
    assert (outcome.code, outcome.stdout) == (0, b""), outcome.stderr
    assert ids(read) == [1, 2, 3, 4]
    assert "3 quarantined records replayed" in outcome.stderr
    assert replay().stdout == b""
    rows, done = read("_quarantine"), read("_quarantine_replayed")
    assert sorted((row["run_id"], row["number"]) for row in done) == sorted(
        (row["run_id"], row["number"]) for row in rows
    )
    assert {row["lines"] for row in done} == {1}


def test_a_file_is_as_good_as_a_pipe(bad, replay, read, tmp_path):
    bad()
    path = tmp_path / "repaired.singer"
    path.write_bytes(repair(replay().stdout))
    outcome = replay("--input", str(path))
    assert outcome.code == 0, outcome.stderr
    assert ids(read) == [1, 2, 3, 4]


def test_the_same_lines_again_load_nothing(bad, replay, read):
    bad()
    repaired = repair(replay().stdout)
    for _ in range(2):
        outcome = replay(data=repaired)
        assert outcome.code == 0, outcome.stderr
    assert (
        "0 quarantined records replayed, 0 without lines stay in quarantine; 3 replayed before"
        in outcome.stderr
    )
    assert ids(read) == [1, 2, 3, 4]


def test_a_part_can_be_replayed_and_the_rest_later(bad, replay, read):
    bad()
    lines = replay().stdout
    first = b"".join(line + b"\n" for line in lines.splitlines()[:3])
    assert replay(data=repair(first)).code == 0
    assert ids(read) == [1, 2]
    assert headings(replay().stdout) == [("users", 4, "/id"), ("users", 5, "")]
    assert replay(data=repair(lines)).code == 0
    assert ids(read) == [1, 2, 3, 4]


def test_a_record_that_is_still_bad_leaves_everything_as_it_is(bad, replay, read):
    bad()
    lines = replay().stdout
    outcome = replay(data=lines.replace(b'"two"', b"2"), on_invalid="skip")
    assert outcome.code == 1
    assert "line 5, stream 'users', /id: expected integer, got string" in outcome.stderr
    assert ids(read) == [1]
    assert replay().stdout == lines


@pytest.mark.parametrize("give_up", [False, True])
def test_a_record_whose_line_is_deleted_stays_unless_it_is_given_up(bad, replay, read, give_up):
    bad()
    lines = b"".join(
        line for line in repair(replay().stdout).splitlines(keepends=True) if b'"id": 3' not in line
    )
    assert replay(*["--give-up"] * give_up, data=lines).code == 0
    assert ids(read) == [1, 2, 4]
    assert len(headings(replay().stdout)) == (0 if give_up else 1)
    assert sorted(row["lines"] for row in read("_quarantine_replayed")) == ([0, 1, 1] if give_up else [1, 1])


def test_lines_that_ran_together_can_become_two(load, replay, read):
    joined = dump(record(id=1)).strip() + dump(record(id=2))
    assert load(SCHEMA, joined, on_invalid="quarantine").code == 0
    repaired = replay().stdout.replace(b'}{"type"', b'}\n{"type"')
    assert replay(data=repaired).code == 0
    assert ids(read) == [1, 2]
    assert [row["lines"] for row in read("_quarantine_replayed")] == [2]


def test_bytes_that_are_no_text_come_out_unchanged(load, replay):
    raw = b'{"type":"RECORD","stream":"users","record":{"name":"\xff\xfe"}}'
    assert load(SCHEMA, raw + b"\n", on_invalid="quarantine").code == 0
    assert replay().stdout.splitlines()[-1] == raw


def test_a_line_without_a_stream_gets_all_schemas_of_its_run(load, replay, read):
    orders = SCHEMA | {"stream": "orders"}
    assert load(SCHEMA, orders, b'{"id": 5}\n', on_invalid="quarantine").code == 0
    lines = replay().stdout
    assert [json.loads(line)["type"] for line in lines.splitlines()[:3]] == [
        "SCHEMA",
        "SCHEMA",
        "QUARANTINED",
    ]
    outcome = replay(data=lines.replace(b'{"id": 5}', dump(record("orders", id=5)).strip()))
    assert outcome.code == 0, outcome.stderr
    assert read("orders") == [{"id": 5, "name": None}]


def test_each_record_is_held_against_the_schema_it_had(load, replay, read):
    wider = SCHEMA | {"schema": {"properties": {"id": INTEGER, "more": {"type": "boolean"}}}}
    outcome = load(
        SCHEMA, record(id="two", name="x"), wider, record(id="three", more=True), on_invalid="quarantine"
    )
    assert outcome.code == 0
    assert replay(data=repair(replay().stdout)).code == 0
    rows = sorted(read("users"), key=lambda row: row["id"])
    assert rows == [{"id": 2, "name": "x", "more": None}, {"id": 3, "name": None, "more": True}]


def test_stream_and_run_can_be_chosen(bad, load, replay, read):
    bad()
    orders = SCHEMA | {"stream": "orders"}
    assert load(orders, record("orders", id="x"), on_invalid="quarantine").code == 0
    assert headings(replay("--stream", "orders").stdout) == [("orders", 2, "/id")]
    run_id = next(row["run_id"] for row in read("_quarantine") if row["stream"] == "orders")
    assert headings(replay("--run-id", run_id).stdout) == [("orders", 2, "/id")]
    assert len(headings(replay().stdout)) == 4


def test_records_of_another_pipeline_are_not_ours(bad, replay, read):
    bad(pipeline="theirs")
    assert replay().stdout == b""
    outcome = replay(data=repair(replay(pipeline="theirs").stdout))
    assert outcome.code == 1
    assert "line 2: QUARANTINED names no row of this pipeline and destination" in outcome.stderr
    assert ids(read) == [1]


def test_the_durable_state_stays_as_it_is(bad, replay, command):
    bad()
    assert replay(data=repair(replay().stdout)).code == 0
    assert run([*command(), "--recover"]).stdout == b'{"n": 1}\n'


def test_a_replay_adds_to_streams_that_are_overwritten(bad, replay, read):
    bad(load_method="overwrite")
    assert replay(data=repair(replay().stdout), load_method="overwrite").code == 0
    assert ids(read) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: dump(record(id=9)) + lines, "line 1: no QUARANTINED line before it says which row"),
        (lambda lines: lines + dump(STATE), "a STATE message cannot be replayed"),
        (lambda lines: lines + lines, "QUARANTINED names a row for the second time"),
        (lambda lines: re.sub(rb'"number":\d+', b'"number":77', lines), "QUARANTINED names no row"),
        (lambda lines: lines[: len(lines) - 9], "malformed JSON"),
    ],
    ids=["a record of nowhere", "a state", "twice", "unknown", "cut"],
)
def test_lines_that_do_not_say_what_they_are_load_nothing(bad, replay, read, change, message):
    bad()
    lines = replay().stdout
    outcome = replay(data=change(repair(lines)))
    assert outcome.code == 1
    assert message in outcome.stderr
    assert ids(read) == [1]
    assert replay().stdout == lines


def test_of_two_replays_at_once_one_alone_loads(bad, replay, command, read):
    """The slow one has seen which rows are open when the other one loads them."""
    bad()
    repaired = repair(replay().stdout)
    program, *config = command()
    reading, writing = os.pipe()
    with start([program, "replay", *config, "--input", "-"], stdin=reading) as slow:
        os.write(writing, repaired[:-20])
        slow.wait_for(lambda _: _is_empty(reading))
        assert replay(data=repaired).code == 0
        os.write(writing, repaired[-20:])
        os.close(writing)
        os.close(reading)
        loser = slow.finish()
    assert loser.code == 1
    assert "another target writes to this destination as pipeline 'default'" in loser.stderr
    assert ids(read) == [1, 2, 3, 4]


def _is_empty(pipe):
    """Whether all that was written has been read."""
    waiting = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, waiting)
    return waiting[0] == 0


def test_nothing_in_quarantine_is_no_failure(load, replay):
    assert load(SCHEMA, record(id=1)).code == 0
    assert (replay().code, replay().stdout) == (0, b"")


@pytest.mark.parametrize("options", [["--input", "-", "--stream", "x"], ["--give-up"]], ids=str)
def test_options_that_do_not_go_together_are_wrong_usage(bad, replay, options):
    assert replay(*options).code == 2


def test_a_reader_that_goes_is_no_failure_of_ours(bad, replay, command):
    bad()
    program, *config = command()
    with start([program, "replay", *config]) as running:
        running.stop_reading()
        assert running.wait() == 3
        assert "Traceback" not in running.stderr()
