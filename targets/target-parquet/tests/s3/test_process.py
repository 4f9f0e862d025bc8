"""The executable with an S3 destination, from outside: what it prints, what an independent reader finds."""

import gzip
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dativo_protocol.testing import peak_memory, run

from tests.services.seaweedfs import ACCESS_KEY, SECRET_KEY

INTEGER = {"type": "integer"}
STRING = {"type": ["string", "null"]}


WITHOUT_BOTOCORE = """
import sys
sys.modules["botocore"] = None
from target_parquet.__main__ import main
main()
"""


def state(value):
    return {"type": "STATE", "value": value}


def test_rows_of_several_runs_and_epochs(load_s3, read_s3, schema_line, record):
    schema = schema_line("users", ("id",), id=INTEGER, name=STRING)
    first = load_s3(
        schema,
        record(id=1, name="é"),
        state({"a": 1}),
        record(id=2),
        state({"a": 2}),
        epoch_max_seconds=0,
        epoch_max_bytes=0,
    )
    assert first.code == 0, first.stderr
    assert first.lines == [{"a": 1}, {"a": 2}]
    second = load_s3(schema_line("users", ("id",), id=INTEGER, more=STRING), record(id=3, more="x"))
    assert second.code == 0, second.stderr
    assert read_s3("users") == [
        {"id": 1, "name": "é", "more": None},
        {"id": 2, "name": None, "more": None},
        {"id": 3, "name": None, "more": "x"},
    ]


def test_nothing_is_left_open(load_s3, bucket, schema_line, record):
    assert load_s3(schema_line(id=INTEGER), record(id=1)).code == 0
    bad = load_s3(schema_line(id=INTEGER), record(id=2), record(id="x"))
    assert bad.code == 1
    assert list(bucket.open_uploads()) == []


def test_partitions(load_s3, read_s3, schema_line, record):
    rows = [{"id": n, "country": f"land {n % 40}"} for n in range(400)]
    schema = schema_line(id=INTEGER, country=STRING)
    outcome = load_s3(schema, *(record(**row) for row in rows), partition_by=["country"])
    assert outcome.code == 0, outcome.stderr
    assert read_s3("users", partitioning="hive") == rows


def test_overwriting(load_s3, read_s3, schema_line, record, bucket):
    for generation in range(3):
        rows = [record(id=n, generation=generation) for n in range(generation, generation + 5)]
        schema = schema_line(id=INTEGER, generation=INTEGER)
        outcome = load_s3(schema, *rows, state({"g": generation}), load_method="overwrite")
        assert outcome.code == 0, outcome.stderr
        assert outcome.lines == [{"g": generation}]
    assert read_s3("users") == [{"id": n, "generation": 2} for n in range(2, 7)]
    assert len(list(bucket.objects("users"))) == 1


def test_the_durable_state_is_kept_in_the_store(
    load_s3, command, schema_line, record, seaweedfs, destination_url
):
    assert load_s3(schema_line(id=INTEGER), record(id=1), state({"page": 7})).code == 0
    recovered = run([*command(destination_path=destination_url, s3=seaweedfs.settings()), "--recover"])
    assert (recovered.code, recovered.stdout) == (0, b'{"page": 7}\n'), recovered.stderr


def batch_content(format_, rows):
    if format_ == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if format_ == "jsonl.gz":
        return gzip.compress(batch_content("jsonl", rows))
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pylist(rows)
    if format_ == "parquet":
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("format_", ["jsonl", "jsonl.gz", "parquet", "arrow"])
def test_batch_files_in_s3(load_s3, read_s3, schema_line, record, bucket, destination_url, format_):
    rows = [{"id": n, "name": f"name {n}"} for n in range(1, 1001)]
    assert bucket.put_if_absent(f"batches/b 1.{format_}", batch_content(format_, rows))
    encoding = {"format": format_.removesuffix(".gz")}
    encoding |= {"compression": "gzip"} if format_.endswith("gz") else {}
    manifest = [f"{destination_url}/batches/b 1.{format_}"]
    outcome = load_s3(
        schema_line("users", ("id",), id=INTEGER, name=STRING),
        record(id=0, name="before"),
        {"type": "BATCH", "stream": "users", "encoding": encoding, "manifest": manifest},
        record(id=1001, name="after"),
    )
    assert outcome.code == 0, outcome.stderr
    assert read_s3("users") == [{"id": 0, "name": "before"}, *rows, {"id": 1001, "name": "after"}]
    assert bucket.size(f"batches/b 1.{format_}") is not None


def test_batch_files_in_s3_load_into_a_local_directory(
    load, read, schema_line, bucket, seaweedfs, destination_url
):
    assert bucket.put_if_absent("b.jsonl", b'{"id": 1}\n')
    manifest = [f"{destination_url}/b.jsonl"]
    message = {"type": "BATCH", "stream": "users", "encoding": {"format": "jsonl"}, "manifest": manifest}
    outcome = load(schema_line(id=INTEGER), message, s3=seaweedfs.settings())
    assert outcome.code == 0, outcome.stderr
    assert read("users") == [{"id": 1}]


