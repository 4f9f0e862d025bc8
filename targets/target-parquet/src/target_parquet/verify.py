"""Holding the files of a destination against its ledger: they are what was loaded, or which of them is not.

A target may load meanwhile. What looks wrong is therefore looked at once more against the ledger as it is
at the end: a file that has been replaced meanwhile is not lost, and one that is new is not foreign.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from target_parquet.errors import StoreError
from target_parquet.expected import ExpectedStream, chosen_streams, expected_streams
from target_parquet.reread import Content, read_content

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from concurrent.futures import Future

    from target_parquet.expected import ExpectedFile
    from target_parquet.storage import Store


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one file.

    Attributes:
        file: its name below the destination.
        problem: "changed": it has other rows; "lost": it is not there; "unreadable": it cannot be read.
        expected: what the ledger says.
        found: what it has, None if that cannot be told.
        detail: in words, possibly empty.
    """

    file: str
    problem: Literal["changed", "lost", "unreadable"]
    expected: Content
    found: Content | None = None
    detail: str = ""


@dataclass(slots=True)
class StreamReport:
    """What verification found out about one stream.

    Attributes:
        stream: its name.
        files, rows, digest: that match the ledger.
        findings: what does not.
        unknown: Parquet files in its directory that no entry of the ledger names.
        rewritten: files whose rows others hold now, because they were compacted or replaced.
    """

    stream: str
    files: int = 0
    rows: int = 0
    digest: str = ""
    findings: list[Finding] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    rewritten: int = 0

    @property
    def matches(self) -> bool:
        """Whether everything is there that was loaded; files that somebody else added do not count."""
        return not self.findings


def verify(store: Store, streams: Collection[str], threads: int) -> Iterator[StreamReport]:
    """Read every file that the ledger knows, stream by stream.

    Args:
        store: the destination.
        streams: names of those to look at, all if there are none.
        threads: files to read at once.

    Raises:
        StoreError: there is nothing to hold the files against, or the destination refuses.
    """
    wanted = chosen_streams(store, streams, "destination_path")
    owners = {
        _content_of(file): name for each in wanted for name, file in each.files.items() if file.file.rows
    }
    readers = ThreadPoolExecutor(threads, thread_name_prefix="verify")
    try:
        begun: deque[_Check] = deque()
        for each in wanted:
            begun.append(_Check(store, each, owners, readers))
            if len(begun) > threads:
                yield begun.popleft().report()
        for check in begun:
            yield check.report()
    finally:
        readers.shutdown(wait=False, cancel_futures=True)


class _Check:
    """Verification of one stream; its files are being read from the beginning on.

    Args:
        store: the destination.
        expected: the files of the stream.
        owners: the file that each content belongs to, over all streams.
        readers: read the files.
    """

    def __init__(
        self, store: Store, expected: ExpectedStream, owners: dict[Content, str], readers: ThreadPoolExecutor
    ) -> None:
        self._store = store
        self._expected = expected
        self._owners = owners
        there = _parquet_files(store, expected.directory)
        self._unknown = sorted(there - expected.files.keys())
        self._reading: dict[str, Future[Content | StoreError]] = {
            name: readers.submit(read_or_error, store, name) for name in sorted(there & expected.files.keys())
        }

    def report(self) -> StreamReport:
        """Wait for the files, and say what there is to say about them."""
        from dativo_protocol.digest import combine_digests

        report = StreamReport(self._expected.stream, unknown=self._unknown)
        matching: list[str] = []
        for name, expected in sorted(self._expected.files.items()):
            content = self._reading[name].result() if name in self._reading else None
            if content == _content_of(expected):
                report.files += 1
                report.rows += expected.file.rows
                matching.append(expected.file.digest)
            elif content is not None or not expected.may_be_gone:
                report.findings.append(self._finding(expected, content))
        report.digest = combine_digests(matching)
        if report.findings or report.unknown:
            self._look_again(report)
        return report

    def _finding(self, expected: ExpectedFile, content: Content | StoreError | None) -> Finding:
        name, wanted = expected.file.name, _content_of(expected)
        if content is None:
            return Finding(name, "lost", wanted)
        if isinstance(content, StoreError):
            return Finding(name, "unreadable", wanted, detail=content.message)
        owner = self._owners.get(content)
        return Finding(name, "changed", wanted, content, f"it has the rows of {owner}" if owner else "")

    def _look_again(self, report: StreamReport) -> None:
        """Drop what has only seemed wrong because a target has gone on meanwhile."""
        now = expected_streams(self._store).get(self._expected.directory, self._expected).files
        there = _parquet_files(self._store, self._expected.directory)
        report.unknown = [name for name in report.unknown if name not in now and name in there]
        report.findings = [
            each
            for each in report.findings
            if each.file in now and (each.file in there or not now[each.file].may_be_gone)
        ]


def read_or_error(store: Store, name: str) -> Content | StoreError:
    """The rows of a file, or why they cannot be read."""
    try:
        return read_content(store, name)
    except StoreError as error:
        return error


def _content_of(expected: ExpectedFile) -> Content:
    return Content(expected.file.rows, expected.file.digest)


def _parquet_files(store: Store, directory: str) -> set[str]:
    """Names of what readers take for files of the table."""
    names = (name for name in store.names(directory) if name.endswith(".parquet"))
    return {name for name in names if not _is_hidden(name.removeprefix(f"{directory}/"))}


def _is_hidden(name: str) -> bool:
    return any(step.startswith(("_", ".")) for step in name.split("/"))
