"""Holding the tables of a warehouse against the ledger: their rows are those that were loaded.

A file that a table still has is read again and must have the rows that went into it. Files that the table has
no longer were compacted, or gave way to newer rows. Where rows were only ever added, the rows of all files
together must then be those of the ledger, whoever has written the files.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dativo_protocol.digest import combine_digests
from pyiceberg.manifest import DataFileContent
from target_parquet.errors import MismatchError, StoreError
from target_parquet.expected import chosen_streams
from target_parquet.names import SIDE_STREAMS
from target_parquet.reread import Content
from target_parquet.stores import open_store
from target_parquet.verify import Finding, StreamReport, read_or_error
from target_parquet.verify import verify as verify_files

from target_iceberg.catalogs import open_catalog
from target_iceberg.names import TableNames
from target_iceberg.table_creation import load_table
from target_iceberg.upsert.live_files import all_files, head_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from target_parquet.expected import ExpectedStream
    from target_parquet.storage import Store

    from target_iceberg.settings import Settings

NO_ROWS = combine_digests([])


def verify_tables(
    settings: Settings, streams: Collection[str], *, new_on: str | None = None
) -> Iterator[StreamReport]:
    """Read the data files of every table that the ledger knows.

    Args:
        settings: say which warehouse and catalog.
        streams: names of those to look at, all if there are none.
        new_on: a branch of which only those files are looked at that `main` does not have.

    Raises:
        StoreError: there is nothing to hold the tables against, or the store or the catalog refuses.
    """
    store = open_store(settings)
    known = chosen_streams(store, streams, "warehouse")
    catalog = open_catalog(settings.catalog, settings.warehouse, settings.s3)
    names_of_tables = TableNames(settings)
    for each in known:
        if each.stream in SIDE_STREAMS:
            yield from verify_files(store, [each.stream], settings.encoders)
        else:
            table = load_table(catalog, names_of_tables.of(each.stream))
            yield _Check(settings, store, each, table, only_new=new_on is not None).report()


def check_branch(settings: Settings, branch: str, streams: Collection[str]) -> None:
    """Hold what `main` does not have yet against the ledger, reading only that.

    Raises:
        MismatchError: a file does not hold what was loaded.
        StoreError: the store or the catalog refuses.
    """
    found = [each for report in verify_tables(settings, streams, new_on=branch) for each in report.findings]
    if found:
        raise MismatchError(
            f"branch {branch} is not published: {found[0].file} is {found[0].problem}, and "
            f"{len(found) - 1} more files are not as they were loaded"
        )


class _Check:
    """Verification of one table.

    Args:
        settings: say which branch is looked at.
        store: the warehouse.
        expected: what the ledger knows of the stream.
        table: None if there is none.
        only_new: look at files alone that `main` does not have.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        expected: ExpectedStream,
        table: Table | None,
        *,
        only_new: bool,
    ) -> None:
        self._settings = settings
        self._store = store
        self._expected = expected.files
        self._table = table
        self._only_new = only_new
        self._times = self._live(expected.directory.removesuffix("/data"))
        self.stream = expected.stream

    def report(self) -> StreamReport:
        """Read the files, and say what there is to say about them."""
        report = StreamReport(self.stream)
        with ThreadPoolExecutor(self._settings.encoders, thread_name_prefix="verify") as readers:
            contents = dict(
                zip(
                    self._times,
                    readers.map(lambda name: read_or_error(self._store, name), self._times),
                    strict=True,
                )
            )
        for name, content in contents.items():
            self._judge(report, name, content)
        gone = [
            each for name, each in self._expected.items() if name not in contents and not each.may_be_gone
        ]
        report.rewritten = len(gone)
        report.digest = combine_digests(
            each.digest for each in contents.values() if isinstance(each, Content)
        )
        if (gone or report.unknown) and not self._only_new and not report.findings and self._only_added():
            self._hold_totals(report)
        return report

    def _judge(self, report: StreamReport, name: str, content: Content | StoreError) -> None:
        known = self._expected.get(name)
        wanted = Content(known.file.rows, known.file.digest) if known else None
        if isinstance(content, StoreError):
            report.findings.append(
                Finding(name, "unreadable", wanted or Content(0, NO_ROWS), detail=content.message)
            )
        elif wanted is not None and content != wanted:
            report.findings.append(Finding(name, "changed", wanted, content))
        elif (times := self._times[name]) > 1:
            seen = Content(times * content.rows, combine_digests([content.digest] * times))
            detail = f"the table names it {times} times"
            report.findings.append(Finding(name, "changed", wanted or content, seen, detail))
        else:
            report.files += 1
            report.rows += content.rows
            if wanted is None:
                report.unknown.append(name)

    def _hold_totals(self, report: StreamReport) -> None:
        """Hold all rows of the table against all that were loaded, whichever files they are in by now."""
        loaded = Content(
            sum(each.file.rows for each in self._expected.values()),
            combine_digests(each.file.digest for each in self._expected.values()),
        )
        found = Content(report.rows, report.digest)
        if found == loaded:
            report.unknown.clear()
        else:
            detail = "all files of the table together" if self._table else "there is no such table"
            report.findings.append(Finding(self.stream, "changed", loaded, found, detail))

    def _only_added(self) -> bool:
        """Whether no row has ever been replaced or deleted, as far as the table remembers."""
        if self._table is None:
            return True
        operations = {
            snapshot.summary.operation.value
            for snapshot in self._table.metadata.snapshots
            if snapshot.summary
        }
        return operations <= {"append", "replace"} and self._settings.load_method == "append-only"

    def _live(self, base: str) -> Counter[str]:
        """Names of the data files of the head, relative to the warehouse; how often it has each."""
        if self._table is None:
            return Counter()
        location = self._table.location()
        known = {file.file_path for file in self._files_of(None)} if self._only_new else set()
        live = sorted(
            base + file.file_path.removeprefix(location)
            for file in self._files_of(self._settings.branch)
            if file.content == DataFileContent.DATA and file.file_path not in known
        )
        return Counter(live)

    def _files_of(self, branch: str | None) -> list[DataFile]:
        assert self._table is not None
        return all_files(self._table, head_of(self._table, branch))
