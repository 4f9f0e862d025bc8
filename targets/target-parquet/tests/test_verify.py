"""`target-parquet verify`, from outside: what is as it was loaded matches, whatever is not is named."""

import json
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from dativo_protocol.testing import run, start
from target_parquet.ledger import Entry, Ledger, StreamAction, StreamEntry
from target_parquet.local_store import LocalStore

INTEGER = {"type": "integer"}
STRING = {"type": ["string", "null"]}
EVERY_STATE = {"epoch_max_bytes": 0, "epoch_max_seconds": 0}


def state(value):
    return {"type": "STATE", "value": value}


@pytest.fixture
def users(load, schema_line, record):
    """Loads users of these ids, in a file of their own."""

    def make(*ids, stream="users", **raw):
        rows = [record(stream, id=number, name=f"user {number}") for number in ids]
        loaded = load(schema_line(stream, ("id",), id=INTEGER, name=STRING), *rows, **raw)
        assert loaded.code == 0, loaded.stderr

    return make


def report(outcome):
    """The report, by stream."""
    return {each.pop("stream"): each for each in json.loads(outcome.stdout)["streams"]}


def problems(outcome, stream="users"):
    assert outcome.code == 1, outcome.stdout
    assert json.loads(outcome.stdout)["match"] is False
    return [(each["file"], each["problem"]) for each in report(outcome)[stream]["findings"]]


def matches(outcome):
    assert outcome.code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["match"] is True
    return {
        stream: (each["files"], each["rows"], each["unknown"]) for stream, each in report(outcome).items()
    }


def rewrite(file, change):
    """Replace a file by one that is as whole but has other rows."""
    pq.write_table(change(pq.read_table(file, partitioning=None)), file)


def test_streams_of_several_runs_match(users, verify):
    users(1, 2)
    users(3)
    users(4, 5, 6, stream="admins")
    outcome = verify()
    assert matches(outcome) == {"admins": (1, 3, []), "users": (2, 3, [])}
    assert report(outcome)["users"]["digest"].startswith("r1:")


def test_report_in_text(users, command, files):
    users(1, 2)
    users(3)
    executable, *config = command()
    assert run([executable, *config, "verify"]).stdout == b"users: 2 files, 3 rows, match\n"
    files("users")[0].unlink()
    outcome = run([executable, "verify", *config])
    name = f"users/{files('users')[0].name}"
    text = outcome.stdout.decode()
    assert outcome.code == 1
    assert text.startswith("users: 1 file, 1 row, MISMATCH in 1 file\n  users/")
    assert ".parquet: lost: expected 2 rows r1:" in text
    assert name not in text
    assert "1 of 2 files are not as they were loaded" in outcome.stderr


def test_digest_does_not_depend_on_how_rows_came(users, verify):
    users(1, 2, 3, 4, stream="a")
    users(4, 2, stream="b", compression="gzip")
    users(3, 1, stream="b", max_file_size_mb=1)
    found = report(verify())
    assert found["a"]["digest"] == found["b"]["digest"]


def test_more_epochs_than_the_ledger_keeps_match(load, verify, destination, schema_line, record, files):
    """Blocks of sixteen epochs go from the ledger into the manifest."""
    lines = [schema_line(id=INTEGER)]
    for number in range(40):
        lines += [record(id=number), state({"next": number + 1})]
    assert load(*lines, **EVERY_STATE).code == 0
    assert load(schema_line(id=INTEGER), record(id=40), **EVERY_STATE).code == 0
    entries = sorted(path.name for path in (destination / ".dativo/ledger/default").iterdir())
    assert entries[0] == "0000000033.done"
    kept = sorted(path.name for path in (destination / ".dativo/manifest/default").iterdir())
    assert kept == ["0000000001-0000000016.json", "0000000017-0000000032.json"]
    assert matches(verify()) == {"users": (41, 41, [])}
    oldest, *_ = files("users")
    oldest.unlink()
    assert problems(verify()) == [(f"users/{oldest.name}", "lost")]


def change_one_value(table):
    ids = table["id"]
    return table.set_column(0, "id", pc.if_else(pc.equal(ids, 2), 20, ids))


def drop_one_row(table):
    return table.slice(1)


