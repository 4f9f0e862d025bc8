"""The form in which states are kept: a versioned envelope around the document that the target handed out.

    {"format": "dativo-state", "version": 1, "job": "acme/users", "seq": 41, "run": "20260131T120000Z-1f2e3d",
     "updated_at": "2026-01-31T12:00:00.000Z", "sha256": "…", "state": {…}}

`state` is kept byte for byte (a cursor may be a decimal that no float holds), and `sha256` covers those
bytes. What is empty, cut or changed is an error and never "no state": that would load everything anew without
a word. Files of before `seq` and `run` count as the first of their job.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from dativo.errors import StateDamaged, StateError
from dativo.records import dataclass

FORMAT = "dativo-state"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Envelope:
    """A state with what is known of its making.

    Attributes:
        text: JSON text of the state, verbatim.
        reason: why it was kept, in the history.
    """

    job: str
    text: str
    seq: int = 1
    run: str | None = None
    at: str = ""
    reason: str = ""

    @property
    def tag(self) -> str:
        """Differs wherever two envelopes of a job differ in what counts."""
        return f"{self.seq}:{_digest(self.text)}"


def now() -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seal(envelope: Envelope) -> bytes:
    """The bytes to keep."""
    head: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "job": envelope.job,
        "seq": envelope.seq,
        "run": envelope.run,
        "updated_at": envelope.at,
        "sha256": _digest(envelope.text),
    }
    if envelope.reason:
        head["reason"] = envelope.reason
    return (json.dumps(head, ensure_ascii=False)[:-1] + f', "state": {envelope.text}}}\n').encode()


def unseal(content: bytes, job: str, place: str) -> Envelope:
    """Reads what `seal` made.

    Args:
        content: bytes of the store.
        job: key that it must belong to.
        place: where it was read, for messages.

    Raises:
        StateDamaged: it is not whole.
        StateError: it belongs to another job, or to another version of dativo.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise damaged(place, "it is not UTF-8 text") from error
    try:
        members = members_of(text)
    except ValueError as error:
        raise damaged(place, "it is empty" if not text.strip() else str(error)) from error
    _check_head(members, job, place)
    state = members.get("state", "")
    if not state.startswith("{"):
        raise damaged(place, '"state" must be an object')
    if "sha256" in members and json.loads(members["sha256"]) != _digest(state):
        raise damaged(
            place, '"state" does not match its sha256 (remove "sha256" after a change made by hand)'
        )
    known = {
        name: json.loads(members[name]) for name in ("seq", "run", "updated_at", "reason") if name in members
    }
    seq = known.get("seq", 1)
    if not isinstance(seq, int) or seq < 1:
        raise damaged(place, '"seq" must be a number from 1')
    return Envelope(job, state, seq, known.get("run"), known.get("updated_at", ""), known.get("reason", ""))


def is_envelope(members: dict[str, str]) -> bool:
    """Whether the members of an object are those of an envelope of ours."""
    return members.get("format") == json.dumps(FORMAT)


def damaged(place: str, why: str) -> StateDamaged:
    """The error of a state that is not whole."""
    return StateDamaged(
        f"{place}: the state is damaged: {why}. `dativo state rollback` puts back the last "
        "good one, `dativo state clear` lets the next run load everything from the start"
    )


def members_of(text: str) -> dict[str, str]:
    """Name → JSON text, verbatim, of each member of a JSON object; raises ValueError if it is not one."""
    decoder = json.JSONDecoder()
    index = _after_space(text, 0)
    if text[index : index + 1] != "{":
        raise ValueError("it does not hold a JSON object")
    members: dict[str, str] = {}
    closing = "{"
    while closing != "}":
        start = _after_space(text, index + 1)
        if closing == "{" and text[start : start + 1] == "}":
            index = start
            break
        name, index = decoder.raw_decode(text, start)
        index = _after_space(text, index)
        if not isinstance(name, str) or text[index : index + 1] != ":":
            raise ValueError(f"it is not JSON at character {index + 1}")
        start = _after_space(text, index + 1)
        _, index = decoder.raw_decode(text, start)
        members[name] = text[start:index]
        index = _after_space(text, index)
        closing = text[index : index + 1]
        if closing not in {",", "}"}:
            raise ValueError(f"it is cut or not JSON at character {index + 1}")
    if text[index + 1 :].strip():
        raise ValueError("something follows the JSON object")
    return members


def _check_head(members: dict[str, str], job: str, place: str) -> None:
    if not is_envelope(members):
        raise damaged(place, f'it is no state file: "format": "{FORMAT}" is missing')
    if (version := members.get("version")) != str(VERSION):
        raise StateError(
            f"{place}: version {version} of the state format is not known to this dativo (it knows "
            f"{VERSION}); run the version that wrote it, or newer"
        )
    if (owner := json.loads(members.get("job", "null"))) != job:
        raise StateError(
            f"{place}: this state belongs to the job {owner!r}, not to {job!r}; "
            "give each job its own state.path"
        )


def _after_space(text: str, index: int) -> int:
    while text[index : index + 1] in {" ", "\t", "\r", "\n"}:
        index += 1
    return index


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
