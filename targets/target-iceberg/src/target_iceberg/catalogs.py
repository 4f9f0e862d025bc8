"""Open the catalog that the settings name, or the one that needs no settings: SQLite in the warehouse."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from target_parquet.destination import LocalPlace, parse_place

from target_iceberg.errors import StoreError
from target_iceberg.secrets import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pyiceberg.catalog import Catalog
    from target_parquet.s3_settings import S3Settings

NAME = "default"
"""Of a catalog that the settings give no name; in a SQL catalog it is a part of every table's key."""

CATALOG_FILE = "catalog.db"
_ANSWER_SECONDS = 60.0
_SETUP_ATTEMPTS = 5
_SETUP_WAIT_SECONDS = 0.2
_T = TypeVar("_T")

TABLE_DEFAULTS: Mapping[str, str] = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.target-file-size-bytes": str(512 * 1024 * 1024),
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "10",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}
"""Properties that a new table gets, unless it is given others."""


def open_catalog(properties: Mapping[str, str], warehouse: str, s3: S3Settings | None) -> Catalog:
    """Open a catalog.

    Args:
        properties: of pyiceberg, among them its own `type`, and `name`; empty for SQLite in the warehouse.
        warehouse: local path or URI below which tables are.
        s3: how to reach an S3 warehouse; what `properties` say themselves goes first.

    Raises:
        StoreError: the catalog cannot be opened, or none is named for a warehouse that is not local.
    """
    known = {**_s3_properties(s3), "warehouse": warehouse_uri(warehouse), **properties}
    if not properties:
        path = _sqlite_file(warehouse)
        return _explained(lambda: _opened_sqlite(path, known), known)
    name = known.pop("name", NAME)
    return _explained(lambda: _opened(name, known), known)


def warehouse_uri(warehouse: str) -> str:
    """The warehouse as tables name it: a URI without a slash at its end."""
    place = parse_place(warehouse)
    return f"file://{place.path}" if isinstance(place, LocalPlace) else warehouse.rstrip("/")


def _sqlite_file(warehouse: str) -> Path:
    """Where the default catalog is.

    Raises:
        StoreError: the warehouse cannot have one.
    """
    place = parse_place(warehouse)
    if not isinstance(place, LocalPlace):
        raise StoreError(
            f"no catalog is configured for the warehouse {warehouse}",
            instruction="Name one in `catalog`; only a local warehouse has one by default.",
        )
    return place.path / CATALOG_FILE


def _opened_sqlite(path: Path, properties: Mapping[str, str]) -> Catalog:
    from target_iceberg.sqlite_catalog import SqliteCatalog

    return cast("Catalog", SqliteCatalog(NAME, path, properties))


def _s3_properties(s3: S3Settings | None) -> dict[str, str]:
    """Our S3 settings in pyiceberg's words; what is left open is left to the environment, as everywhere."""
    if s3 is None:
        return {}
    known: dict[str, Any] = {
        "s3.endpoint": s3.endpoint_url,
        "s3.region": s3.region,
        "s3.access-key-id": s3.access_key_id,
        "s3.secret-access-key": s3.secret_access_key,
        "s3.session-token": s3.session_token,
        "s3.force-virtual-addressing": None if s3.uses_path_style else True,
        "s3.connect-timeout": min(s3.timeout_seconds, 10.0),
        "s3.request-timeout": s3.timeout_seconds,
    }
    return {key: str(value) for key, value in known.items() if value is not None}


def _opened(name: str, properties: Mapping[str, str]) -> Catalog:
    from pyiceberg.catalog import load_catalog
    from sqlalchemy.exc import DBAPIError

    for attempt in range(1, _SETUP_ATTEMPTS + 1):
        try:
            catalog = load_catalog(name, **properties)
        except DBAPIError as error:
            others_were_first = any(word in str(error) for word in ("already exists", "UNIQUE", "unique"))
            if attempt == _SETUP_ATTEMPTS or not others_were_first:
                raise
            time.sleep(_SETUP_WAIT_SECONDS)
        else:
            _never_wait_forever(catalog)
            return catalog
    raise AssertionError("the last attempt returns or raises")


def _never_wait_forever(catalog: Catalog) -> None:
    """Let requests to a REST catalog time out; by themselves they wait as long as the connection stands.

    A kind of catalog that was never imported is none of its kind: importing it takes a while.
    """
    rest = sys.modules.get("pyiceberg.catalog.rest")
    if rest is not None and isinstance(catalog, rest.RestCatalog):
        session = catalog._session  # noqa: SLF001
        for adapter in session.adapters.values():
            send = adapter.send
            adapter.send = partial(_send_with_timeout, send)


def _send_with_timeout(send: Callable[..., Any], *args: Any, **more: Any) -> Any:
    return send(*args, **{**more, "timeout": more.get("timeout") or _ANSWER_SECONDS})


def _explained(action: Callable[[], _T], properties: Mapping[str, str]) -> _T:
    """Turn what opening a catalog fails with into an error that tells no secret.

    Raises:
        StoreError: says what it was.
    """
    import sqlite3

    from pyiceberg.exceptions import NoSuchPropertyException, NotInstalledError

    from target_iceberg.commit.outcomes import catalog_errors, reason_of

    ours = (sqlite3.Error, NoSuchPropertyException, NotInstalledError, ImportError, ValueError)
    try:
        return action()
    except catalog_errors(*ours) as error:
        hide = Redactor(properties)
        missing = f" (not installed: {error.name})" if isinstance(error, ImportError) else ""
        raise StoreError(
            f"cannot open the catalog: {hide(reason_of(error))}{missing}",
            instruction="Check its `type`, `uri` and keys in `catalog`, and that it can be reached.",
        ) from None
