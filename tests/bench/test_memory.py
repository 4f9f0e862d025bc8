"""The memory table: every tenth of the input has its bounds."""

import subprocess
import sys

from tests.bench.memory import Sample, table
from tests.paths import ROOT


def test_a_tenth_has_the_least_and_the_most_of_its_samples() -> None:
    samples = [
        Sample(read * 1_000_000, resident * 1_000_000)
        for read, resident in [(1, 90), (2, 80), (95, 99), (100, 97)]
    ]
    assert table(samples)[2:] == ["| 10 MB | 80 | 90 |", "| 100 MB | 97 | 99 |"]


def test_a_stream_is_watched_while_it_passes() -> None:
    """Of its 108 MB the last sample has seen all but what passes between two of them."""
    command = (sys.executable, "-m", "tests.bench.memory", "--records", "200000")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    first, *lines = done.stdout.splitlines()
    assert first.startswith("200,000 records of lineitem, ")
    assert lines[0] == "| input read | least MB | most MB |"
    assert int(lines[-1].split("|")[1].replace(",", "").replace(" MB", "")) > 40
