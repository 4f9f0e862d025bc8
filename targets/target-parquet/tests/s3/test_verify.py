"""`target-parquet verify` on S3: the same promise through the other store."""

import io
import json

import pyarrow.parquet as pq
import pytest
from dativo_protocol.testing import run

from tests.services.seaweedfs import BUCKET

INTEGER = {"type": "integer"}
STRING = {"type": ["string", "null"]}


@pytest.fixture
def verify_s3(command, seaweedfs, destination_url):
    """Runs `verify` on this test's prefix."""

    def check(*arguments):
        executable, *config = command(destination_path=destination_url, s3=seaweedfs.settings())
        outcome = run([executable, "verify", *config, "--format", "json", *arguments])
        return outcome.code, json.loads(outcome.stdout)["streams"]

    return check


@pytest.fixture
def client(seaweedfs):
    return seaweedfs.client()


def keys(client, prefix):
    answer = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/users/")
    return [found["Key"] for found in answer.get("Contents", ())]


def test_files_match_or_are_named(load_s3, verify_s3, client, prefix, schema_line, record):
    schema = schema_line("users", ("id",), id=INTEGER, name=STRING)
    for ids in [(1, 2), (3, 4), (5, 6), (7, 8)]:
        rows = [record(id=number, name="x" * 20_000 * number) for number in ids]
        assert load_s3(schema, *rows).code == 0
    code, (users,) = verify_s3()
    assert (code, users["files"], users["rows"], users["findings"], users["unknown"]) == (0, 4, 8, [], [])

    first, second, third, _ = keys(client, prefix)
    rows = pq.read_table(io.BytesIO(client.get_object(Bucket=BUCKET, Key=first)["Body"].read()))
    rewritten = io.BytesIO()
    pq.write_table(rows.slice(1), rewritten)
    client.put_object(Bucket=BUCKET, Key=first, Body=rewritten.getvalue())
    client.delete_object(Bucket=BUCKET, Key=second)
    client.put_object(Bucket=BUCKET, Key=third, Body=b"PAR1 no more")
    client.put_object(Bucket=BUCKET, Key=f"{prefix}/users/mine.parquet", Body=b"")
    code, (users,) = verify_s3("--stream", "users")
    assert (code, users["files"], users["unknown"]) == (1, 1, ["users/mine.parquet"])
    found = [(f"{prefix}/{each['file']}", each["problem"]) for each in users["findings"]]
    assert found == [(first, "changed"), (second, "lost"), (third, "unreadable")]


def test_an_overwritten_stream_matches(load_s3, verify_s3, schema_line, record):
    schema = schema_line("users", ("id",), id=INTEGER)
    assert load_s3(schema, record(id=1)).code == 0
    assert load_s3(schema, record(id=2), record(id=3), load_method="overwrite").code == 0
    code, (users,) = verify_s3()
    assert (code, users["files"], users["rows"], users["unknown"]) == (0, 1, 2, [])