def repeat_one_row(table):
    return pa.concat_tables([table, table.slice(0, 1)])


def repeat_all_rows(table):
    return pa.concat_tables([table, table])


def empty_one_text(table):
    return table.set_column(1, "name", pc.replace_substring_regex(table["name"], "^user 3$", ""))


def null_one_text(table):
    return table.set_column(1, "name", pc.if_else(pc.equal(table["id"], 3), None, table["name"]))


def swap_names(table):
    return table.set_column(1, "name", table["name"].take(pa.array([1, 0, 2])))


CHANGES = [
    change_one_value,
    drop_one_row,
    repeat_one_row,
    repeat_all_rows,
    empty_one_text,
    null_one_text,
    swap_names,
]


def test_changed_rows_name_their_files(load, verify, files, schema_line, record):
    lines = [schema_line("users", ("id",), id=INTEGER, name=STRING)]
    for epoch in range(len(CHANGES) + 1):
        lines += [record(id=number, name=f"user {number}") for number in (1, 2, 3)] + [state(epoch)]
    assert load(*lines, **EVERY_STATE).code == 0
    changed = files("users")[:-1]
    for file, change in zip(changed, CHANGES, strict=True):
        rewrite(file, change)
    outcome = verify()
    assert problems(outcome) == [(f"users/{file.name}", "changed") for file in changed]
    for finding, file in zip(report(outcome)["users"]["findings"], changed, strict=True):
        assert finding["expected"]["rows"] == 3
        assert finding["found"]["rows"] == pq.read_metadata(file).num_rows
        assert finding["expected"]["digest"] != finding["found"]["digest"]
    assert changed[0].name in outcome.stderr


def test_same_rows_in_another_order_and_encoding_match(users, verify, files):
    users(1, 2, 3)
    (file,) = files("users")
    rewrite(file, lambda table: table.take([2, 0, 1]).select(["name", "id"]).combine_chunks())
    assert matches(verify()) == {"users": (1, 3, [])}


def test_a_lost_file_is_named(users, verify, files):
    users(1)
    users(2)
    lost = files("users")[1]
    lost.unlink()
    assert problems(verify()) == [(f"users/{lost.name}", "lost")]


def test_a_stream_whose_directory_is_gone_is_lost(users, verify, destination):
    users(1)
    shutil.rmtree(destination / "users")
    assert [problem for _, problem in problems(verify())] == ["lost"]


@pytest.mark.parametrize("size", [0, 3, 200, -5])
def test_a_cut_file_is_unreadable(users, verify, files, size):
    users(1, 2, 3)
    (file,) = files("users")
    content = file.read_bytes()
    file.write_bytes(content[:size])
    outcome = verify()
    assert problems(outcome) == [(f"users/{file.name}", "unreadable")]
    assert "no whole Parquet file" in report(outcome)["users"]["findings"][0]["detail"]


def test_damaged_pages_are_noticed(users, verify, files):
    """A byte that changed on the disk: the page cannot be unpacked, or has other values."""
    users(*range(500))
    (file,) = files("users")
    content = bytearray(file.read_bytes())
    content[300] ^= 0x10
    file.write_bytes(content)
    ((name, problem),) = problems(verify())
    assert (name, problem in ("unreadable", "changed")) == (f"users/{file.name}", True)


def test_files_of_two_streams_in_each_others_place_are_named(users, verify, files, tmp_path):
    users(1, 2)
    users(3, 4, stream="admins")
    (user,), (admin,) = files("users"), files("admins")
    user.rename(tmp_path / "aside")
    admin.rename(user)
    (tmp_path / "aside").rename(admin)
    outcome = verify()
    assert problems(outcome) == [(f"users/{user.name}", "changed")]
    assert problems(outcome, "admins") == [(f"admins/{admin.name}", "changed")]
    detail = report(outcome)["users"]["findings"][0]["detail"]
    assert detail == f"it has the rows of admins/{admin.name}"


def test_a_foreign_file_is_reported_but_no_failure(users, verify, destination):
    users(1)
    pq.write_table(pa.table({"x": [1]}), destination / "users" / "mine.parquet")
    (destination / "users" / "_hidden.parquet").write_bytes(b"")
    (destination / "users" / "notes.txt").write_text("no rows")
    outcome = verify()
    assert matches(outcome) == {"users": (1, 1, ["users/mine.parquet"])}
    assert "1 files are not in the ledger" in outcome.stderr


