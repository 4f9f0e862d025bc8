"""`dativo runs`: what has run, in lines for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dativo.observe.log_lines import LEVELS
from dativo.observe.run_report import REPORT_FILE, summary_lines
from dativo.observe.text_table import text_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dativo.observe.runs import Run

_SHOWN_REASON = 100


def list_lines(runs: Sequence[Run]) -> Iterator[str]:
    """One line a run."""
    rows = [("run", "job", "outcome", "seconds", "records", "reason")]
    for run in runs:
        seconds = run.document.get("seconds")
        reason = str(run.document.get("reason") or "")
        rows.append(
            (
                run.name,
                run.full_name,
                run.outcome,
                f"{seconds:,.1f}" if seconds is not None else "",
                f"{run.records:,}" if seconds is not None else "",
                reason if len(reason) <= _SHOWN_REASON else f"{reason[: _SHOWN_REASON - 1]}…",
            )
        )
    yield from text_table(rows)


def show_lines(run: Run) -> list[str]:
    """Everything about one run."""
    if (run.directory / REPORT_FILE).is_file():
        return [*summary_lines(run.document), f"  report      {run.directory / REPORT_FILE}"]
    began = datetime.fromtimestamp(run.document["began"], UTC).isoformat(timespec="seconds")
    who = f"host {run.document['host']}, pid {run.document['pid']}"
    return [
        f"{run.full_name} {run.outcome} (run {run.name})",
        f"  started     {began}",
        f"  runner      {who}",
    ]


def log_line(line: Mapping[str, Any]) -> str:
    """A line of a run's log as the terminal showed it, with its time."""
    if "dropped" in line:
        return f"… {line['dropped']:,} lines were not kept …"
    clock = str(line.get("at", ""))[11:23]
    level = line.get("level")
    shown = f"{level}: " if level not in {None, "INFO"} else ""
    stream = f" {line['stream']} |" if line.get("stream") else ""
    text = f"{clock}{stream} {line.get('side') or 'dativo'} | {shown}{line.get('message')}"
    return "\n".join([text, *line.get("trace", ())])


def is_wanted(line: Mapping[str, Any], side: str | None, level: str | None) -> bool:
    """Whether a line is of a side, and of a level or above; lines without a level count as errors."""
    if "dropped" in line:
        return True
    if side is not None and side != (line.get("side") or "dativo"):
        return False
    own = line.get("level")
    return level is None or own is None or LEVELS.get(own, 0) >= LEVELS[level]
