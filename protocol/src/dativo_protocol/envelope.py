"""State as a file: the versioned envelope of the runner, and everything else people pass to `--state`.

    {"format": "dativo-state", "version": 1, "job": "acme/users", "updated_at": "2026-01-31T12:00:00Z",
     "sha256": "…", "state": {…}}

`state` is kept as its own text, because a cursor may be a decimal that no float holds; `sha256` covers that
text, encoded as UTF-8. A file that is cut or changed is an error, never "no state".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from dativo_protocol.state import State, unusable_state

FORMAT = "dativo-state"
VERSION = 1


@dataclass(frozen=True, slots=True)
class StateEnvelope:
    """A stored state and what is known of it.

    Attributes:
        state: JSON text of the document, verbatim.
        job: that it belongs to; None if it came without an envelope.
        updated_at: RFC 3339; None if it came without an envelope.
    """

    state: str
    job: str | None = None
    updated_at: str | None = None

    @property
    def sha256(self) -> str:
        """Hex digest of the state's text."""
        return hashlib.sha256(self.state.encode()).hexdigest()

    def dump(self) -> bytes:
        """Return the envelope as one line of JSON."""
        head = {
            "format": FORMAT,
            "version": VERSION,
            "job": self.job,
            "updated_at": self.updated_at,
            "sha256": self.sha256,
        }
        return (json.dumps(head, ensure_ascii=False)[:-1] + f', "state": {self.state}}}\n').encode()


def read_state(data: bytes | str) -> State:
    """Read the content of a state file, in any of the forms of `parse_envelope`.

    Raises:
        ConfigError: it holds no state.
    """
    document = json.loads(parse_envelope(data).state)
    if document is None:
        return State()
    if not isinstance(document, dict):
        raise unusable_state(f"expected an object, found {type(document).__name__}")
    return State(document)


def parse_envelope(data: bytes | str) -> StateEnvelope:
    """Unwrap a state: our envelope, Meltano's `singer_state`, a whole STATE message, or the bare value.

    Several lines are what `target > state.json` leaves behind: the last one counts.

    Raises:
        ConfigError: not JSON, damaged, or of a version from the future.
    """
    try:
        text = (data.decode("utf-8-sig") if isinstance(data, bytes) else data).strip()
        if not text:
            raise unusable_state("it is empty")
        text = _last_document(text)
        members = _members(text) if text.startswith("{") else {}
    except (ValueError, RecursionError) as error:
        raise unusable_state(f"not JSON: {error}") from None
    if members.get("format") == json.dumps(FORMAT):
        return _checked(members)
    if members.get("type", "").upper() == '"STATE"' and "value" in members:
        return StateEnvelope(members["value"])
    if "singer_state" in members and "bookmarks" not in members:
        return StateEnvelope(members["singer_state"])
    return StateEnvelope(text)


def _checked(members: dict[str, str]) -> StateEnvelope:
    version = members.get("version", "null")
    if version != str(VERSION):
        raise unusable_state(f"version {version} of its format is not known here, only {VERSION}")
    envelope = StateEnvelope(
        members.get("state", "null"),
        json.loads(members.get("job", "null")),
        json.loads(members.get("updated_at", "null")),
    )
    if "sha256" in members and json.loads(members["sha256"]) != envelope.sha256:
        raise unusable_state(
            '"state" does not match its sha256 (remove "sha256" after a change made by hand)'
        )
    return envelope


def _last_document(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if "\n" not in text or not error.msg.startswith("Extra data"):
            raise
        text = text[text.rindex("\n") + 1 :].strip()
        json.loads(text)
    return text


def _members(text: str) -> dict[str, str]:
    """Return the text of each member of a JSON object that is known to be well-formed."""
    decoder = json.JSONDecoder()
    members: dict[str, str] = {}
    index = _after_space(text, 1)
    while text[index] != "}":
        name, index = decoder.raw_decode(text, index)
        start = _after_space(text, _after_space(text, index) + 1)
        _, index = decoder.raw_decode(text, start)
        members[name] = text[start:index]
        index = _after_space(text, index)
        if text[index] == ",":
            index = _after_space(text, index + 1)
    return members


def _after_space(text: str, index: int) -> int:
    while text[index] in " \t\r\n":
        index += 1
    return index