def test_a_renamed_file_is_lost_under_its_name(users, verify, files):
    users(1)
    (file,) = files("users")
    file.rename(file.with_name("other.parquet"))
    outcome = verify()
    assert problems(outcome) == [(f"users/{file.name}", "lost")]
    assert report(outcome)["users"]["unknown"] == ["users/other.parquet"]


def test_overwritten_files_are_not_missed(users, verify):
    users(1, 2)
    users(3, stream="admins")
    users(4, 5, 6, load_method="overwrite")
    assert matches(verify()) == {"admins": (1, 1, []), "users": (1, 3, [])}
    users(7)
    users(load_method="overwrite", stream="admins")
    assert matches(verify()) == {"admins": (1, 0, []), "users": (2, 4, [])}


def test_another_pipeline_may_overwrite(users, verify, files):
    users(1, 2, pipeline="first")
    users(3, pipeline="second", load_method="overwrite")
    assert matches(verify()) == {"users": (1, 1, [])}
    users(4, pipeline="first")
    assert matches(verify()) == {"users": (2, 2, [])}
    newest = max(files("users"), key=lambda file: file.stat().st_mtime_ns)
    newest.unlink()
    assert problems(verify()) == [(f"users/{newest.name}", "lost")]


def test_a_file_that_may_be_gone_is_not_missed_but_read(users, verify, files, destination):
    """Another pipeline is about to overwrite the stream, or has died doing so."""
    users(1)
    users(2)
    store = LocalStore(destination)
    store.open_run("99991231T000000Z-000000000000")
    replacing = StreamEntry.of("users", "users", (), StreamAction(replaces=True))
    Ledger(store, "other").prepare(Entry(1, "99991231", "other", "overwrite", None, None, (replacing,)))
    store.close_run()
    kept, gone = files("users")
    gone.unlink()
    assert matches(verify()) == {"users": (1, 1, [])}
    kept.write_bytes(b"PAR1")
    assert problems(verify()) == [(f"users/{kept.name}", "unreadable")]


def test_all_types_match(load, verify, schema_line, record):
    properties = {
        "integer": INTEGER,
        "number": {"type": "number"},
        "decimal": {"type": "number", "multipleOf": 0.01},
        "boolean": {"type": "boolean"},
        "string": STRING,
        "uuid": {"type": "string", "format": "uuid"},
        "binary": {"type": "string", "contentEncoding": "base64"},
        "instant": {"type": "string", "format": "date-time"},
        "moment": {"type": "string", "format": "date-time", "x-sql-datatype": "timestamp"},
        "date": {"type": "string", "format": "date"},
        "time": {"type": "string", "format": "time"},
        "anything": {},
        "struct": {"type": "object", "properties": {"a": INTEGER, "b": {"type": "array", "items": STRING}}},
        "list": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}}},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    full = record(
        integer=-(2**63),
        number=-0.0,
        decimal=12345678.9,
        boolean=True,
        string="é\u0000\U0001f600",
        uuid="123e4567-e89b-12d3-a456-426614174000",
        binary="AAEC",
        instant="2024-02-29T12:00:00.123456+02:00",
        moment="0001-01-03T00:00:00Z",
        date="9999-12-31",
        time="23:59:59.999999",
        anything={"a": [1, None]},
        struct={"a": None, "b": ["x", None, ""]},
        list=[{"x": 1e300}, None, {}],
        map={"k": 1, "": None},
    )
    loaded = load(
        schema_line(**properties),
        full,
        record(),
        record(struct={}, list=[], map={}),
        add_record_metadata=True,
        validate_records=False,
    )
    assert loaded.code == 0, loaded.stderr
    assert matches(verify()) == {"users": (1, 3, [])}


def test_partitions_match_and_a_file_in_the_wrong_one_does_not(load, verify, files, schema_line, record):
    rows = [record(id=number, part=number % 3) for number in range(30)]
    assert load(schema_line(id=INTEGER, part=INTEGER), *rows, partition_by=["part"]).code == 0
    assert matches(verify()) == {"users": (3, 30, [])}
    first, second, _ = files("users")
    moved = second.parent / first.name
    first.rename(moved)
    outcome = verify()
    assert problems(outcome) == [(f"users/part=0/{first.name}", "lost")]
    assert report(outcome)["users"]["unknown"] == [f"users/part=1/{moved.name}"]


