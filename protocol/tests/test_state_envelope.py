"""State files: every form people have, verbatim text, and no damage taken for "no state"."""

import hashlib
import json

import pytest
from dativo_protocol.envelope import StateEnvelope, parse_envelope, read_state
from dativo_protocol.errors import ConfigError
from dativo_protocol.state import State
from hypothesis import given, settings
from hypothesis import strategies as st

# A cursor that no float holds, an integer beyond 64 bits, escapes of both kinds, generous white space.
STATE = (
    '{"bookmarks" :\n {"a": {"v": 0.1000000000000000000001, "n": 123456789012345678901234567890},'
    '\t"ü}": "\\u007d\\""}}'
)
DIGEST = hashlib.sha256(STATE.encode()).hexdigest()
ENVELOPE = (
    '{"format": "dativo-state", "version": 1, "job": "acme/users", "updated_at": "2026-01-31T12:00:00Z", '
    f'"sha256": "{DIGEST}", "state": {STATE}}}\n'
)


def test_the_envelope_on_disk():
    envelope = StateEnvelope(STATE, "acme/users", "2026-01-31T12:00:00Z")
    assert envelope.dump().decode() == ENVELOPE
    assert parse_envelope(ENVELOPE) == envelope
    assert parse_envelope(ENVELOPE.encode()).state == STATE


@pytest.mark.parametrize(
    "text",
    [
        ENVELOPE,
        STATE,
        f"\ufeff {STATE} \r\n",
        f'{{"singer_state": {STATE}}}',
        f'{{"completed": true,\n "singer_state":{STATE} }}',
        f'{{"type": "STATE", "value": {STATE}}}',
        f'{{"value":{STATE},"type":"state"}}',
        f'{{"bookmarks": {{}}}}\n{json.dumps(json.loads(STATE))}\n\n',
        json.dumps(json.loads(STATE), indent=4),
    ],
    ids=["ours", "bare", "bom", "meltano", "meltano-more", "message", "message-case", "lines", "pretty"],
)
def test_every_form_of_a_state(text):
    assert read_state(text.encode()) == State(json.loads(STATE))


def test_wrapped_text_is_kept_verbatim():
    assert parse_envelope(f'{{"singer_state": {STATE}}}').state == STATE
    assert parse_envelope(f'{{"type": "STATE", "value": {STATE}}}').state == STATE


def test_a_bare_state_may_have_any_keys():
    for text in ('{"singer_state": 1, "bookmarks": {"a": {}}}', '{"type": "STATE"}', '{"version": 1}', "{}"):
        assert read_state(text).to_dict() == json.loads(text)


def test_null_is_no_state_yet():
    assert read_state("null") == State()


def test_a_hand_made_change_needs_no_digest():
    edited = ENVELOPE.replace(f'"sha256": "{DIGEST}", ', "").replace('"n"', '"m"')
    assert "m" in read_state(edited).get_bookmark("a").values


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "it is empty"),
        (b" \n ", "it is empty"),
        (b"\xff", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"{} x", "not JSON"),
        (b'{"bookmarks": {}}\n{"bookm', "not JSON"),
        (b"3", "expected an object, found int"),
        (b"[]", "expected an object, found list"),
        (b'{"bookmarks": 3}', "bookmarks is not an object"),
        (ENVELOPE.replace("0.1000", "0.2000").encode(), "does not match its sha256"),
        (ENVELOPE.replace('"version": 1', '"version": 2').encode(), "version 2 of its format"),
        (ENVELOPE.replace('"version": 1, ', "").encode(), "version null of its format"),
    ],
)
def test_damage_is_an_error(text, reason):
    with pytest.raises(ConfigError) as caught:
        read_state(text)
    assert reason in str(caught.value)
    assert caught.value.instruction


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=3), st.none() | st.text(), st.sampled_from([None, 1]))
def test_any_state_survives_its_envelope(document, job, indent):
    text = json.dumps(document, indent=indent)
    envelope = StateEnvelope(text, job)
    assert parse_envelope(envelope.dump()) == envelope


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_do_more_than_be_refused(data):
    try:
        state = read_state(data)
    except ConfigError:
        return
    assert isinstance(state.to_dict(), dict)
