"""The result as Markdown."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tests.bench.case import Case, Group
from tests.bench.measure import Measurement

Runs = dict[str, list[Measurement]]
HEADINGS = ("tool", "records/s", "MB/s", "ratio", "wall s", "CPU s", "records/CPU s", "peak MB")


def header(runs: int) -> str:
    """The machine and the tools that the figures belong to."""
    tools = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars", "orjson", "pyarrow"))
    system = f"Linux {platform.release()}, Python {platform.python_version()}, {tools}"
    method = f"Medians of {runs} paired runs after one that is not counted."
    return f"{_processor()}, {os.cpu_count()} cores; {system}. {method}\n"


def group_table(group: Group, runs: Runs) -> str:
    lines = [
        f"### {group.title}",
        "",
        _markdown(HEADINGS),
        _markdown(["---"] + ["---:"] * (len(HEADINGS) - 1)),
    ]
    lines += [_markdown(_row(group, case, runs)) for case in group.cases]
    against = ", then against ".join(group.baselines)
    notes = [f"Ratio: records a second against {against}.", ""] if against else []
    worked_out = [case.name for case in group.cases if case.shares]
    if worked_out:
        notes[:1] += [f"Worked out from runs on fewer records: {', '.join(worked_out)}."]
    return "\n".join([*lines, "", *notes])


def _row(group: Group, case: Case, runs: Runs) -> tuple[str, ...]:
    own = runs[case.name]
    wall = median(run.wall_seconds for run in own)
    cpu = median(run.cpu_seconds for run in own)
    return (
        case.name,
        f"{case.records / wall:,.0f}" if case.records else "",
        f"{case.input_bytes / wall / 1e6:,.0f}" if case.input_bytes else "",
        "; ".join(_ratio(group, case, runs, baseline) for baseline in group.baselines),
        f"{wall:.2f}",
        f"{cpu:.2f}",
        f"{case.records / cpu:,.0f}" if case.records else "",
        f"{median(run.peak_bytes for run in own) / 1e6:,.0f}",
    )


def _ratio(group: Group, case: Case, runs: Runs, name: str) -> str:
    """The rate against the baseline's in the same round, so that a machine that drifts, drifts for both."""
    baseline = next(other for other in group.cases if other.name == name)
    pairs = zip(runs[case.name], runs[baseline.name], strict=True)
    ratios = [
        (case.records / mine.wall_seconds) / (baseline.records / theirs.wall_seconds)
        for mine, theirs in pairs
    ]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _markdown(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
