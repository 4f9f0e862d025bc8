"""`python -m tests.bench`: measures every group and prints tables, also kept in .cache/bench/last.md."""

import argparse
import subprocess
import sys

from tests.bench.case import WORK, Case, Group, Scale, empty
from tests.bench.cases import GROUPS, QUICK_DIVISOR
from tests.bench.measure import Measurement, extrapolated, measure
from tests.bench.table import Runs, group_table, header
from tests.paths import ROOT

FULL, QUICK = Scale(1), Scale(QUICK_DIVISOR)


class LostRecordsError(Exception):
    """A tool's output does not hold the records of its input, so its time means nothing."""


def main() -> None:
    arguments = _arguments()
    scale = QUICK if arguments.quick else FULL
    parts = [header(arguments.runs)]
    print(parts[0])
    for name in arguments.only or GROUPS:
        group = GROUPS[name](scale)
        parts.append(group_table(group, _measured(group, arguments.runs)))
        print(parts[-1], flush=True)
    (WORK / "last.md").write_text("\n".join(parts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"one record in {QUICK_DIVISOR}")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each case (default 5)")
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="one group; may be repeated")
    return parser.parse_args()


def _measured(group: Group, runs: int) -> Runs:
    """Round after round of all cases: the first round checks the outputs and is not counted."""
    for case in group.cases:
        _run(case)
        _require_records(case)
    measured: Runs = {case.name: [] for case in group.cases}
    for done in range(runs):
        print(f"{group.name}: run {done + 1} of {runs}", file=sys.stderr)
        for case in group.cases:
            measured[case.name].append(_run(case))
    return measured


def _run(case: Case) -> Measurement:
    for directory in filter(None, (case.output, case.spool)):
        empty(directory)
    if not case.shares:
        return measure(case.pipeline, case.stdin)
    return extrapolated(case.records, [(share.records, measure(share.pipeline)) for share in case.shares])


def _require_records(case: Case) -> None:
    if case.output is None:
        return
    command = (sys.executable, "-m", "tests.bench.count", str(case.output))
    counted = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    if int(counted.stdout) != case.records:
        raise LostRecordsError(f"{case.name}: {int(counted.stdout):,} of {case.records:,} records written")


if __name__ == "__main__":
    main()
