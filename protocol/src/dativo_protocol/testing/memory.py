"""The most memory that an executable had."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# A process of its own asks for the figure: a child begins with the memory of the process it was forked from,
# and a test runner has a lot of it.
_MEASURE = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(ended.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_memory(command: Sequence[str], blocks: Iterable[bytes] = (), directory: Path | None = None) -> float:
    """Run a command on blocks of input and throw its output away; returns its peak resident memory in MiB.

    Raises:
        ChildProcessError: it ended with another code than 0.
    """
    watched = [sys.executable, "-c", _MEASURE, *command]
    with subprocess.Popen(watched, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for block in blocks:
            process.stdin.write(block)
        process.stdin.close()
        code, kibibytes = map(int, process.stdout.read().split())
    if code:
        raise ChildProcessError(f"{command[0]} ended with code {code}")
    return kibibytes / 1024
