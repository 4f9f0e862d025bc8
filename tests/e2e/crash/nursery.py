"""Starts a target by fork, with everything imported: hundreds of runs a minute instead of dozens.

What is started is the executable's own `main` in a process of its own, with descriptors, arguments and
environment of its own; nothing has happened in the parent but imports. `Nursery` is the side of the tests.
This file run as a program is the parent: its arguments are the name of the executable and the descriptor of
the socket that requests come over, `["start", arguments, environment]` with standard input, output and error,
answered by the id of the process, and `["reap", id]`, answered by its exit code. Only then can the id belong
to another process.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REQUEST_BYTES = 65_536
_CATALOGS = ("pyiceberg.catalog.sql", "pyiceberg.catalog.rest", "pyiceberg.io.pyarrow", "psycopg2")


class Nursery:
    """Starts targets and tells how they ended; for one thread."""

    def __init__(self, program: str = "target-parquet") -> None:
        self._requests, theirs = socket.socketpair()
        with theirs:
            command = (sys.executable, __file__, program, str(theirs.fileno()))
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        self._answers = self._requests.makefile("rb")
        self._answer()

    def close(self) -> None:
        """End the parent process."""
        self._answers.close()
        self._requests.close()
        self._process.wait()

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], files: Sequence[int]) -> int:
        """Start a target; returns its process id. `files` are its standard input, output and error."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            request = json.dumps(["start", arguments, environment]).encode()
            socket.send_fds(self._requests, [request], [nothing if file < 0 else file for file in files])
            return self._answer()
        finally:
            os.close(nothing)

    def reap(self, process: int) -> int:
        """Wait for its end; returns its exit code, negative for a signal."""
        self._requests.sendall(json.dumps(["reap", process]).encode())
        return self._answer()

    def _answer(self) -> int:
        return int(self._answers.readline())


LIBRARIES = {
    "target-parquet": ("botocore.session", "pyarrow.parquet"),
    "target-iceberg": ("botocore.session", "pyarrow.parquet", *_CATALOGS),
}
NOT_IMPORTED = ("testing", "_abi.", "__main__")


def preload(program: str) -> None:
    """Import what a run imports."""
    for name in LIBRARIES[program]:
        importlib.import_module(name)
    for name in dict.fromkeys(("dativo_native", "dativo_protocol", "target_parquet", module_of(program))):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not any(part in module.name for part in NOT_IMPORTED):
                importlib.import_module(module.name)


def module_of(program: str) -> str:
    return program.replace("-", "_")


def become(program: str, arguments: list[str], environment: Mapping[str, str], files: Sequence[int]) -> None:
    """Be the executable, in the new process; does not return."""
    main = importlib.import_module(f"{module_of(program)}.__main__").main
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 256)
    os.environ.update(environment)
    sys.argv = [program, *arguments]
    code = 70
    try:
        main()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def serve(program: str, requests: socket.socket) -> None:
    """Answer requests until the other side closes."""
    requests.sendall(b"0\n")
    while True:
        data, files, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 3)
        if not data:
            return
        verb, *rest = json.loads(data)
        if verb == "start":
            answer = os.fork()
            if not answer:
                become(program, *rest, files)
            for file in files:
                os.close(file)
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(rest[0], 0)[1])
        requests.sendall(b"%d\n" % answer)


if __name__ == "__main__":
    preload(sys.argv[1])
    with socket.socket(fileno=int(sys.argv[2])) as channel:
        serve(sys.argv[1], channel)
