#!/usr/bin/env python3
"""A tap that replays exactly: from one STATE on it always writes the same records.

Record number n has nothing in it that is not a function of n, and STATE `{"next": n}` comes after every
`state_every` records and at the end. Two streams take turns, or there is one only with `streams` 1. With
`keys` the records come back to the same so many keys; from number `widened_at` on they have one more column.
With `bad_every` every so many records have text for their number. It is a script without imports of ours, so
that it starts fast: `tap_replay.py --config FILE [--state FILE]`.
"""

import json
import os
import signal
import sys

SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "generation": {"type": "integer"},
        "part": {"type": "string"},
        "text": {"type": "string"},
    },
}
WIDER_SCHEMA = SCHEMA | {"properties": SCHEMA["properties"] | {"more": {"type": ["integer", "null"]}}}


def record(number, generation, keys=None, widened_at=None):
    values = {
        "n": number % keys if keys else number,
        "generation": generation,
        "part": "ab"[number // 2 % 2],
        "text": f"record {number} " * 3,
    }
    return values | {"more": number * 2} if is_wide(number, widened_at) else values


def is_wide(number, widened_at):
    return widened_at is not None and number >= widened_at


def bad_line(number, generation):
    values = record(number, generation) | {"n": str(number)}
    return line(type="RECORD", stream=stream_of(number), record=values)


def stream_of(number, streams=2):
    return ("even", "odd")[number % streams]


def line(**message):
    return json.dumps(message).encode() + b"\n"


def write(data):
    while data:
        data = data[os.write(1, data) :]


def schemas(streams, schema):
    messages = [
        line(type="SCHEMA", stream=stream, schema=schema, key_properties=["n"])
        for stream in ("even", "odd")[:streams]
    ]
    return b"".join(messages)


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def read(name):
    path = option(name)
    if path is None:
        return {}
    with open(path) as file:  # noqa: PTH123 -- pathlib would double the start-up
        return json.load(file)


def main():
    if "--version" in sys.argv:
        print("tap-replay v0.0.1")
        return
    config = read("--config")
    first = read("--state").get("next", 0)
    last, every, generation = config["records"], config["state_every"], config.get("generation", 0)
    bad_every, streams = config.get("bad_every"), config.get("streams", 2)
    keys, widened_at = config.get("keys"), config.get("widened_at")
    out = schemas(streams, WIDER_SCHEMA if is_wide(first, widened_at) else SCHEMA)
    for number in range(first, last):
        if number == widened_at:
            out += schemas(streams, WIDER_SCHEMA)
        if bad_every and number % bad_every == 0:
            message = bad_line(number, generation)
        else:
            values = record(number, generation, keys, widened_at)
            message = line(type="RECORD", stream=stream_of(number, streams), record=values)
        if number == config.get("kill_at"):
            write(out + message[:20])
            os.kill(os.getpid(), signal.SIGKILL)
        if number == config.get("fail_at"):
            write(out)
            sys.exit("the source has gone")
        out += message
        if (number + 1) % every == 0 or number + 1 == last:
            out += line(type="STATE", value={"next": number + 1})
            write(out)
            out = b""
    write(out)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(3)
