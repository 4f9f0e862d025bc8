"""The executable as a process: what it says of itself, how fast it starts, how large it gets."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from dativo_protocol.testing import peak_memory, run

EXECUTABLE = str(Path(sys.executable).parent / "target-parquet")

LINEITEM = (
    b'{"type":"RECORD","stream":"lineitem","record":{"l_orderkey":%d,"l_partkey":155190,"l_suppkey":7706,'
    b'"l_linenumber":1,"l_quantity":17.0,"l_extendedprice":21168.23,"l_discount":0.04,"l_tax":0.02,'
    b'"l_returnflag":"N","l_linestatus":"O","l_shipdate":"1996-03-13T00:00:00Z","l_commitdate":"1996-02-12T00:00:00Z",'
    b'"l_receiptdate":"1996-03-22T00:00:00Z","l_shipinstruct":"DELIVER IN PERSON","l_shipmode":"TRUCK",'
    b'"l_comment":"egular \\"courts\\" above the \\u00e9 %d"},"time_extracted":"2024-01-01T00:00:00+00:00"}\n'
)


def lineitem_schema():
    kinds = {
        "l_orderkey": "integer",
        "l_partkey": "integer",
        "l_suppkey": "integer",
        "l_linenumber": "integer",
    }
    kinds |= dict.fromkeys(["l_quantity", "l_extendedprice", "l_discount", "l_tax"], "number")
    strings = ["l_returnflag", "l_linestatus", "l_shipinstruct", "l_shipmode", "l_comment"]
    properties = {
        name: {"type": ["null", kind]} for name, kind in (kinds | dict.fromkeys(strings, "string")).items()
    }
    for name in ("l_shipdate", "l_commitdate", "l_receiptdate"):
        properties[name] = {"type": ["null", "string"], "format": "date-time"}
    schema = {"type": "object", "properties": properties}
    message = {"type": "SCHEMA", "stream": "lineitem", "schema": schema, "key_properties": ["l_orderkey"]}
    return json.dumps(message).encode() + b"\n"


def lineitem(blocks):
    yield lineitem_schema()
    block = b"".join(LINEITEM % (number, number * 7919 % 10_007) for number in range(20_000))
    for _ in range(blocks):
        yield block


def test_cli_prints():
    """The SDK's cli_prints: version and about, in every form, and nothing else on standard output."""
    version = run([EXECUTABLE, "--version"])
    assert (version.code, version.stderr) == (0, "")
    assert version.stdout.startswith(b"target-parquet v")
    assert b"destination_path" in run([EXECUTABLE, "--about"]).stdout
    about = json.loads(run([EXECUTABLE, "--about", "--format=json"]).stdout)
    assert about["name"] == "target-parquet"
    assert about["settings"]["required"] == ["destination_path"]
    assert run([EXECUTABLE, "--about", "--format=markdown"]).stdout.startswith(b"# `target-parquet`")


def test_without_a_destination_every_problem_is_named():
    outcome = run([EXECUTABLE, "--config", '{"batch_size_rows": 0}'])
    assert outcome.code == 1
    assert "destination_path: is required" in outcome.stderr
    assert "batch_size_rows: must be at least 1" in outcome.stderr


def test_the_version_does_not_wait_for_arrow():
    code = "import sys, target_parquet.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pyarrow", "jsonschema", "cffi", "yaml"} & set(loaded.stdout.split())


@pytest.mark.parametrize("metadata", [False, True])
def test_memory_stays_below_its_limit(command, destination, metadata):
    peak = peak_memory(command(add_record_metadata=metadata), lineitem(20))
    assert peak <= 256, f"{peak:.0f} MiB"


def test_memory_does_not_grow_with_the_input(command):
    arguments = command(max_memory_mb=160)
    small, large = (peak_memory(arguments, lineitem(blocks)) for blocks in (8, 24))
    assert large <= small + 24, f"{small:.0f} MiB, then {large:.0f} MiB"


def test_memory_with_many_partitions(command):
    """1,000 directories at once."""
    schema = {
        "type": "SCHEMA",
        "stream": "s",
        "schema": {"properties": {"p": {"type": "integer"}, "t": {"type": "string"}}},
        "key_properties": [],
    }
    block = b"".join(
        b'{"type":"RECORD","stream":"s","record":{"p":%d,"t":"%s"}}\n' % (number % 1000, b"x" * 500)
        for number in range(20_000)
    )
    peak = peak_memory(
        command(partition_by=["p"], validate_records=False),
        [json.dumps(schema).encode() + b"\n", *[block] * 3],
    )
    assert peak <= 256, f"{peak:.0f} MiB"


def test_memory_with_texts_that_hardly_compress(command):
    """Columns of several MiB, freed in another order than they were made: allocators like to keep them."""
    chance = random.Random(5)
    schema = {"type": "SCHEMA", "stream": "s", "schema": {"properties": {"t": {"type": "string"}}}}
    line = '{"type":"RECORD","stream":"s","record":{"t":"%s"}}\n'
    block = "".join(line % chance.randbytes(2500).hex() for _ in range(4_000)).encode()
    peak = peak_memory(
        command(validate_records=False),
        [json.dumps(schema | {"key_properties": []}).encode() + b"\n", *[block] * 15],
    )
    assert peak <= 288, f"{peak:.0f} MiB"