def test_a_batch_file_that_is_missing_or_spoilt_is_named(load_s3, schema_line, bucket, destination_url):
    bucket.put_if_absent("spoilt.parquet", b"nonsense")
    for name, complaint in [
        ("nothing.parquet", "there is no such object"),
        ("spoilt.parquet", "of stream 'users'"),
    ]:
        manifest = [f"{destination_url}/{name}"]
        message = {
            "type": "BATCH",
            "stream": "users",
            "encoding": {"format": "parquet"},
            "manifest": manifest,
        }
        outcome = load_s3(schema_line(id=INTEGER), message)
        assert outcome.code == 1
        assert f"{destination_url}/{name}" in outcome.stderr
        assert complaint in outcome.stderr
        assert "Traceback" not in outcome.stderr


def test_a_store_that_fails_publishes_no_state_and_the_next_run_loads_all_once(
    load_s3, read_s3, schema_line, record, proxy, bucket
):
    lines = [schema_line(id=INTEGER), *(record(id=n) for n in range(100)), state({"a": 1})]
    proxy.inject("PUT", "partNumber", "503", times=99)
    failed = load_s3(*lines, s3={"endpoint_url": proxy.url, "max_attempts": 2})
    assert failed.code == 1
    assert failed.stdout == b""
    (critical,) = [line for line in failed.stderr.splitlines() if "CRITICAL" in line]
    assert "the store says SlowDown (HTTP 503). Run again; if it lasts, look at the store." in critical
    assert list(bucket.objects("users")) == []
    again = load_s3(*lines)
    assert (again.code, again.lines) == (0, [{"a": 1}]), again.stderr
    assert read_s3("users") == [{"id": n} for n in range(100)]


def test_a_publication_whose_outcome_is_unknown_is_settled_by_the_next_run(
    load_s3, read_s3, schema_line, record, proxy
):
    """The store goes away in the middle of completing; the next run finds out what became of it."""
    proxy.inject("POST", "uploadId", "lost", times=99)
    lines = [schema_line(id=INTEGER), record(id=1), state({"a": 1})]
    failed = load_s3(*lines, s3={"endpoint_url": proxy.url, "max_attempts": 1})
    assert (failed.code, failed.stdout) == (1, b"")
    assert "part of it may be published" in failed.stderr
    assert load_s3(schema_line(id=INTEGER), record(id=2)).code == 0
    assert read_s3("users") == [{"id": 1}, {"id": 2}]


def test_keys_are_in_no_message(load_s3, schema_line, record):
    for s3 in ({}, {"access_key_id": "somebody-secret"}, {"secret_access_key": "wrong-and-secret"}):
        outcome = load_s3(schema_line(id=INTEGER), record(id=1), s3=s3)
        assert outcome.code == (1 if s3 else 0)
        assert SECRET_KEY not in outcome.stderr
        assert "and-secret" not in outcome.stderr
        assert "somebody-secret" not in outcome.stderr


def test_keys_can_come_from_the_environment(
    load, schema_line, record, seaweedfs, destination_url, read_s3, monkeypatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    s3 = {"endpoint_url": seaweedfs.endpoint}
    outcome = load(schema_line(id=INTEGER), record(id=1), destination_path=destination_url, s3=s3)
    assert outcome.code == 0, outcome.stderr
    assert read_s3("users") == [{"id": 1}]


def test_a_bucket_that_does_not_exist(load_s3, schema_line, seaweedfs, load):
    outcome = load(schema_line(id=INTEGER), destination_path="s3://no-such-bucket/x", s3=seaweedfs.settings())
    assert outcome.code == 1
    assert "NoSuchBucket (HTTP 404). Create the bucket, or correct destination_path." in outcome.stderr


def test_a_local_run_does_not_need_the_library_for_s3(command, schema_line, lines):
    """It may be installed without the extra, and does not wait for its import."""
    local, remote = (
        subprocess.run(
            [sys.executable, "-c", WITHOUT_BOTOCORE, *arguments[1:]],
            input=lines(schema_line(id=INTEGER)),
            capture_output=True,
            check=False,
        )
        for arguments in (command(), command(destination_path="s3://bucket/x"))
    )
    assert local.returncode == 0, local.stderr.decode()
    assert remote.returncode == 1
    assert b"pip install 'dativo-target-parquet[s3]'" in remote.stderr


@pytest.mark.parametrize("partitions", [1, 500])
def test_memory_stays_below_its_limit(
    command, schema_line, lines, seaweedfs, destination_url, read_s3, partitions
):
    """Many files are open at once, and none of them has bytes for a part."""
    fields = "".join(f',"f{n}":"value {n} of record %(id)d"' for n in range(12))
    text = '{"type":"RECORD","stream":"users","record":{"id":%(id)d,"p":%(p)d' + fields + "}}\n"
    block = "".join(text % {"id": number, "p": number % partitions} for number in range(20_000)).encode()
    schema = schema_line(id=INTEGER, p=INTEGER, **{f"f{n}": STRING for n in range(12)})
    arguments = command(
        destination_path=destination_url, s3=seaweedfs.settings(), partition_by=["p"], validate_records=False
    )
    peak = peak_memory(arguments, [lines(schema), *[block] * 10])
    assert peak <= 256, f"{peak:.0f} MiB"
    assert len(read_s3("users", partitioning="hive")) == 200_000
