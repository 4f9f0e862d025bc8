#!/usr/bin/env python3
"""A mapper that hands every line on, with a word of its own in each record."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--config")
config = json.loads(Path(parser.parse_args().config).read_text())
for count, line in enumerate(sys.stdin, start=1):
    message = json.loads(line)
    if message["type"] == "RECORD":
        message["record"]["name"] += config.get("word", "")
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
    if count == config.get("exit_at"):
        sys.exit(config.get("code", 0))
    if count == config.get("kill_at"):
        os.kill(os.getpid(), signal.SIGKILL)
