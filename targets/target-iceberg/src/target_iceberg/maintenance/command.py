"""The subcommand `maintain`: which tables it tends, and its report."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from dativo_protocol.pipes import write_all
from target_parquet.stores import open_store

from target_iceberg.catalog_trouble import explained
from target_iceberg.catalogs import open_catalog, warehouse_uri
from target_iceberg.commit.committer import MAIN
from target_iceberg.commit.marker import PREFIX
from target_iceberg.errors import StoreError
from target_iceberg.maintenance.heads import Heads
from target_iceberg.maintenance.promised import promised_places
from target_iceberg.maintenance.report import Contents, TableReport
from target_iceberg.maintenance.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyiceberg.catalog import Catalog

    from target_iceberg.names import Identifier
    from target_iceberg.settings import Settings

_UNKNOWN = Contents(0, 0, 0, 0, 0, 0)


def maintain_tables(
    settings: Settings,
    *,
    table: Sequence[str],
    branch: Sequence[str],
    dry_run: bool,
    form: Literal["text", "json"],
) -> None:
    """Tend tables, each for itself, and write down what was done or would be.

    Args:
        settings: say which warehouse and catalog, and what to do.
        table: names with their namespaces; all that this target ever loaded if there are none.
        branch: names of those to tend; `main`, or the one that is loaded, if there are none.
        dry_run: change nothing.
        form: of the report.

    Raises:
        StoreError: the warehouse or its catalog refuses; other tables are tended all the same.
    """
    catalog = open_catalog(settings.catalog, settings.warehouse, settings.s3)
    promised = partial(promised_places, open_store(settings), warehouse_uri(settings.warehouse))
    heads = Heads(tuple(branch), settings.branch)
    upkeep = Upkeep(catalog, settings.maintenance, promised, heads=heads)
    reports = []
    for identifier in [tuple(each.split(".")) for each in table] or tables_of_ours(catalog, settings):
        report = _tended(upkeep, identifier, dry_run=dry_run)
        reports.append(report)
        if form == "text":
            _write(_text(report, dry_run=dry_run))
    if form == "json":
        document = {"dry_run": dry_run, "tables": [asdict(report) for report in reports]}
        _write(json.dumps(document, indent=2))
    problems = [each for each in reports if each.problem]
    if problems:
        raise StoreError(
            f"{len(problems)} of {len(reports)} tables could not be tended: {problems[0].table}: "
            f"{problems[0].problem}"
        )


def tables_of_ours(catalog: Catalog, settings: Settings) -> list[Identifier]:
    """Tables in the namespaces of the settings that some pipeline of this target has written to.

    Raises:
        StoreError: the catalog cannot be read.
    """
    return sorted(_ours(catalog, settings))


def _ours(catalog: Catalog, settings: Settings) -> Iterator[Identifier]:
    named = [name.rpartition(".")[0] for name in settings.table_names.values()]
    with explained(catalog, "list the tables of the catalog"):
        for namespace in sorted({settings.namespace, *filter(None, named)}):
            if not catalog.namespace_exists(namespace):
                continue
            for identifier in catalog.list_tables(namespace):
                properties = catalog.load_table(identifier).properties
                if any(name.startswith(PREFIX) for name in properties):
                    yield tuple(identifier)


def _tended(upkeep: Upkeep, identifier: Identifier, *, dry_run: bool) -> TableReport:
    name = ".".join(identifier)
    try:
        with explained(upkeep.catalog, f"maintain table {name}"):
            return upkeep.plan(identifier) if dry_run else upkeep.tend(identifier)
    except StoreError as error:
        return replace(TableReport(name, _UNKNOWN), problem=error.message)


def _text(report: TableReport, *, dry_run: bool) -> str:
    if report.problem:
        return f"{report.table}: FAILED: {report.problem}"
    now, compacted, expired, orphans = report.contents, report.compaction, report.expiry, report.orphans
    would = "would be " if dry_run else ""
    after = "" if dry_run else f" with {_size(compacted.bytes_after)}"
    return "\n".join(
        [
            f"{_name(report)}: {_count(now.data_files, 'data file')} with {_size(now.data_bytes)}, "
            f"{_count(now.rows, 'row')}, {_count(now.delete_files, 'delete file')}, "
            f"{_count(now.manifests, 'manifest')}, {_count(now.snapshots, 'snapshot')}",
            f"  equality deletes: {_count(report.equality_deletes, 'file')} {would}turned into positions",
            f"  compaction: {_count(compacted.files_before, 'file')} with {_size(compacted.bytes_before)} "
            f"{would}written anew as {compacted.files_after}{after}, "
            f"{_count(compacted.delete_files, 'delete file')} applied",
            f"  manifests: {report.manifests.before} {would}written anew as {report.manifests.after}",
            f"  expiry: {_count(expired.snapshots, 'snapshot')}, {_count(expired.files, 'file')} "
            f"with {_size(expired.bytes)} {would}deleted",
            f"  orphans: {_count(orphans.files, 'file')} with {_size(orphans.bytes)} {would}deleted",
        ]
    )


def _name(report: TableReport) -> str:
    if report.branches == (MAIN,):
        return report.table
    return f"{report.table} ({', '.join(report.branches) or 'no such branch'})"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _size(number: int) -> str:
    size, unit = float(number), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{number} B" if unit == "B" else f"{size:.1f} {unit}"


def _write(text: str) -> None:
    write_all(1, text.encode() + b"\n")
