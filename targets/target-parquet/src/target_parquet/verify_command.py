"""The subcommand `verify`: what verification found out, as text or JSON, and whether that is a failure."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from target_parquet.errors import MismatchError
from target_parquet.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from target_parquet.reread import Content
    from target_parquet.settings import Settings
    from target_parquet.verify import Finding, StreamReport

logger = logging.getLogger(__name__)


def verify_files(settings: Settings, *, stream: Sequence[str], form: Literal["text", "json"]) -> None:
    """Hold the files of the destination against its ledger, and write down what comes out.

    Args:
        settings: say which destination.
        stream: names of the streams to look at, all if there are none.
        form: of the report.

    Raises:
        MismatchError: a file that was loaded is changed, lost or unreadable.
        StoreError: there is nothing to verify, or the destination refuses.
    """
    from target_parquet.stores import open_store

    write_reports(verify(open_store(settings), stream, settings.encoders), form)


def write_reports(found: Iterable[StreamReport], form: Literal["text", "json"]) -> None:
    """Write down what verification finds out, as it does.

    Raises:
        MismatchError: something was not as it was loaded.
    """
    reports: list[StreamReport] = []
    for report in found:
        reports.append(report)
        if form == "text":
            _write(_text(report))
        if report.unknown:
            logger.warning("stream %s: %d files are not in the ledger", report.stream, len(report.unknown))
    if form == "json":
        _write(json.dumps(_document(reports), indent=2))
    bad = [finding for report in reports for finding in report.findings]
    if bad:
        files = sum(report.files + len(report.findings) for report in reports)
        raise MismatchError(f"{len(bad)} of {files} files are not as they were loaded, such as {bad[0].file}")


def _text(report: StreamReport) -> str:
    lines = [
        f"{report.stream}: {_count(report.files, 'file')}, {_count(report.rows, 'row')}, "
        + (f"{_count(report.rewritten, 'file')} rewritten since, " if report.rewritten else "")
        + ("match" if report.matches else f"MISMATCH in {_count(len(report.findings), 'file')}")
    ]
    lines += [f"  {_describe(finding)}" for finding in report.findings]
    lines += [f"  {name}: not in the ledger, somebody else put it there" for name in report.unknown]
    return "\n".join(lines)


def _describe(finding: Finding) -> str:
    parts = [f"expected {_content(finding.expected)}"]
    if finding.found is not None:
        parts.append(f"found {_content(finding.found)}")
    if finding.detail:
        parts.append(finding.detail)
    return f"{finding.file}: {finding.problem}: {', '.join(parts)}"


def _content(content: Content) -> str:
    return f"{_count(content.rows, 'row')} {content.digest}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _document(reports: Sequence[StreamReport]) -> dict[str, object]:
    return {
        "match": all(report.matches for report in reports),
        "streams": [{"match": report.matches, **asdict(report)} for report in reports],
    }


def _write(text: str) -> None:
    from dativo_protocol.pipes import write_all

    write_all(1, text.encode() + b"\n")