def test_files_of_an_evolving_schema_match(load, verify, schema_line, record):
    wider = schema_line(id={"type": "number"}, more=STRING)
    assert load(schema_line(id=INTEGER, old=STRING), record(id=1, old="x"), wider, record(id=1.5)).code == 0
    assert load(schema_line(id=STRING), record(id="text")).code == 0
    (counts,) = matches(verify()).values()
    assert counts == (3, 3, [])


def test_what_a_killed_run_had_prepared_is_missed_only_once_it_is_published(
    command, verify, destination, schema_line, record, lines
):
    rows = lines(schema_line(id=INTEGER), *(record(id=number) for number in range(5)), state({"next": 5}))
    for fault in ["epoch.after-prepare", "commit.file"]:
        assert run(command(), stdin=rows, env={"DATIVO_FAULT": fault}).code == -signal.SIGKILL
        outcome = verify()
        assert outcome.code == 0, outcome.stderr
        assert run([*command(), "--recover"]).code == 0
    assert matches(verify()) == {"users": (2, 10, [])}


def test_a_killed_overwrite_is_no_loss(users, command, verify, schema_line, record, lines):
    users(1, 2, 3)
    rows = lines(schema_line("users", ("id",), id=INTEGER, name=STRING), record(id=9))
    for fault in ["epoch.after-prepare", "commit.file"]:
        killed = run(command(load_method="overwrite"), stdin=rows, env={"DATIVO_FAULT": fault})
        assert killed.code == -signal.SIGKILL
        assert verify().code == 0
        assert run([*command(load_method="overwrite"), "--recover"]).code == 0
        assert matches(verify()) == {"users": (1, 1, [])}


def test_a_destination_that_is_being_loaded_matches(begin, verify, schema_line, record, lines):
    with begin(**EVERY_STATE) as target:
        target.send(lines(schema_line(id=INTEGER)))
        for number in range(4):
            target.send(lines(record(id=number), state({"next": number})))
            target.read_line()
            assert verify().code == 0
        assert target.finish().code == 0
    assert matches(verify()) == {"users": (4, 4, [])}


def test_only_the_streams_that_are_asked_for_are_read(users, verify, files):
    users(1)
    users(2, stream="admins")
    users(3, stream="guests")
    files("users")[0].unlink()
    outcome = verify("--stream", "guests", "--stream", "admins")
    assert list(matches(outcome)) == ["admins", "guests"]
    assert problems(verify("--stream", "users"))


def test_an_unknown_stream_or_destination_is_a_failure(users, verify):
    nothing = verify()
    assert (nothing.code, nothing.stdout) == (1, b"")
    assert "was ever loaded" in nothing.stderr
    users(1)
    unknown = verify("--stream", "usres")
    assert unknown.code == 1
    assert "usres" in unknown.stderr


def test_a_damaged_manifest_is_named(users, verify, destination):
    users(1)
    kept = destination / ".dativo/manifest/default/0000000001-0000000016.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"format": 1, "epochs": [{}]}')
    outcome = verify()
    assert outcome.code == 1
    assert "0000000001-0000000016.json is damaged" in outcome.stderr


def is_reading(pid, file):
    """Whether a process has the file open; before that Python itself may be what a signal ends."""
    with suppress(OSError):  # a descriptor is closed as soon as it is seen
        return file in [descriptor.readlink() for descriptor in Path(f"/proc/{pid}/fd").iterdir()]
    return False


def test_an_interrupted_verification_ends_at_once(users, command, files):
    users(*range(2000))
    executable, *config = command()
    (file,) = files("users")
    table = pa.concat_tables([pq.read_table(file)] * 2000)
    pq.write_table(table, file, compression="none", use_dictionary=False)
    with start([executable, "verify", *config]) as running:
        running.wait_for(lambda _: is_reading(running.pid, file))
        running.signal(signal.SIGINT)
        assert running.wait(20) in (130, -signal.SIGINT)
