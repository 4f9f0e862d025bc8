"""The envelope: verbatim, checked, and never silently nothing."""

from __future__ import annotations

import hashlib
import json

import pytest
from dativo.errors import StateDamaged, StateError
from dativo.state.envelope import Envelope, members_of, seal, unseal
from hypothesis import given, settings
from hypothesis import strategies as st

STATE = '{"bookmarks": {"users": {"replication_key_value": 12345678901234567890.10, "s": "ü"}}}'
WHOLE = Envelope("acme/users", STATE, 7, "20260131T120000Z-1f2e3d", "2026-01-31T12:00:00.000Z")


def opened(content: bytes) -> Envelope:
    return unseal(content, "acme/users", "here.json")


def test_the_envelope_is_as_documented():
    envelope = json.loads(seal(WHOLE))
    names = ["format", "version", "job", "seq", "run", "updated_at", "sha256", "state"]
    assert list(envelope) == names
    assert envelope["format"] == "dativo-state"
    assert envelope["version"] == 1
    assert envelope["seq"] == 7
    assert envelope["sha256"] == hashlib.sha256(STATE.encode()).hexdigest()


@pytest.mark.parametrize(
    "text",
    [STATE, "{}", '{"a":1e400}', '{"n": 0.10000000000000000000000001}', '{"k": "\\u0000\\ud83d\\ude00"}'],
)
def test_a_state_comes_back_byte_for_byte(text):
    assert opened(seal(Envelope("acme/users", text))).text == text


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda child: st.lists(child) | st.dictionaries(st.text(), child),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), JSON), st.booleans(), st.integers(1, 2**63), st.text(max_size=5))
def test_whatever_the_state_nothing_of_it_is_lost(state, escape, seq, run):
    text = json.dumps(state, ensure_ascii=escape)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(state)
    envelope = Envelope("acme/users", text, seq, run, "2026-01-31T12:00:00.000Z", "run")
    assert opened(seal(envelope)) == envelope


def test_a_file_of_before_seq_and_run_is_the_first():
    old = {"format": "dativo-state", "version": 1, "job": "acme/users", "state": {"n": 1}}
    assert opened(json.dumps(old).encode()) == Envelope("acme/users", '{"n": 1}', 1)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"{", "damaged"),
        (b"{}", "is missing"),
        (b"[]", "does not hold a JSON object"),
        (b"null", "does not hold a JSON object"),
        (b'{"bookmarks": {}}', '"format": "dativo-state" is missing'),
        (b"\xff\xfe", "is not UTF-8"),
        (b'{"format": "dativo-state", "version": 1, "job": "acme/users", "state": 5}', "must be an object"),
        (b'{"format": "dativo-state", "version": 1, "job": "acme/users"}', '"state" must be an object'),
        (
            b'{"format": "dativo-state", "version": 1, "job": "acme/users", "seq": 0, "state": {}}',
            '"seq" must be a number from 1',
        ),
        (
            b'{"format": "dativo-state", "version": 1, "job": "acme/users", "state": {}} {}',
            "something follows",
        ),
        (b'{"format": "dativo-state" "version": 1}', "is cut or not JSON"),
        (b'{"format"; "dativo-state"}', "is not JSON"),
        (b"{5: 1}", "damaged"),
    ],
)
def test_what_is_no_whole_state_is_an_error(content, why):
    with pytest.raises(StateDamaged) as caught:
        opened(content)
    assert "here.json" in str(caught.value)
    assert why in str(caught.value)
    assert "`dativo state rollback` puts back the last good one" in str(caught.value)


def test_cut_anywhere_is_an_error():
    whole = seal(WHOLE).rstrip()
    for length in range(len(whole)):
        with pytest.raises(StateDamaged):
            opened(whole[:length])


def test_a_change_is_noticed_and_can_be_meant():
    changed = seal(Envelope("acme/users", '{"cursor": 10}')).replace(b"10}", b"20}")
    with pytest.raises(StateDamaged, match="does not match its sha256"):
        opened(changed)
    document = json.loads(changed)
    del document["sha256"]
    assert json.loads(opened(json.dumps(document, indent=2).encode()).text) == {"cursor": 20}


def test_a_state_of_another_job_is_refused():
    with pytest.raises(StateError, match=r"belongs to the job 'acme/orders', not to 'acme/users'"):
        opened(seal(Envelope("acme/orders", "{}")))


def test_a_state_from_the_future_is_refused():
    with pytest.raises(StateError, match="version 2 of the state format is not known"):
        opened(b'{"format": "dativo-state", "version": 2, "job": "acme/users", "state": {}}')


def test_members_are_verbatim():
    assert members_of(' {"a" : 1.50 ,"b":{"c": [1,  2]}}\n') == {"a": "1.50", "b": '{"c": [1,  2]}'}
    assert members_of("{}") == {}
