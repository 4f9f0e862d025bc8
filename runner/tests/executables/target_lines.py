#!/usr/bin/env python3
"""A Singer target that appends records to `<path>/<stream>.jsonl`: a real process for the runner's tests.

It keeps the promises that the runner builds on: what came since the last STATE becomes visible only at the
next STATE or at the end of the input, STATE is printed after that, and SIGTERM drops the rest.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

SETTINGS = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "fail_at": {"type": "integer"},
        "exit_at": {"type": "integer"},
        "kill_at": {"type": "integer"},
        "print_first": {"type": "string"},
        "on_sigterm": {"enum": ["stop", "ignore"]},
        "slow": {"type": "number"},
        "touch_at_end_of_input": {"type": "string"},
        "pipeline": {"type": "string"},
        "recover": {"type": "object"},
    },
    "required": ["path"],
}


class Stopped(BaseException):
    pass


def raise_stopped(_signum, _frame):
    raise Stopped


def publish(config, buffered):
    for stream, lines in buffered.items():
        with (Path(config["path"]) / f"{stream}.jsonl").open("a") as file:
            file.writelines(lines)
    buffered.clear()


def print_state(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def misbehave(config, count):
    if count == config.get("fail_at"):
        sys.stderr.write("CRITICAL the disk is full\n")
        sys.exit(1)
    if count == config.get("exit_at"):
        sys.exit(0)
    if count == config.get("kill_at"):
        os.kill(os.getpid(), signal.SIGKILL)


def recover(config):
    """Answers with `state` when `wait_for` is there; fails with `code`, or if `fails_without` is missing."""
    asked = config.get("recover", {})
    if asked.get("touch"):
        Path(asked["touch"]).write_text(str(os.getpid()))
    while asked.get("wait_for") and not Path(asked["wait_for"]).exists():
        time.sleep(0.01)
    first = Path(asked.get("fails_without", "/"))
    if not first.exists():
        first.touch()
        sys.stderr.write("CRITICAL the store does not answer\n")
        sys.exit(1)
    if asked.get("code"):
        sys.stderr.write("CRITICAL the ledger cannot be read\n")
        sys.exit(asked["code"])
    sys.stderr.write("INFO " + "x" * int(asked.get("chatter", 0)) + "\n")
    sys.stdout.write(asked.get("raw", asked.get("state", "") + "\n"))
    sys.stdout.flush()


def wait_at_gate(config):
    """Says where it stands, then loads when a byte comes, and ends when none can come any more."""
    number = int(os.environ["DATIVO_GATE_FD"])
    if config.get("on_sigterm") == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    recover(config)
    if stands := config.get("recover", {}).get("stands"):
        Path(stands).write_text(str(os.getpid()))
    if not os.read(number, 1):
        if closed := config.get("recover", {}).get("closed"):
            Path(closed).write_text(str(os.getpid()))
        sys.exit(0)
    os.close(number)


def load(config):
    buffered, count, per_stream = {}, 0, {}
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "RECORD":
            count += 1
            stream = message["stream"]
            per_stream[stream] = per_stream.get(stream, 0) + 1
            buffered.setdefault(stream, []).append(json.dumps(message["record"]) + "\n")
            misbehave(config, count)
            time.sleep(config.get("slow", 0))
        elif message["type"] == "STATE":
            publish(config, buffered)
            print_state(line.split('"value": ', 1)[1].rstrip()[:-1])
    if config.get("touch_at_end_of_input"):
        Path(config["touch_at_end_of_input"]).write_text("")
    publish(config, buffered)
    for stream, records in per_stream.items():
        for metric, value in (("record_count", records), ("file_count", 1)):
            point = {"type": "counter", "metric": metric, "value": value, "tags": {"stream": stream}}
            sys.stderr.write(f"INFO METRIC: {json.dumps(point)}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--about", action="store_true")
    parser.add_argument("--recover", action="store_true")
    parser.add_argument("--format")
    arguments = parser.parse_args()
    if arguments.version:
        print("target-lines v0.0.9")
        return
    if arguments.about:
        if asked := os.environ.get("TARGET_LINES_ASKED"):
            with Path(asked).open("a") as file:
                file.write("asked\n")
        print(json.dumps({"name": "target-lines", "version": "0.0.9", "settings": SETTINGS}))
        return
    config = json.loads(Path(arguments.config).read_text())
    if arguments.recover:
        recover(config)
        return
    if "DATIVO_GATE_FD" in os.environ:
        wait_at_gate(config)
    Path(config["path"]).mkdir(parents=True, exist_ok=True)
    if config.get("on_sigterm") == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, raise_stopped)
    (Path(config["path"]) / "started").write_text(str(os.getpid()))
    if config.get("print_first"):
        print_state(config["print_first"])
    try:
        load(config)
    except Stopped:
        sys.stderr.write("INFO stopped, the rest is dropped\n")
        sys.exit(143)


main()
