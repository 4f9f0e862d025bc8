"""Every status of the ABI, reached through Python, as the exception that stands for it."""

import os

import pyarrow as pa
import pytest
from dativo_native import (
    InternalError,
    InvalidArgument,
    IoError,
    LineTooLong,
    NativeError,
    ReaderOptions,
    RecordEncoder,
    RecordReader,
    UnsupportedSchema,
)
from dativo_native._abi import lib

SCHEMA = pa.schema([("a", pa.int64())])


def test_codes_are_those_of_the_header():
    names = ["OK", "INVALID_ARGUMENT", "UNSUPPORTED_SCHEMA", "LINE_TOO_LONG", "IO", "INTERNAL"]
    assert [getattr(lib, f"DATIVO_STATUS_{name}") for name in names] == [0, 1, 2, 3, 4, 255]


def test_every_exception_is_a_native_error():
    for exception in (InvalidArgument, UnsupportedSchema, LineTooLong, IoError, InternalError):
        assert issubclass(exception, NativeError)


def test_invalid_argument_when_a_reader_of_a_descriptor_is_fed():
    readable, writable = os.pipe()
    with RecordReader(readable) as reader, pytest.raises(InvalidArgument) as failure:
        reader.feed(b"x")
    os.close(readable)
    os.close(writable)
    assert (failure.value.code, failure.value.retryable) == (1, False)


def test_invalid_argument_when_input_follows_the_end():
    with RecordReader(None) as reader:
        reader.finish()
        with pytest.raises(InvalidArgument):
            reader.feed(b"x")


@pytest.mark.parametrize("options", [ReaderOptions(batch_rows=-1), ReaderOptions(idle_millis=2**32)])
def test_invalid_argument_when_an_option_does_not_fit(options):
    with pytest.raises(InvalidArgument):
        RecordReader(None, options)


def test_invalid_argument_when_a_version_does_not_fit():
    with pytest.raises(InvalidArgument, match="version 9223372036854775808"):
        RecordEncoder("s", SCHEMA, version=2**63)


def test_unsupported_schema_names_stream_and_column():
    with RecordReader(None) as reader, pytest.raises(UnsupportedSchema, match="/d") as failure:
        reader.plan("s", pa.schema([("d", pa.duration("s"))]))
    assert (failure.value.code, failure.value.stream) == (2, "s")


def test_unsupported_schema_names_the_keyword():
    keywords = b'{"properties":{"a":{"oneOf":[{"type":"string"},{"type":"integer"}]}}}'
    with RecordReader(None) as reader:
        with pytest.raises(UnsupportedSchema, match="/properties/a/oneOf"):
            reader.plan("s", SCHEMA, keywords)
        reader.plan("s", SCHEMA)


def test_line_too_long_names_the_line():
    with RecordReader(None, ReaderOptions(max_line_bytes=16)) as reader:
        reader.feed(b"\n" + b"x" * 17 + b"\n")
        with pytest.raises(LineTooLong, match="max_line_bytes") as failure:
            reader.next()
    assert (failure.value.code, failure.value.line) == (3, 2)


def test_io_when_there_is_no_such_descriptor():
    with pytest.raises(IoError) as failure:
        RecordReader(1_000_000)
    assert failure.value.code == 4


def test_io_when_the_descriptor_cannot_be_read(tmp_path):
    directory = os.open(tmp_path, os.O_RDONLY)
    with RecordReader(directory) as reader, pytest.raises(IoError, match="directory"):
        reader.next()
    os.close(directory)


class Inconsistent:
    """A producer that breaks the contract: its array has fewer children than its schema."""

    def __init__(self, batch):
        self.batch = batch

    def _export_to_c(self, array, schema):
        self.batch.schema._export_to_c(schema)
        self.batch.select([0])._export_to_c(array)


def test_internal_after_a_panic_and_ever_after(capfd):
    batch = pa.record_batch({"a": [1], "b": [2]})
    with RecordEncoder("s", batch.schema) as encoder:
        with pytest.raises(InternalError, match="panicked: assertion") as failure:
            encoder.encode(Inconsistent(batch))
        with pytest.raises(InternalError, match="free it and make a new one"):
            encoder.encode(batch)
    assert failure.value.code == 255
    output = capfd.readouterr()
    assert output.out == ""
    assert "panicked" in output.err
