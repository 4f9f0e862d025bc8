"""`python -m tests.bench` from outside: a small group is measured and its table printed and kept."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import LostRecordsError, _require_records, _run
from tests.bench.case import Case, Scale
from tests.bench.cases import GROUPS, QUICK_DIVISOR
from tests.bench.runner_cases import DATIVO, SHELL
from tests.paths import CACHE, ROOT

OTHERS = {"targets", "postgres", "postgres-parquet"}
"""Groups that need tools of their own, of hundreds of megabytes."""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "tests.bench", *arguments)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_group_is_measured_and_its_table_kept() -> None:
    done = bench("--quick", "--runs", "1", "--only", "start")
    assert done.returncode == 0, done.stderr
    assert "| target-parquet --version | " in done.stdout
    assert "| 1,000 records | " in done.stdout
    assert (CACHE / "bench" / "last.md").read_text().strip() == done.stdout.strip()


def test_an_unknown_group_is_refused_with_the_known_ones() -> None:
    done = bench("--only", "nothing")
    assert done.returncode == 2
    assert all(name in done.stderr for name in GROUPS)


@pytest.mark.parametrize("name", [name for name in GROUPS if name not in OTHERS])
def test_every_group_has_its_baseline(name: str) -> None:
    group = GROUPS[name](Scale(QUICK_DIVISOR * 10))
    names = [case.name for case in group.cases]
    assert group.baseline is None or group.baseline in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["runner-1k", "runner-alone"])
def test_the_shell_and_dativo_run_the_same(name: str) -> None:
    """Again and again from the beginning; Meltano, which takes ten seconds, is left to the benchmark."""
    cases = {case.name: case for case in GROUPS[name](Scale(QUICK_DIVISOR * 10)).cases}
    for each in (SHELL, DATIVO, DATIVO):
        assert _run(cases[each]).wall_seconds > 0
        _require_records(cases[each])


def test_an_output_that_lost_records_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("{}\n{}\n")
    _require_records(Case("kept", (), 2, 0, output=tmp_path))
    with pytest.raises(LostRecordsError, match="2 of 3 records"):
        _require_records(Case("lost", (), 3, 0, output=tmp_path))
