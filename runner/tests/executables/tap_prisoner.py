"""A tap that tries to get at what is not its business; each try becomes a record of what came of it.

Config: {"tries": {NAME: [KIND, ARGUMENT, ...]}, "then": "wait"?}
"""

import argparse
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

X86_64 = {"unshare": 272, "ptrace": 101, "mount": 165, "bpf": 321, "keyctl": 250, "setns": 308}
AARCH64 = {"unshare": 97, "ptrace": 117, "mount": 40, "bpf": 280, "keyctl": 219, "setns": 268}
TIOCSTI = 0x5412


def read(path):
    return Path(path).read_text()


def write(path):
    Path(path).write_text("x")
    return "written"


def connect(host, port):
    with socket.create_connection((host, port), 3):
        return "connected"


def resolve(name):
    return socket.gethostbyname(name)


def listed(path):
    return sorted(each.name for each in Path(path).iterdir())


def vsock():
    with socket.socket(socket.AF_VSOCK):
        return "there"


def abstract(name):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + name)
        return "connected"


def socket_file(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        return "connected"


def kill(pid):
    os.kill(pid, 0)
    return "there"


def call(name, *arguments):
    numbers = X86_64 if os.uname().machine == "x86_64" else AARCH64
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(numbers[name], *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "done"


def type_into_terminal():
    terminal = os.open("/dev/tty", os.O_RDWR)
    fcntl.ioctl(terminal, TIOCSTI, struct.pack("c", b"x"))
    return "typed"


def environ(name):
    return os.environ[name]


def processes():
    return " ".join(path.name for path in Path("/proc").iterdir() if path.name.isdigit())


def emit(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser()
    for option in ("--config", "--state", "--catalog"):
        parser.add_argument(option)
    config = json.loads(Path(parser.parse_args().config).read_text())
    emit({"type": "SCHEMA", "stream": "tries", "schema": {"type": "object"}, "key_properties": []})
    for name, (kind, *arguments) in config["tries"].items():
        try:
            result = globals()[kind](*arguments)
        except (OSError, KeyError) as error:
            result = f"refused: {type(error).__name__}: {error}"
        emit({"type": "RECORD", "stream": "tries", "record": {"id": name, "result": str(result)[:500]}})
    if config.get("then") == "wait":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(emit_state()))
        emit({"type": "STATE", "value": {"waiting": 1}})
        time.sleep(300)
    if config.get("then") == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    emit_state()


def emit_state():
    emit({"type": "STATE", "value": {"n": 1}})
    return 0


main()
