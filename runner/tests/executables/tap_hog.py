#!/usr/bin/env python3
"""A tap that does the harm its configuration names, within bounds that spare the machine of the tests.

Config: {"harm": NAME}. Its number goes to `hog.pid`; then it goes on until somebody stops it.
"""

import argparse
import json
import mmap
import os
import signal
import sys
import time
from pathlib import Path

MIB = 1 << 20
SPARE = 1 << 30
FOREVER = 300


def memory():
    held = []
    while len(held) * 8 * MIB < SPARE:
        held.append(bytearray(os.urandom(1) * (8 * MIB)))
    time.sleep(FOREVER)


def shared_memory():
    region = mmap.mmap(-1, SPARE)
    for offset in range(0, SPARE, 8 * MIB):
        region[offset : offset + 8 * MIB] = b"x" * (8 * MIB)
    time.sleep(FOREVER)


def children_memory():
    """Each child stays below the limit that all of them exceed."""
    for _ in range(4):
        if os.fork() == 0:
            held = os.urandom(1) * (40 * MIB)
            time.sleep(FOREVER)
            os._exit(len(held) % 2)
    time.sleep(FOREVER)


def forks():
    """Every child leaves its group and its parent; no more than 200 of them."""
    for _ in range(200):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(FOREVER)
            os._exit(0)
    time.sleep(FOREVER)


def orphan():
    """Leaves a child that has left everything, and ends well."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(null, number)
            Path("orphan").write_text(str(os.getpid()))
            time.sleep(FOREVER)
        os._exit(0)
    while not Path("orphan").exists() or not Path("orphan").read_text():
        time.sleep(0.01)


def disk():
    with Path("filler").open("wb") as file:
        for _ in range(SPARE // MIB):
            file.write(os.urandom(MIB))
            file.flush()
            os.fsync(file.fileno())
    time.sleep(FOREVER)


def scratch():
    """In small files, in the temporary directory."""
    for number in range(SPARE // MIB):
        Path(os.environ["TMPDIR"], str(number)).write_bytes(b"x" * MIB)
    time.sleep(FOREVER)


def one_file():
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    with Path("filler").open("wb") as file:
        for _ in range(64):
            file.write(b"x" * MIB)
    time.sleep(FOREVER)


def cpu():
    end = time.monotonic() + FOREVER
    while time.monotonic() < end:
        pass


def files():
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(100_000)]
    time.sleep(len(held))


def hang():
    time.sleep(FOREVER)


def stderr():
    line = "INFO " + "x" * 1000 + "\n"
    for _ in range(SPARE // len(line)):
        sys.stderr.write(line)
    time.sleep(FOREVER)


def garbage():
    sys.stdout.buffer.write(os.urandom(4 * MIB) + b"\n")
    sys.stdout.flush()
    time.sleep(FOREVER)


def half_line():
    sys.stdout.write('{"type": "RECORD", "stream": "us')
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser()
    for option in ("--config", "--state", "--catalog"):
        parser.add_argument(option)
    config = json.loads(Path(parser.parse_args().config).read_text())
    Path("hog.pid").write_text(str(os.getpid()))
    globals()[config["harm"]]()


main()
