"""The catalog on a thread of its own: opened, and asked for plans, while rows are being written.

What happens there happens in order: the catalog is opened first, then plans are made one after the other.
"""

from __future__ import annotations

import gc
import sys
import zoneinfo  # noqa: F401 -- pyarrow looks for it from other threads, and fails where they are importing it
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from dativo_protocol.messages import SchemaMessage
    from pyiceberg.catalog import Catalog
    from target_parquet.ledger import Entry
    from target_parquet.storage import Store

    from target_iceberg.foreseen import Foreseen
    from target_iceberg.publication import TablePublisher
    from target_iceberg.settings import Settings
    from target_iceberg.table_plan import IcebergPlan, TablePlanner

_SHORT_TURN_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class Opened:
    """What there is once the catalog is open."""

    catalog: Catalog
    planner: TablePlanner
    publisher: TablePublisher


class Backstage:
    """Opens the catalog when it is first needed; for any thread."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="catalog")
        self._lock = Lock()
        self._opening: Future[Opened] | None = None

    def opened(self) -> Opened:
        """Wait for the catalog.

        Raises:
            StoreError: it cannot be opened.
        """
        return self._begun().result()

    def plan(self, message: SchemaMessage, foreseen: Foreseen | None = None) -> Future[IcebergPlan]:
        """Begin to make a plan, to be held against what was foreseen of it.

        The future raises what `TablePlanner.plan` raises, and StoreError if it is not what was foreseen.
        """
        opening = self._begun()

        def make() -> IcebergPlan:
            plan = opening.result().planner.plan(message)
            if foreseen is not None:
                foreseen.check(plan)
            return plan

        return self._thread.submit(make)

    def _begun(self) -> Future[Opened]:
        with self._lock:
            if self._opening is None:
                self._opening = self._thread.submit(self._open)
            return self._opening

    def _open(self) -> Opened:
        with _importing():
            from target_iceberg.catalogs import open_catalog
            from target_iceberg.publication import TablePublisher
            from target_iceberg.table_plan import TablePlanner

            settings = self._settings
            catalog = open_catalog(settings.catalog, settings.warehouse, settings.s3)
            publisher = TablePublisher(settings, self._store, catalog)
            return Opened(catalog, TablePlanner(settings, catalog), publisher)


class LatePublisher:
    """Waits for the catalog to publish with it (`target_parquet.publication.Publisher`)."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage

    def publish(self, entry: Entry) -> None:
        """See `publication.TablePublisher`."""
        self._backstage.opened().publisher.publish(entry)

    def is_lost(self, entry: Entry) -> bool:
        """See `publication.TablePublisher`."""
        return self._backstage.opened().publisher.is_lost(entry)


@contextmanager
def _importing() -> Iterator[None]:
    """Import much beside threads that decode and encode.

    They get the interpreter soon when they ask for it, and nothing searches for garbage among thousands of
    new objects, none of which is any.
    """
    turn, collects = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(_SHORT_TURN_SECONDS)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()
        sys.setswitchinterval(turn)
