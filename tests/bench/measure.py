"""Runs a pipeline of processes: its wall time, and CPU time and peak memory as the kernel counted them."""

import fcntl
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

Command = tuple[str, ...]
Process = subprocess.Popen[bytes]
PIPE_BYTES = 1 << 20


@dataclass(frozen=True)
class Measurement:
    """One run. The peaks of a pipeline's processes are added, as if all had met theirs at the same moment."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


class RunFailedError(Exception):
    """A process of the pipeline did not exit with 0; the message ends with what it wrote to stderr last."""


def measure(pipeline: Sequence[Command], stdin: Path | None = None) -> Measurement:
    """Runs the commands joined by pipes of 1 MiB; what the last one prints is thrown away.

    The calling process must be small: until a child execs, the kernel counts its parent's memory as the
    child's peak.

    Raises:
        RunFailedError: a process exited with another status than 0.
    """
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        processes = _start(pipeline, stdin, errors.fileno())
        usages = [_reap(process) for process in processes]
        wall = time.perf_counter() - started
        _require_success(processes, errors)
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return Measurement(wall, cpu, sum(usage.ru_maxrss for usage in usages) * 1024)


def extrapolated(records: int, runs: Sequence[tuple[int, Measurement]]) -> Measurement:
    """What so many records would take, from a run on few and one on more.

    Each record beyond the first run's takes what it took in the second, so start-up counts once. The peak is
    the greater one of the two.
    """
    (few, short), (many, long) = runs

    def seconds(small: float, large: float) -> float:
        return small + (large - small) * (records - few) / (many - few)

    return Measurement(
        seconds(short.wall_seconds, long.wall_seconds),
        seconds(short.cpu_seconds, long.cpu_seconds),
        max(short.peak_bytes, long.peak_bytes),
    )


def _start(pipeline: Sequence[Command], stdin: Path | None, errors: int) -> list[Process]:
    source = os.open(stdin or os.devnull, os.O_RDONLY)
    processes = []
    for command in pipeline[:-1]:
        next_source, sink = os.pipe()
        fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        processes.append(_spawn(command, source, sink, errors))
        source = next_source
    processes.append(_spawn(pipeline[-1], source, os.open(os.devnull, os.O_WRONLY), errors))
    return processes


def _spawn(command: Command, source: int, sink: int, errors: int) -> Process:
    """Hands the descriptors over to the child: this process keeps none, so that the end of a pipe is seen."""
    try:
        return subprocess.Popen(command, stdin=source, stdout=sink, stderr=errors, env=_environment())
    finally:
        os.close(source)
        os.close(sink)


def _environment() -> dict[str, str]:
    """Lets Python keep compiled modules, as installed packages do: compiling is no part of a run."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _reap(process: Process) -> "os.struct_rusage":
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def _require_success(processes: list[Process], errors: BinaryIO) -> None:
    failed = [process for process in processes if process.returncode != 0]
    if failed:
        errors.seek(0)
        last_words = errors.read()[-2_000:].decode(errors="replace")
        statuses = "; ".join(f"{' '.join(process.args)} exited {process.returncode}" for process in failed)
        raise RunFailedError(f"{statuses}:\n{last_words}")
