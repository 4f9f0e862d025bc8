"""Messages: what is accepted, what is refused and with which words, and the exact bytes we write."""

import json

import pytest
from dativo_protocol.errors import MessageError, SchemaError
from dativo_protocol.messages import (
    ActivateVersionMessage,
    BatchEncoding,
    BatchMessage,
    RecordMessage,
    SchemaMessage,
    StateMessage,
    UnknownMessage,
    dump_message,
    parse_message,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}}}


def schema_line(**changes):
    return json.dumps({"type": "SCHEMA", "stream": "s", "schema": SCHEMA, "key_properties": ["id"]} | changes)


GOLDEN = [
    (
        SchemaMessage("s", SCHEMA, ("id",)),
        b'{"type":"SCHEMA","stream":"s","schema":{"type":"object","properties":{"id":{"type":"integer"}}},'
        b'"key_properties":["id"]}\n',
    ),
    (
        SchemaMessage("s", {"properties": {}}, (), ("at",)),
        b'{"type":"SCHEMA","stream":"s","schema":{"properties":{}},"key_properties":[],'
        b'"bookmark_properties":["at"]}\n',
    ),
    (
        RecordMessage("s", {"id": 1, "n": None}, "2024-01-01T00:00:00.000000+00:00", 7),
        b'{"type":"RECORD","stream":"s","record":{"id":1,"n":null},"version":7,'
        b'"time_extracted":"2024-01-01T00:00:00.000000+00:00"}\n',
    ),
    (RecordMessage("s", {}), b'{"type":"RECORD","stream":"s","record":{}}\n'),
    (StateMessage({"bookmarks": {}}), b'{"type":"STATE","value":{"bookmarks":{}}}\n'),
    (StateMessage(None), b'{"type":"STATE","value":null}\n'),
    (ActivateVersionMessage("s", 3), b'{"type":"ACTIVATE_VERSION","stream":"s","version":3}\n'),
    (
        BatchMessage("s", BatchEncoding("jsonl", "gzip"), ("file:///a", "b"), 2),
        b'{"type":"BATCH","stream":"s","encoding":{"format":"jsonl","compression":"gzip"},'
        b'"manifest":["file:///a","b"],"version":2}\n',
    ),
    (
        BatchMessage("s", BatchEncoding("arrow"), ()),
        b'{"type":"BATCH","stream":"s","encoding":{"format":"arrow"},"manifest":[]}\n',
    ),
    (UnknownMessage("HEARTBEAT", {"type": "HEARTBEAT", "n": 1}), b'{"type":"HEARTBEAT","n":1}\n'),
]


@pytest.mark.parametrize(("message", "line"), GOLDEN)
def test_golden_lines_in_the_key_order_of_the_sdk(message, line):
    assert dump_message(message) == line
    assert parse_message(line) == message


@pytest.mark.parametrize("spelling", ["SCHEMA", "schema", "Schema"])
def test_type_in_any_case(spelling):  # M1
    assert isinstance(parse_message(schema_line(type=spelling)), SchemaMessage)


@pytest.mark.parametrize("line", ["\ufeff%s\r\n", "  %s  ", "%s\r"])
def test_bom_and_white_space_around_a_line(line):  # M7
    assert parse_message((line % schema_line()).encode()).stream == "s"
    assert parse_message(line % schema_line()).stream == "s"


@pytest.mark.parametrize(
    ("written", "read"), [("id", ("id",)), (["a", "b"], ("a", "b")), ([], ()), (None, ())]
)
def test_key_properties_as_list_string_or_null(written, read):  # M3
    assert parse_message(schema_line(key_properties=written)).key_properties == read


def test_key_properties_absent_as_in_pk_updates():  # M3
    line = json.dumps({"type": "SCHEMA", "stream": "s", "schema": {**SCHEMA, "key_properties": ["id"]}})
    assert parse_message(line).key_properties == ()


@pytest.mark.parametrize(("written", "read"), [("at", ("at",)), (["a"], ("a",)), ([], ()), (None, None)])
def test_bookmark_properties(written, read):
    assert parse_message(schema_line(bookmark_properties=written)).bookmark_properties == read


@pytest.mark.parametrize("schema", [{"type": "object"}, {}, {"properties": None}, {"properties": []}])
def test_a_schema_without_properties_names_the_stream(schema):
    """The SDK's invalid_schema.singer must be refused."""
    with pytest.raises(SchemaError, match=r"stream 'test_invalid_schema'.*`properties`") as caught:
        parse_message(schema_line(stream="test_invalid_schema", schema=schema))
    assert caught.value.stream == "test_invalid_schema"


@pytest.mark.parametrize("schema", [{"$ref": "#/$defs/r", "$defs": {"r": SCHEMA}}, {"allOf": [SCHEMA]}])
def test_properties_may_come_from_elsewhere_in_the_schema(schema):
    assert parse_message(schema_line(schema=schema)).schema == schema


def test_a_record_keeps_integers_of_any_size_and_unparsable_times_do_not_hurt():  # M2, M8
    line = '{"type":"RECORD","stream":"s","record":{"n":%s},"time_extracted":5}'
    message = parse_message(line % (10**60))
    assert message == RecordMessage("s", {"n": 10**60}, None, None)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_tokens_that_json_lacks_are_null(token):  # M7
    message = parse_message('{"type":"RECORD","stream":"s","record":{"x":[TOKEN]}}'.replace("TOKEN", token))
    assert message.record == {"x": [None]}


