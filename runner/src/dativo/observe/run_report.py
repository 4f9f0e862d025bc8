"""report.json: everything about a run that has ended, for programs; its summary, for people."""

from __future__ import annotations

import resource
from collections import Counter
from typing import TYPE_CHECKING, Any

from dativo.observe.tally import iso, stream_facts
from dativo.observe.write import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.observe.events import Attempted, RunEvent, Side
    from dativo.observe.tally import Tally

FORMAT = "dativo-run"
VERSION = 1
REPORT_FILE = "report.json"
SUMMARY_FILE = "summary.txt"


def report(tally: Tally) -> dict[str, Any]:
    """The document; needs a run that has begun and ended."""
    started, ended = tally.started, tally.ended
    assert started is not None
    assert ended is not None
    slower = tally.bottleneck.slower
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": started.run,
        "job": started.job,
        "tenant": started.tenant,
        "outcome": ended.verdict,
        "reason": ended.reason,
        "retryable": ended.retryable,
        "exit_code": ended.exit_code,
        "started_at": iso(tally.wall(0.0)),
        "seconds": round(ended.at, 3),
        "first_record_seconds": _first_record(tally),
        "runner_cpu_seconds": round(_own_cpu(), 3),
        "attempts": [_attempt(each) for each in tally.attempts],
        "connectors": [_connector(side, tally) for side in started.sides],
        "streams": stream_facts(tally),
        "pipes": [
            {
                "from": pipe.writer,
                "to": pipe.reader,
                "full": round(pipe.full_share, 3),
                "empty": round(pipe.empty_share, 3),
            }
            for pipe in tally.bottleneck.pipes.values()
        ],
        "bottleneck": {"side": slower[0], "share": round(slower[1], 3)} if slower else None,
        "state": _state(tally),
        "enforcement": dict(started.enforcement or {}),
        "secrets": list(started.secrets),
        "limit": ended.limit,
        "warnings": list(tally.warnings),
    }


def _first_record(tally: Tally) -> float | None:
    """Seconds from the start of this process."""
    return None if tally.first_record is None else round(tally.earlier + tally.first_record, 3)


def summary_lines(document: dict[str, Any]) -> list[str]:
    """The same in a few lines."""
    job = f"{document['tenant']}/{document['job']}" if document["tenant"] else document["job"]
    lines = [f"{job} {document['outcome']} in {document['seconds']:.1f} s (run {document['run']})"]
    if document["reason"]:
        lines.append(f"  reason      {document['reason']}")
    lines.append(f"  started     {document['started_at']}")
    lines += _tried_again(document["attempts"])
    for each in document["connectors"]:
        used = f"{each['peak_memory'] / 1e6:,.0f} MB at most, {each['cpu_seconds']:.1f} s CPU"
        lines.append(f"  {each['role']:<11} {each['name']} {each['version'] or ''}  {used}".rstrip())
    for name, each in document["streams"].items():
        lines.append(f"  stream      {name}: {each['read'] or each['loaded']:,} records")
    if slower := document["bottleneck"]:
        lines.append(f"  slower      {slower['side']}, {slower['share'] * 100:.0f} % of the time")
    if where := document["state"]["place"]:
        lines.append(f"  state       {where}")
    lines += [f"  WARNING     {each}" for each in document["warnings"]]
    return lines


def _tried_again(attempts: list[dict[str, Any]]) -> list[str]:
    """How often, where the first try was not the only one."""
    tries = Counter(each.get("stream") for each in attempts)
    return [
        f"  attempts    {count}" + (f" of {stream}" if stream else "")
        for stream, count in tries.items()
        if count > 1
    ]


class ReportFile:
    """Writes report.json and summary.txt into the directory of the run.

    Args:
        also: a copy of the report, as `--report` asks for.
    """

    def __init__(self, tally: Tally, directory: Path, also: Path | None = None) -> None:
        self._tally = tally
        self._directory = directory
        self._also = also

    def take(self, event: RunEvent) -> None:
        pass

    def close(self) -> None:
        import json

        document = report(self._tally)
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        write_private(self._directory / SUMMARY_FILE, "\n".join(summary_lines(document)) + "\n")
        write_private(self._directory / REPORT_FILE, text)
        if self._also is not None:
            write_private(self._also, text)


def _attempt(attempt: Attempted) -> dict[str, Any]:
    stream = {} if attempt.stream is None else {"stream": attempt.stream}
    return {
        **stream,
        "number": attempt.number,
        "seconds": round(attempt.at - attempt.began, 3),
        "outcome": attempt.verdict,
        "reason": attempt.reason,
        "states": attempt.states,
    }


def _connector(side: Side, tally: Tally) -> dict[str, Any]:
    facts = tally.sides[side.name]
    return {
        "role": side.role,
        "name": side.name,
        "version": side.version,
        "fingerprint": side.fingerprint,
        "peak_memory": facts.peak_memory,
        "cpu_seconds": round(facts.cpu_seconds, 3),
        "sent": facts.sent,
        "exit": facts.exit,
    }


def _state(tally: Tally) -> dict[str, Any]:
    last = tally.state
    assert tally.ended is not None
    return {
        "seq": last.seq if last else None,
        "at": iso(tally.wall(last.at)) if last else None,
        "moved": last is not None,
        "place": tally.ended.state,
    }


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
