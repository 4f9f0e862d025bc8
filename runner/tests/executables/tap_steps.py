#!/usr/bin/env python3
"""A Singer tap that does what its configuration says, step by step: a real process for the runner's tests.

Config: {"steps": [{"records": 3, "stream": "users"}, {"state": {...}}, {"exit": 1}, ...], "seen": FILE}
A file named by `seen` receives what the tap was given, and how private it is.
"""

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}}}
SETTINGS = {
    "type": "object",
    "properties": {
        "steps": {"type": "array", "items": {"type": "object"}},
        "seen": {"type": ["string", "null"]},
        "streams": {"type": "array", "items": {"type": "string"}},
        "limit": {"type": "integer", "minimum": 1},
        "api_key": {"type": "string", "secret": True},
        "broken_source": {"type": "boolean"},
    },
    "required": ["steps"],
}


def emit(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def log(level, text):
    sys.stderr.write(f"{level} {text}\n")
    sys.stderr.flush()


def metric(name, value, stream):
    point = {"type": "counter", "metric": name, "value": value, "tags": {"stream": stream}}
    log("INFO", "METRIC: " + json.dumps(point))


class Steps:
    def __init__(self, given=None):
        self.given = given
        self.next_id = 1
        self.announced = set()

    def records(self, count, stream="users", pause=0, **_):
        if stream not in self.announced:
            emit({"type": "SCHEMA", "stream": stream, "schema": SCHEMA, "key_properties": ["id"]})
            self.announced.add(stream)
        for _ in range(count):
            emit({"type": "RECORD", "stream": stream, "record": {"id": self.next_id, "name": "ü"}})
            self.next_id += 1
            time.sleep(pause)
        metric("record_count", count, stream)
        metric("record_bytes", count * 1_000_000, stream)

    def state(self, value, **_):
        emit({"type": "STATE", "value": value})

    def raw_state(self, text, **_):
        sys.stdout.write('{"type": "STATE", "value": ' + text + "}\n")
        sys.stdout.flush()

    def fill_pipe(self, path, **_):
        """Lines without end; the file appears when no more go into the pipe."""
        os.set_blocking(sys.stdout.fileno(), False)
        line = json.dumps({"type": "RECORD", "stream": "users", "record": {"id": 99}}).encode() + b"\n"
        try:
            while True:
                os.write(sys.stdout.fileno(), line)
        except BlockingIOError:
            os.set_blocking(sys.stdout.fileno(), True)
        Path(path).write_text(str(os.getpid()))
        while True:
            os.write(sys.stdout.fileno(), line)

    def if_started_with(self, state, steps, **_):
        """Other steps, and nothing after them, if it was given this state (None: no state)."""
        if self.given == state:
            self.take(steps)
            sys.exit(0)

    def take(self, steps):
        for step in steps:
            name = next(iter(step))
            getattr(self, name)(step[name], **{key: value for key, value in step.items() if key != name})

    def raw(self, text, **_):
        sys.stdout.write(text)
        sys.stdout.flush()

    def log(self, text, level="INFO", **_):
        log(level, text)

    def stderr(self, text, **_):
        sys.stderr.write(text)
        sys.stderr.flush()

    def flood(self, lines, **_):
        for number in range(lines):
            sys.stderr.write(f"INFO flood {number} {'x' * 200}\n")

    def sleep(self, seconds, **_):
        time.sleep(seconds)

    def wait_for(self, path, **_):
        while not Path(path).exists():
            time.sleep(0.01)

    def wait_for_text(self, path, text, **_):
        while not Path(path).exists() or text not in Path(path).read_text():
            time.sleep(0.01)

    def touch(self, path, **_):
        Path(path).write_text(str(os.getpid()))

    def pipe_size(self, path, **_):
        Path(path).write_text(str(fcntl.fcntl(sys.stdout.fileno(), fcntl.F_GETPIPE_SZ)))

    def ignore_sigterm(self, _flag, **_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def stop_politely(self, _flag, **_):
        """As taps of the SDK do: what is at hand, a STATE, exit code 0."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        time.sleep(300)

    def leave_child(self, path, **_):
        child = subprocess.Popen(["sleep", "300"], stdout=subprocess.DEVNULL)
        Path(path).write_text(str(child.pid))

    def kill_self(self, signum, **_):
        os.kill(os.getpid(), signum)

    def crash(self, text, **_):
        raise ValueError(text)

    def exit_unless(self, path, **_):
        """Fails the first time, and leaves the file for the next."""
        if not Path(path).exists():
            Path(path).touch()
            sys.exit(1)

    def environ(self, path, **_):
        Path(path).write_text(json.dumps(dict(os.environ)))

    def exit(self, code, **_):
        sys.exit(code)


def note_what_was_given(arguments, config):
    files = [path for path in (arguments.config, arguments.state, arguments.catalog) if path]
    Path(config["seen"]).write_text(
        json.dumps(
            {
                "argv": sys.argv[1:],
                "config": config,
                "cwd": str(Path.cwd()),
                "state": Path(arguments.state).read_text() if arguments.state else None,
                "catalog": json.loads(Path(arguments.catalog).read_text()) if arguments.catalog else None,
                "modes": [oct(Path(path).stat().st_mode & 0o777) for path in files],
                "directory_mode": oct(Path(arguments.config).parent.stat().st_mode & 0o777),
                "directory": str(Path(arguments.config).parent),
                "log_config": os.environ.get("SINGER_SDK_LOG_CONFIG"),
                "job": os.environ.get("DATIVO_JOB"),
                "tenant": os.environ.get("DATIVO_TENANT"),
            }
        )
    )


def catalog_of(config):
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": SCHEMA,
                "key_properties": ["id"],
                "metadata": [
                    {"breadcrumb": [], "metadata": {"inclusion": "available", "selected-by-default": True}},
                    {"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "automatic"}},
                    {"breadcrumb": ["properties", "name"], "metadata": {"inclusion": "available"}},
                ],
            }
            for name in config.get("streams", ["users", "orders"])
        ]
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config")
    parser.add_argument("--state")
    parser.add_argument("--catalog")
    parser.add_argument("--discover", action="store_true")
    parser.add_argument("--test", nargs="?", const="all")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--about", action="store_true")
    parser.add_argument("--format")
    arguments = parser.parse_args()
    if arguments.version:
        print("tap-steps v1.2.3")
        return
    if arguments.about:
        print(json.dumps({"name": "tap-steps", "version": "1.2.3", "settings": SETTINGS}))
        return
    config = json.loads(Path(arguments.config).read_text())
    if config.get("broken_source"):
        log("CRITICAL", "the source does not answer, key " + config.get("api_key", ""))
        sys.exit(1)
    if arguments.test:
        return
    if arguments.discover:
        print(json.dumps(catalog_of(config)))
        return
    if config.get("seen"):
        note_what_was_given(arguments, config)
    given = json.loads(Path(arguments.state).read_text()) if arguments.state else None
    Steps(given).take(config["steps"])


main()