def test_non_finite_floats_are_written_as_null():
    record = {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": float("-inf")}}
    line = dump_message(RecordMessage("s", record))
    assert json.loads(line)["record"] == {"a": None, "b": [None, 1.5], "c": {"d": None}}


def test_text_is_utf8_and_a_lone_surrogate_is_escaped():
    assert "größe €" in dump_message(RecordMessage("größe €", {})).decode()
    line = dump_message(RecordMessage("s", {"x": "\ud800ü"}))
    assert json.loads(line)["record"] == {"x": "\ud800ü"}


def test_values_without_a_json_form_are_the_callers_mistake():
    with pytest.raises(TypeError):
        dump_message(StateMessage({"x": object()}))


@pytest.mark.parametrize("version", [7, 7.0])
def test_a_version_is_an_integer_however_written(version):
    line = json.dumps({"type": "ACTIVATE_VERSION", "stream": "s", "version": version})
    assert parse_message(line) == ActivateVersionMessage("s", 7)


@pytest.mark.parametrize("written", [None, "none", "NONE", ""])
def test_no_compression_in_any_spelling(written):  # B1
    encoding = {"format": "Parquet", "compression": written}
    line = json.dumps({"type": "BATCH", "stream": "s", "encoding": encoding, "manifest": ["a"]})
    assert parse_message(line).encoding == BatchEncoding("parquet", None)


def test_unknown_encodings_are_for_the_reader_to_refuse():
    encoding = {"format": "avro", "compression": "ZSTD", "level": 3}
    line = json.dumps({"type": "BATCH", "stream": "s", "encoding": encoding, "manifest": "a"})
    assert parse_message(line) == BatchMessage("s", BatchEncoding("avro", "zstd"), ("a",))


REFUSED = [
    (b"\xff{}", "not UTF-8 at byte 0"),
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b'{"type":"STATE","value":1} x', "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b"9" * 5000, "not JSON"),
    (b"[]", "expected a JSON object, found list"),
    (b"null", "expected a JSON object, found NoneType"),
    (b"{}", "no `type`"),
    (b'{"type":5}', "`type` is not a string"),
    (b'{"type":"STATE"}', "no `value`"),
    (b'{"type":"RECORD","record":{}}', "no `stream`"),
    (b'{"type":"RECORD","stream":1,"record":{}}', "`stream` is not a string"),
    (b'{"type":"RECORD","stream":"\\ud800","record":{}}', "`stream` holds half of a surrogate pair"),
    (b'{"type":"RECORD","stream":"s"}', "stream 's': no `record`"),
    (b'{"type":"RECORD","stream":"s","record":[]}', "`record` is not an object"),
    (b'{"type":"RECORD","stream":"s","record":{},"version":"1"}', "`version` is not an integer"),
    (b'{"type":"SCHEMA","stream":"s","schema":"x"}', "`schema` is not an object"),
    (b'{"type":"ACTIVATE_VERSION","stream":"s"}', "no `version`"),
    (b'{"type":"ACTIVATE_VERSION","stream":"s","version":1.5}', "`version` is not an integer"),
    (b'{"type":"ACTIVATE_VERSION","stream":"s","version":true}', "`version` is not an integer"),
    (b'{"type":"BATCH","stream":"s","manifest":[]}', "no `encoding`"),
    (b'{"type":"BATCH","stream":"s","encoding":{},"manifest":[]}', "`encoding` needs a `format`"),
    (b'{"type":"BATCH","stream":"s","encoding":{"format":"jsonl","compression":1}}', "`compression`"),
    (
        b'{"type":"BATCH","stream":"s","encoding":{"format":"jsonl"},"manifest":[1]}',
        "`manifest` is not a list",
    ),
]


@pytest.mark.parametrize(("line", "reason"), REFUSED)
def test_what_is_no_message_is_refused_with_line_and_reason(line, reason):
    with pytest.raises(MessageError) as caught:
        parse_message(line, number=12)
    assert reason in str(caught.value)
    assert str(caught.value).startswith("line 12")
    assert caught.value.line == 12
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keys", [[1], {"a": 1}, 3])
def test_key_properties_of_another_type_are_refused(keys):
    with pytest.raises(MessageError, match="`key_properties` is not a list of strings"):
        parse_message(schema_line(key_properties=keys))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(), JSON_VALUES, max_size=5)
VERSIONS = st.none() | st.integers()
NAMES = st.lists(st.text(), max_size=3).map(tuple)
MESSAGES = st.one_of(
    st.builds(RecordMessage, st.text(), OBJECTS, st.none() | st.text(), VERSIONS),
    st.builds(
        SchemaMessage,
        st.text(),
        st.builds(lambda rest: {**rest, "properties": {}}, OBJECTS),
        NAMES,
        st.none() | NAMES,
    ),
    st.builds(StateMessage, JSON_VALUES),
    st.builds(ActivateVersionMessage, st.text(), st.integers()),
    st.builds(
        BatchMessage,
        st.text(),
        st.builds(
            BatchEncoding, st.sampled_from(["jsonl", "arrow", "parquet"]), st.sampled_from([None, "gzip"])
        ),
        NAMES,
        VERSIONS,
    ),
)


@settings(deadline=None)
@given(MESSAGES)
def test_every_message_survives_its_line(message):
    line = dump_message(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_message(line) == message


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(line):
    with pytest.raises((MessageError, SchemaError)):
        parse_message(line)
