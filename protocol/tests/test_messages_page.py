"""Every example of docs/protocol.md is what the code reads and writes."""

import json
import re
from pathlib import Path

import pytest
from dativo_protocol.catalog import parse_catalog
from dativo_protocol.discovery import catalog_entry
from dativo_protocol.envelope import parse_envelope, read_state
from dativo_protocol.messages import dump_message, parse_message
from dativo_protocol.state import State

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
MESSAGES, (CATALOG, STATE, ENVELOPE) = BLOCKS[0].splitlines(), BLOCKS[1:]


@pytest.mark.parametrize("line", MESSAGES, ids=lambda line: json.loads(line)["type"])
def test_messages_are_written_as_shown(line):
    assert dump_message(parse_message(line)).decode() == f"{line}\n"


def test_all_five_messages_are_shown():
    shown = {json.loads(line)["type"] for line in MESSAGES}
    assert shown == {"SCHEMA", "RECORD", "STATE", "ACTIVATE_VERSION", "BATCH"}


def test_the_catalog_is_what_discovery_writes():
    shown = parse_catalog(CATALOG).streams[0]
    described = catalog_entry(
        shown.tap_stream_id, shown.schema, stream=shown.stream, key_properties=shown.key_properties
    )
    assert described.document == json.loads(CATALOG)["streams"][0]


def test_the_state_is_read_and_written_as_shown():
    state = read_state(STATE)
    assert state.to_dict() == json.loads(STATE)
    assert state.get_bookmark("issues", context={"repo": "a"}).resume_from("id") == 7


def test_the_envelope_is_written_as_shown():
    assert parse_envelope(ENVELOPE).dump().decode() == ENVELOPE
    assert read_state(ENVELOPE) == State()
