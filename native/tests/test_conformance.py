"""The cases that the core runs in Rust, run again through the boundary (tests/conformance/README.md)."""

import json
from pathlib import Path

import pytest
from dativo_native import Event, EventKind, ReaderOptions, RecordReader

from .canonical import rows_of, schema_of

CASES = Path(__file__).resolve().parents[2] / "tests" / "conformance" / "cases" / "decode"
NAMES = sorted(case.name for case in CASES.iterdir()) if CASES.is_dir() else []


def test_there_are_cases():
    assert NAMES, f"no cases in {CASES}"


class Case:
    def __init__(self, directory):
        self.input = (directory / "input.singer").read_bytes()
        plans = self._json(directory / "plan.json", {})
        self.plans = {stream: self._schemas(plan) for stream, plan in plans.items()}
        self.options = ReaderOptions(**self._json(directory / "options.json", {}))
        self.validate = self._json(directory / "validate.json", False)
        self.expected = self._json(directory / "expect.json")

    @staticmethod
    def _schemas(plan):
        """One schema, or one for each SCHEMA of the stream."""
        return [schema_of(columns) for columns in (plan if plan and isinstance(plan[0], list) else [plan])]

    @staticmethod
    def _json(path, default=None):
        return json.loads(path.read_text()) if path.exists() or default is None else default

    def plan(self, reader, event):
        """Plans the stream as the case says; a stream it does not name stays without a plan."""
        schemas = self.plans.get(event.stream)
        if schemas:
            schema = schemas.pop(0) if len(schemas) > 1 else schemas[0]
            keywords = json.dumps(json.loads(event.text)["schema"]).encode() if self.validate else b""
            reader.plan(event.stream, schema, keywords)


def notation(event: Event):
    """The event as `expect.json` writes it."""
    match event.kind:
        case EventKind.SCHEMA:
            return {"schema": event.stream}
        case EventKind.BATCH:
            return {"batch": event.stream, "rows": rows_of(event.batch)}
        case EventKind.STATE:
            return {"state": event.text.decode()}
        case EventKind.ACTIVATE_VERSION:
            return {"activate_version": [event.stream, event.version]}
        case EventKind.BATCH_FILE:
            return {"batch_file": event.stream}
        case EventKind.INVALID:
            place = {"line": event.line, "stream": event.stream, "path": event.path, "reason": event.reason}
            return {"invalid": place}
        case EventKind.NOTICE:
            return {"notice": [event.reason, event.stream, event.text.decode()]}
        case _:
            return {event.kind.name.lower(): True}


def run(case, chunk):
    met = []
    with RecordReader(None, case.options) as reader:
        rest = memoryview(case.input)
        while {"end": True} not in met:
            event = reader.next()
            if event.kind is EventKind.NEED_INPUT and rest:
                reader.feed(rest[:chunk])
                rest = rest[chunk:]
            elif event.kind is EventKind.NEED_INPUT:
                reader.finish()
            else:
                met.append(notation(event))
            if event.kind is EventKind.SCHEMA:
                case.plan(reader, event)
    return met


def signed(value):
    """The same with zeros that tell their sign, which `==` would not see."""
    if isinstance(value, dict):
        return {key: signed(member) for key, member in value.items()}
    if isinstance(value, list):
        return [signed(item) for item in value]
    return "-0.0" if repr(value) == "-0.0" else value


@pytest.mark.parametrize("chunk", [1 << 20, 7, 1])
@pytest.mark.parametrize("name", NAMES)
def test_case(name, chunk):
    case = Case(CASES / name)
    assert signed(run(case, chunk)) == signed(case.expected)
