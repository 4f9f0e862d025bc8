"""`python -m tests.bench.commits`: what a commit costs while target-iceberg makes hundreds of them.

One process, one table. After each batch of records comes a STATE, and every STATE is a commit; the time of a
commit is that from the first record of the batch to its STATE on standard output. One before them
is not counted: it waits for the process to start, and for its table to be made.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.case import WORK, config_file, empty
from tests.bench.streams import LINEITEM
from tests.paths import BIN, ROOT

COMMITS = 300
ROWS = 1_000
TENTHS = 10


@dataclass(frozen=True)
class Sample:
    """What each of a tenth of the commits cost; the table after them, and the seconds to plan a scan."""

    commits: int
    seconds: list[float]
    plan_seconds: float
    manifests: int
    metadata_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.commits", description=__doc__)
    parser.add_argument("--commits", type=int, default=COMMITS, help=f"default {COMMITS}")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"of each commit (default {ROWS:,})")
    parser.add_argument("--load-method", choices=["append-only", "upsert"], default="append-only")
    arguments = parser.parse_args()
    print(f"{arguments.commits} commits of {arguments.rows:,} rows, {arguments.load_method}")
    print("\n".join(table(list(watched(arguments.commits, arguments.rows, arguments.load_method)))))


def watched(commits: int, rows: int, load_method: str) -> Iterator[Sample]:
    """Runs the commits through one process, and looks at the table after every tenth of them."""
    lake = WORK / "commits"
    empty(lake)
    settings = {"warehouse": str(lake), "load_method": load_method, "validate_records": False}
    always = {"epoch_max_bytes": 0, "epoch_max_records": 0, "epoch_max_seconds": 0}
    command = (str(BIN / "target-iceberg"), "--config", config_file("commits", settings | always))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as target:
        assert target.stdin is not None
        write(target.stdin.fileno(), LINEITEM.schema_line().encode())
        commit(target, batch(0, rows))
        for numbers in tenths(commits):
            seconds = [commit(target, batch(1 + number, rows)) for number in numbers]
            yield look(lake, numbers[-1] + 1, seconds)
        target.stdin.close()
        if target.wait() != 0:
            raise subprocess.CalledProcessError(target.returncode, command)


def commit(target: subprocess.Popen[bytes], lines: bytes) -> float:
    """Seconds until the STATE of these lines is back.

    Raises:
        subprocess.CalledProcessError: the target has ended instead.
    """
    assert target.stdin is not None
    assert target.stdout is not None
    started = time.perf_counter()
    write(target.stdin.fileno(), lines)
    if not target.stdout.readline():
        raise subprocess.CalledProcessError(target.wait(), target.args)
    return time.perf_counter() - started


def tenths(commits: int) -> Iterator[range]:
    """The numbers of the commits in ten parts, or in fewer if there are fewer commits."""
    parts = min(TENTHS, commits)
    for part in range(parts):
        yield range(part * commits // parts, (part + 1) * commits // parts)


def batch(number: int, rows: int) -> bytes:
    """Records with keys of their own, and their STATE."""
    lines = [
        {
            "type": "RECORD",
            "stream": LINEITEM.name,
            "record": {"l_orderkey": number * rows + row, "l_linenumber": 1, "l_comment": f"row {row}"},
        }
        for row in range(rows)
    ]
    state = {"type": "STATE", "value": {"bookmarks": {LINEITEM.name: {"number": number}}}}
    return b"".join(json.dumps(line).encode() + b"\n" for line in [*lines, state])


def write(pipe: int, lines: bytes) -> None:
    left = memoryview(lines)
    while left:
        left = left[os.write(pipe, left) :]


def look(lake: Path, commits: int, seconds: list[float]) -> Sample:
    """Ask a process of its own, so that nothing it has cached helps the next one."""
    code = f"from tests.bench.commits import describe; describe({str(lake)!r})"
    done = subprocess.run(
        (sys.executable, "-c", code), cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    plan, manifests, size = done.stdout.split()
    return Sample(commits, seconds, float(plan), int(manifests), int(size))


def describe(lake: str) -> None:
    """Prints the seconds to plan a scan of everything, the manifests, and the bytes of the metadata file."""
    from pyiceberg.catalog import load_catalog

    catalog = load_catalog("default", type="sql", uri=f"sqlite:///{lake}/catalog.db")
    found = catalog.load_table(("default", LINEITEM.name))
    started = time.perf_counter()
    planned = list(found.scan().plan_files())
    seconds = time.perf_counter() - started
    snapshot = found.current_snapshot()
    assert planned
    assert snapshot is not None
    size = Path(found.metadata_location.removeprefix("file://")).stat().st_size
    print(seconds, len(snapshot.manifests(found.io)), size)


def table(samples: list[Sample]) -> list[str]:
    """A row a tenth; the ratio is that of the medians to the one of the first tenth."""
    first = median(samples[0].seconds)
    lines = [
        "| commits | median s | slowest s | ratio | plan s | manifests | metadata KB |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in samples:
        middle = median(each.seconds)
        lines.append(
            f"| {each.commits} | {middle:.3f} | {max(each.seconds):.3f} | {middle / first:.2f} "
            f"| {each.plan_seconds:.3f} | {each.manifests} | {each.metadata_bytes / 1e3:.0f} |"
        )
    return lines


if __name__ == "__main__":
    main()
