"""`python -m tests.bench.memory`: target-parquet's memory while a long stream passes through it.

The stream is generated as it goes, nothing of it is stored, and every file is removed once it is
published.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.case import WORK, config_file, empty
from tests.paths import BIN, ROOT

RECORDS = 50_000_000
SAMPLE_SECONDS = 0.5
TENTHS = 10


@dataclass(frozen=True)
class Sample:
    """Bytes that the target has read so far, and its resident memory then."""

    read: int
    resident: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--stream", default="lineitem", help="of the benchmark (default lineitem)")
    parser.add_argument("--records", type=int, default=RECORDS, help=f"default {RECORDS:,}")
    arguments = parser.parse_args()
    started = time.monotonic()
    samples = list(watched(arguments.stream, arguments.records))
    seconds = time.monotonic() - started
    rate = arguments.records / seconds
    print(f"{arguments.records:,} records of {arguments.stream}, {seconds:.0f} s, {rate:,.0f}/s")
    print("\n".join(table(samples)))


def watched(stream: str, records: int) -> Iterator[Sample]:
    """Runs the stream through the target; gives what it holds, twice a second.

    Raises:
        subprocess.CalledProcessError: one of the two failed.
    """
    output = WORK / "memory"
    empty(output)
    config = config_file("memory", {"destination_path": str(output), "validate_records": False})
    tap_command = (sys.executable, "-m", "tests.bench.generate", stream, "singer", str(records), "-")
    target_command = (str(BIN / "target-parquet"), "--config", config)
    with (
        subprocess.Popen(tap_command, cwd=ROOT, stdout=subprocess.PIPE) as tap,
        subprocess.Popen(
            target_command, stdin=tap.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as target,
    ):
        assert tap.stdout is not None
        tap.stdout.close()
        while target.poll() is None:
            yield from sample(target.pid)
            for file in (output / stream).glob("*.parquet"):
                file.unlink()
            time.sleep(SAMPLE_SECONDS)
        for process in (tap, target):
            if process.wait() != 0:
                raise subprocess.CalledProcessError(process.returncode, process.args)
    shutil.rmtree(output)


def sample(pid: int) -> Iterator[Sample]:
    """What a process holds now; nothing if it has just ended."""
    proc = Path("/proc", str(pid))
    resident = [line for line in (proc / "status").read_text().splitlines() if line.startswith("VmRSS:")]
    if resident:
        read = (proc / "io").read_text().split("rchar: ")[1].split()[0]
        yield Sample(int(read), int(resident[0].split()[1]) * 1024)


def table(samples: list[Sample]) -> list[str]:
    """The least and the most memory in each tenth of the input."""
    whole = samples[-1].read
    lines = ["| input read | least MB | most MB |", "| ---: | ---: | ---: |"]
    for tenth in range(TENTHS):
        within = [each.resident for each in samples if tenth <= each.read * TENTHS / (whole + 1) < tenth + 1]
        if within:
            read = f"{(tenth + 1) * whole / TENTHS / 1e6:,.0f} MB"
            lines.append(f"| {read} | {min(within) / 1e6:.0f} | {max(within) / 1e6:.0f} |")
    return lines


if __name__ == "__main__":
    main()
