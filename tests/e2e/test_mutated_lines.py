"""Ten thousand damaged lines through the executable: it never falls over, and every line is accounted for.

What became of each line is found twice: from the counts of the run itself, and by holding what it wrote
against the input, line by line.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow.dataset as ds
from dativo_protocol.testing import Outcome, run

from tests.paths import BIN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINES = 10_000
SEED = 20260131
KNOWN = {"RECORD", "SCHEMA", "STATE", "ACTIVATE_VERSION", "BATCH"}
SUMMARY = re.compile(r"([\d,]+) records read: ([\d,]+) written, ([\d,]+) quarantined, ([\d,]+) skipped")
NULLABLE = {"type": ["string", "null"]}
SCHEMAS = {
    "orders": {
        "id": {"type": "integer"},
        "price": {"type": ["number", "null"], "multipleOf": 0.01},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "note": NULLABLE | {"maxLength": 60},
        "items": {
            "type": "array",
            "items": {"type": "object", "properties": {"sku": NULLABLE, "n": {"type": "integer"}}},
        },
    },
    "events": {
        "id": {"type": "integer"},
        "kind": {"enum": ["click", "view", None]},
        "user": {"type": ["object", "null"], "properties": {"name": NULLABLE, "vip": {"type": "boolean"}}},
        "payload": {},
    },
}


def test_damaged_lines_are_quarantined_every_one(tmp_path: Path) -> None:
    lines = damaged_lines(random.Random(SEED))
    outcome = load(tmp_path, lines, on_invalid="quarantine")
    read, written, quarantined, skipped = counts(outcome)
    assert read == written + quarantined + skipped
    assert skipped == 0
    rows = ds.dataset(tmp_path / "lake" / "_quarantine").to_table().to_pylist()
    assert len(rows) == quarantined > LINES / 5
    for row in rows:
        assert kept(row) == lines[row["line"] - 1].strip(b" \t\r\n\f"), row
    assert len({row["line"] for row in rows}) == quarantined
    taken = {row["line"] for row in rows}
    others = [message(line) for number, line in enumerate(lines, 1) if number not in taken and line.strip()]
    records = [each for each in others if type_of(each) == "RECORD"]
    assert len(records) == written
    assert Counter((each["stream"], each["record"]["id"]) for each in records) == loaded(tmp_path)
    for unknown in {str(each["type"]) for each in others if type_of(each) not in KNOWN}:
        assert f"messages of the unknown type {unknown!r} are ignored" in outcome.stderr


def test_damaged_lines_are_skipped_every_one(tmp_path: Path) -> None:
    lines = damaged_lines(random.Random(SEED))
    outcome = load(tmp_path, lines, on_invalid="skip")
    read, written, quarantined, skipped = counts(outcome)
    assert read == written + quarantined + skipped
    assert quarantined == 0
    assert skipped > LINES / 5
    assert written == loaded(tmp_path).total()
    assert not (tmp_path / "lake" / "_quarantine").exists()


def test_none_of_them_is_a_crash_by_default(tmp_path: Path) -> None:
    """The first of them that cannot be used ends the run, and says where."""
    lines = damaged_lines(random.Random(SEED))
    outcome = load(tmp_path, lines, on_invalid="fail", code=1)
    assert re.search(r"CRITICAL .* line \d+", outcome.stderr)
    assert not list((tmp_path / "lake").rglob("*.parquet"))


def load(directory: Path, lines: list[bytes], *, code: int = 0, **settings: Any) -> Outcome:
    """Run the target over the lines; whatever they are it ends as it should."""
    config = directory / "config.json"
    config.write_text(json.dumps({"destination_path": str(directory / "lake"), **settings}))
    command = [BIN / "target-parquet", "--config", config]
    outcome = run(command, stdin=b"".join(line + b"\n" for line in lines))
    assert outcome.code == code, outcome.stderr
    for sign in ("Traceback", "panicked", "this is a defect"):
        assert sign not in outcome.stderr
    return outcome


def counts(outcome: Outcome) -> tuple[int, ...]:
    """Read, written, quarantined, skipped, as the run says."""
    [found] = SUMMARY.findall(outcome.stderr)
    return tuple(int(count.replace(",", "")) for count in found)


def kept(row: dict[str, Any]) -> bytes:
    """The line that a row of quarantine has."""
    raw: bytes = row["raw"].encode() if row["raw_bytes"] is None else row["raw_bytes"]
    return raw


def message(line: bytes) -> dict[str, Any]:
    """What a line says that was not refused: `json` itself has to be able to read it."""
    read: dict[str, Any] = json.loads(line.decode())
    return read


def type_of(message: dict[str, Any]) -> str:
    return str(message["type"]).upper()


def loaded(directory: Path) -> Counter[tuple[str, int | None]]:
    """Stream and id of each record that readers find."""
    found: Counter[tuple[str, int | None]] = Counter()
    for stream in SCHEMAS:
        ids = ds.dataset(directory / "lake" / stream).to_table(columns=["id"])["id"].to_pylist()
        found.update((stream, each) for each in ids)
    return found


def damaged_lines(rng: random.Random) -> list[bytes]:
    """Singer lines as a tap writes them, two in five of them damaged; SCHEMA lines are whole."""
    lines = [schema_line(stream) for stream in SCHEMAS]
    while len(lines) < LINES:
        line = state_line(rng) if rng.random() < 0.02 else record_line(rng)
        if rng.random() < 0.4:
            line = rng.choice(DAMAGES)(rng, line)
        lines += line.split(b"\n")
    return lines[:LINES]


def schema_line(stream: str) -> bytes:
    message = {"type": "SCHEMA", "stream": stream, "schema": {"properties": SCHEMAS[stream]}}
    return json.dumps(message | {"key_properties": ["id"]}).encode()


def state_line(rng: random.Random) -> bytes:
    return json.dumps({"type": "STATE", "value": {"at": rng.randrange(1000)}}).encode()


def record_line(rng: random.Random) -> bytes:
    stream = rng.choice(list(SCHEMAS))
    record = order(rng) if stream == "orders" else event(rng)
    message = {"type": "RECORD", "stream": stream, "record": record}
    return json.dumps(message, ensure_ascii=rng.random() < 0.5).encode()


def order(rng: random.Random) -> dict[str, Any]:
    number = rng.randrange(10**6)
    return {
        "id": number,
        "price": rng.choice([None, number / 100]),
        "at": f"2026-01-{number % 28 + 1:02}T{number % 24:02}:00:00+02:00",
        "note": rng.choice([None, "", 'says "hi"\n\t\\', "žluťoučký 🦀"]),
        "items": [{"sku": "ab", "n": each} for each in range(number % 4)],
    }


def event(rng: random.Random) -> dict[str, Any]:
    number = rng.randrange(10**6)
    user = {"name": "Zoë", "vip": number % 2 == 0}
    payload = rng.choice([None, 1, "text", [1, {"deep": [[[]]]}]])
    return {"id": number, "kind": rng.choice(["click", "view"]), "user": user, "payload": payload}


def flip(rng: random.Random, line: bytes) -> bytes:
    """Flip a bit of some bytes."""
    damaged = bytearray(line)
    for _ in range(rng.randint(1, 3)):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def replace_byte(rng: random.Random, line: bytes) -> bytes:
    at = rng.randrange(len(line))
    return line[:at] + bytes([rng.choice(b'{}[]":,\\0-9eE.tfn\x00\xff \r')]) + line[at + 1 :]


def cut(rng: random.Random, line: bytes) -> bytes:
    return line[: rng.randrange(len(line))]


def cut_out(rng: random.Random, line: bytes) -> bytes:
    start = rng.randrange(len(line))
    return line[:start] + line[start + rng.randint(1, 20) :]


def insert(rng: random.Random, line: bytes) -> bytes:
    at = rng.randrange(len(line))
    return line[:at] + rng.randbytes(rng.randint(1, 8)) + line[at:]


def repeat(rng: random.Random, line: bytes) -> bytes:
    start = rng.randrange(len(line))
    part = line[start : start + rng.randint(1, 40)]
    return line[:start] + part * rng.randint(2, 9) + line[start:]


def join(rng: random.Random, line: bytes) -> bytes:
    """Two lines that ran together, as when two processes write to one pipe."""
    other = record_line(rng)
    at = rng.choice([len(line), rng.randrange(len(line))])
    return line[:at] + other + line[at:]


def split(rng: random.Random, line: bytes) -> bytes:
    at = rng.randrange(len(line))
    return line[:at] + b"\n" + line[at:]


def swap_value(rng: random.Random, line: bytes) -> bytes:
    """A value of another type, or one that fits nowhere."""
    value = rng.choice([b'"x"', b"1e400", b"99999999999999999999999", b"NaN", b"true", b"[]", b"{}", b"null"])
    return re.sub(rb"(?<=: )\d+", lambda _: value, line, count=1)


def swap_word(rng: random.Random, line: bytes) -> bytes:
    word, other = rng.choice(
        [(b"orders", b"order"), (b"RECORD", b"RECORDS"), (b'"record"', b'"rec"'), (b'"id"', b'"ID"')]
    )
    return line.replace(word, other, 1)


DAMAGES: list[Callable[[random.Random, bytes], bytes]] = [
    flip,
    replace_byte,
    cut,
    cut_out,
    insert,
    repeat,
    join,
    split,
    swap_value,
    swap_word,
]
