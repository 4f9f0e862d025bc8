"""The commits: each tenth has its figures, and a target that ends before its STATE is no result."""

import subprocess
import sys

import pytest

from tests.bench.commits import Sample, commit, table, tenths
from tests.paths import ROOT


def test_a_row_gives_the_median_and_its_ratio_to_the_first() -> None:
    samples = [Sample(30, [0.1, 0.2, 0.9], 0.05, 3, 4_000), Sample(60, [0.3, 0.1, 0.3], 0.06, 1, 9_600)]
    assert table(samples)[2:] == [
        "| 30 | 0.200 | 0.900 | 1.00 | 0.050 | 3 | 4 |",
        "| 60 | 0.300 | 0.300 | 1.50 | 0.060 | 1 | 10 |",
    ]


@pytest.mark.parametrize("commits", [1, 7, 10, 300])
def test_every_commit_belongs_to_one_tenth(commits: int) -> None:
    numbers = [number for tenth in tenths(commits) for number in tenth]
    assert numbers == list(range(commits))
    assert len(list(tenths(commits))) == min(10, commits)


def test_a_target_that_ends_is_no_result() -> None:
    command = (sys.executable, "-c", "import sys; sys.stdin.read(1); sys.exit(3)")
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as target,
        pytest.raises(subprocess.CalledProcessError),
    ):
        commit(target, b"line\n")


def test_commits_are_made_and_the_table_looked_at() -> None:
    command = (sys.executable, "-m", "tests.bench.commits", "--commits", "3", "--rows", "10")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    first, heading, _, *rows = done.stdout.splitlines()
    assert first == "3 commits of 10 rows, append-only"
    assert heading.startswith("| commits | median s |")
    assert [row.split(" | ")[0] for row in rows] == ["| 1", "| 2", "| 3"]
    assert [int(row.split(" | ")[5]) for row in rows] == [2, 3, 4]
