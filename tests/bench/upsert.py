"""`python -m tests.bench.upsert`: changed keys into an Iceberg table, by target-iceberg and by PyIceberg.

Keys are spread over the whole table, so every data file is hit. target-iceberg is timed as a process from
outside, with start-up, parsing and commit; PyIceberg only while it upserts, with the changes in memory.
PyIceberg gets a table and changes of a size that it finishes; target-iceberg gets the same ones, too.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.case import WORK, config_file, empty
from tests.bench.measure import Command, Measurement, measure
from tests.paths import BIN, ROOT

TABLE_ROWS = 5_000_000
CHANGES = (100_000, 1_000_000)
PEER_SIZES = {"id": (5_000_000, 100_000), "id,customer": (200_000, 2_000)}
"""Rows of the table and changed keys that PyIceberg finishes within a minute; its filter for a key of several
columns takes a time that grows with the square of the keys."""


@dataclass(frozen=True)
class Result:
    """One upsert: what it was and how long it took; peak memory where it was a process of its own."""

    tool: str
    rows: int
    changes: int
    seconds: float
    peak_bytes: int | None

    @property
    def rate(self) -> float:
        """Changed keys a second."""
        return self.changes / self.seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.upsert", description=__doc__)
    parser.add_argument("--rows", type=int, default=TABLE_ROWS, help=f"of the table (default {TABLE_ROWS:,})")
    parser.add_argument("--changes", type=int, action="append", help="keys; may be repeated")
    parser.add_argument("--keys", choices=list(PEER_SIZES), default="id", help="key columns (default id)")
    parser.add_argument("--peer-rows", type=int, help="of the table that PyIceberg gets")
    parser.add_argument("--peer-changes", type=int, help="keys that PyIceberg gets")
    arguments = parser.parse_args()
    keys = arguments.keys
    rows, changes = PEER_SIZES[keys]
    peer = list(against_the_peer(arguments.peer_rows or rows, arguments.peer_changes or changes, keys))
    ours = [into_a_table(arguments.rows, changes, keys) for changes in arguments.changes or CHANGES]
    print("\n".join(table([*ours, *peer])))


def into_a_table(rows: int, changes: int, keys: str) -> Result:
    """Time target-iceberg on a table made for it."""
    lake = WORK / "upsert"
    fill(lake, rows, keys)
    measured = upsert(lake, changes, rows // changes, keys)
    require_changed(lake, rows, changes)
    return Result("target-iceberg", rows, changes, measured.wall_seconds, measured.peak_bytes)


def against_the_peer(rows: int, changes: int, keys: str) -> Iterator[Result]:
    """Time both on tables of the same rows."""
    yield into_a_table(rows, changes, keys)
    lake = WORK / "upsert"
    fill(lake, rows, keys)
    command = _module("peers.pyiceberg_upsert", str(lake), str(changes), str(rows // changes), keys)
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    require_changed(lake, rows, changes)
    yield Result("PyIceberg `Table.upsert`", rows, changes, float(done.stdout.splitlines()[-1]), None)


def fill(lake: Path, rows: int, keys: str) -> None:
    """Make the table."""
    empty(lake)
    measure([_module("orders", str(rows), "1", "first", keys), _target(lake, "append-only")])


def upsert(lake: Path, changes: int, step: int, keys: str) -> Measurement:
    """Time the target alone: the lines are in a file."""
    lines = WORK / "changes.singer"
    with lines.open("wb") as out:
        subprocess.run(
            _module("orders", str(changes), str(step), "changed", keys), cwd=ROOT, check=True, stdout=out
        )
    return measure([_target(lake, "upsert")], lines)


def require_changed(lake: Path, rows: int, changes: int) -> None:
    """Fast and wrong must not win.

    Raises:
        subprocess.CalledProcessError: rows are missing, doubled or not changed.
    """
    command = _module("count_changed", str(lake), str(rows), str(changes))
    subprocess.run(command, cwd=ROOT, check=True)


def table(results: list[Result]) -> list[str]:
    """All of them, and what they are against the peer, which is the last."""
    peer = results[-1]
    lines = [
        "| tool | rows in the table | changed keys | s | keys/s | ratio | peak MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in results:
        peak = "" if each.peak_bytes is None else f"{each.peak_bytes / 1e6:.0f}"
        lines.append(
            f"| {each.tool} | {each.rows:,} | {each.changes:,} | {each.seconds:.2f} | {each.rate:,.0f} "
            f"| {each.rate / peer.rate:.1f} | {peak} |"
        )
    return lines


def _target(lake: Path, load_method: str) -> Command:
    settings = {"warehouse": str(lake), "load_method": load_method, "validate_records": False}
    return (str(BIN / "target-iceberg"), "--config", config_file(f"upsert-{load_method}", settings))


def _module(name: str, *arguments: str) -> Command:
    return (sys.executable, "-m", f"tests.bench.{name}", *arguments)


if __name__ == "__main__":
    main()
