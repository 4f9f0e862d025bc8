"""One entry and its links: the hashes are those of any other implementation of what is documented."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from dativo.audit.chain import BEGINNING, VERSION, canonical, digest, line_of, seal_of_head, sealed

GOLDEN = json.loads((Path(__file__).parent / "cases" / "chain.json").read_text())
ENTRY = {"v": 1, "seq": 2, "facts": {"b": [1, None, True], "a": "ü"}, "prev": "0" * 64}
CONTENT = b'{"facts":{"a":"\\u00fc","b":[1,null,true]},"prev":"' + b"0" * 64 + b'","seq":2,"v":1}'


def test_the_beginning_and_the_version_are_as_documented():
    assert BEGINNING == "0000000000000000000000000000000000000000000000000000000000000000"
    assert VERSION == 1


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["what"])
def test_hashes_of_logs_that_are_out_there_stay(case):
    key = case["key"].encode() if case["key"] else None
    assert canonical(case["entry"]).decode() == case["canonical"]
    assert digest(case["entry"], key) == case["hash"]
    assert sealed(case["entry"], key) == {**case["entry"], "hash": case["hash"]}


def test_content_is_sorted_ascii_without_spaces():
    assert canonical(ENTRY) == CONTENT
    assert canonical(dict(reversed(ENTRY.items()))) == CONTENT
    assert line_of(ENTRY) == CONTENT + b"\n"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_json_has_no_content(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"facts": {"n": number}})


def test_a_line_is_one_line_whatever_is_in_it():
    line = line_of({"facts": {"a": "x\ny\r\u2028\x85\0"}})
    assert line.splitlines(keepends=True) == [line]
    assert json.loads(line) == {"facts": {"a": "x\ny\r\u2028\x85\0"}}


def test_without_a_key_it_is_the_sha256_of_everything_else():
    assert digest(ENTRY, None) == digest(ENTRY, b"") == hashlib.sha256(CONTENT).hexdigest()
    assert digest(ENTRY | {"hash": "anything"}, None) == digest(ENTRY, None)


def test_with_a_key_it_is_an_hmac():
    assert digest(ENTRY, b"k") == hmac.new(b"k", CONTENT, "sha256").hexdigest()
    assert len({digest(ENTRY, key) for key in (None, b"k", b"K")}) == 3


@pytest.mark.parametrize(
    "change",
    [{"seq": 3}, {"v": 2}, {"prev": "1" + "0" * 63}, {"facts": {}}, {"more": None}, {"facts": {"b": [True]}}],
)
@pytest.mark.parametrize("key", [None, b"k"])
def test_every_change_is_another_hash(change, key):
    assert digest({**ENTRY, **change}, key) != digest(ENTRY, key)


def test_sealing_leaves_the_entry_and_replaces_an_old_hash():
    entry = {**ENTRY, "hash": "old"}
    assert sealed(entry, None)["hash"] == digest(ENTRY, None)
    assert entry["hash"] == "old"


def test_the_seal_of_a_head_is_no_hash_of_an_entry():
    head = {"seq": 2, "hash": "ab", "file": "2026-01", "size": 7}
    said = b'HEAD {"file":"2026-01","hash":"ab","seq":2,"size":7}'
    assert seal_of_head(head, b"k") == hmac.new(b"k", said, "sha256").hexdigest()
    assert seal_of_head(head, b"k") != digest(head, b"k")
    for name in head:
        assert seal_of_head({**head, name: 0}, b"k") != seal_of_head(head, b"k")
