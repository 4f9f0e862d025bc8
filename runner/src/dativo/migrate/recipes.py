"""Sources and targets of dativo-ingest as connectors with their settings."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.migrate.files import find_upwards
from dativo.migrate.values import converted, holds_password
from dativo.secrets.key_values import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.migrate.migration import Migration
    from dativo.migrate.predecessor import OldJob

TAPS = {
    "csv": "tap-csv",
    "postgres": "tap-postgres",
    "mysql": "tap-mysql",
    "stripe": "tap-stripe",
    "hubspot": "tap-hubspot",
    "google_sheets": "tap-google-sheets",
}
TARGETS = {"iceberg": "target-iceberg", "s3": "target-parquet", "minio": "target-parquet"}
_SOURCE_KEYS = {
    "name", "type", "roles", "description", "default_engine", "credentials", "incremental", "connection",
    "connection_template", "files", "tables", "objects", "sheets", "engine", "rate_limits",
}  # fmt: skip
_ENVIRONMENT = {
    "postgres": {"user": "${PGUSER}", "password": "${PGPASSWORD}"},
    "mysql": {"user": "${MYSQL_USER}", "password": "${MYSQL_PASSWORD}"},
}
"""Where dativo-ingest took what a job did not say."""

_READY = {"tap-csv", "target-parquet", "target-iceberg"}
"""Connectors whose settings are known here well enough to write them."""


def source_of(old: OldJob, directory: Path, migration: Migration) -> dict[str, Any]:
    """The `source` of the new job, which will lie in `directory`."""
    kind = str(old.source.get("type") or old.plain.get("source_connector") or "")
    connector = TAPS.get(kind, f"tap-{kind.replace('_', '-')}")
    place = old.place("source")
    if kind not in TAPS:
        migration.note(f"nothing is known of sources of type {kind!r}: choose a tap", place, by_hand=True)
    for key in sorted(set(old.source) - _SOURCE_KEYS):
        migration.note(f"source: {key!r} is not carried over", place, by_hand=True)
    if kind == "csv":
        return {"connector": connector, "config": _csv(old, directory, migration)}
    migration.note(f"look at the settings of {connector}: `{connector} --about`", place, by_hand=True)
    document: dict[str, Any] = {"connector": connector, "config": _connection(old, "source", migration)}
    names = [stream_of(each) for each in old.source.get("tables") or old.source.get("objects") or ()]
    if names:
        document["select"] = [f"{name}.*" for name in names]
    if metadata := _metadata(old, migration):
        document["metadata"] = metadata
    return document


def _csv(old: OldJob, directory: Path, migration: Migration) -> dict[str, Any]:
    incremental = old.source.get("incremental")
    by_time = isinstance(incremental, dict) and incremental.get("strategy", "").endswith("modified_time")
    options = ((old.source.get("default_engine") or {}).get("options") or {}).get("native") or {}
    keys = [
        field["name"]
        for field in old.asset.get("schema") or ()
        if isinstance(field, dict) and field.get("primaryKey")
    ]
    files = []
    for each in old.source.get("files") or ():
        path = str(each.get("path", ""))
        entry: dict[str, Any] = {
            "entity": str(each.get("object") or Path(path).stem),
            "path": _path(old, path, directory, migration),
            "keys": keys,
        }
        if by_time:
            entry["incremental_by"] = "file_mtime"
        if options.get("delimiter", ",") != ",":
            entry["delimiter"] = options["delimiter"]
        if str(options.get("encoding", "utf-8")).lower() not in ("utf-8", "utf8"):
            entry["encoding"] = options["encoding"]
        files.append(entry)
    return {"files": converted(files, {})}


def _path(old: OldJob, path: str, directory: Path, migration: Migration) -> str:
    """A path as the new job sees it; relative ones started where dativo-ingest was called."""
    if re.match(r"/|\$|\w+://", path):
        return path
    if (found := find_upwards(old.file, path)) is not None:
        return os.path.relpath(found, directory.absolute())
    migration.note(
        f"{path} is not there (looked upwards from the job file)", old.place("source"), by_hand=True
    )
    return path


def stream_of(each: Any) -> str:
    """Taps call a table `schema-table`; `object` was the name of dativo-ingest for it."""
    name = str(each.get("name") or each.get("object")) if isinstance(each, dict) else str(each)
    return name.replace(".", "-")


def _metadata(old: OldJob, migration: Migration) -> dict[str, Any]:
    incremental = old.source.get("incremental")
    if not isinstance(incremental, dict) or not incremental:
        return {}
    if incremental.get("lookback_days"):
        place = old.place("source", "incremental")
        migration.note("'lookback_days' is not carried over", place, by_hand=True)
    usual = incremental.get("cursor_field") or incremental.get("cursor_field_default")
    found = {}
    for each in old.source.get("tables") or ():
        cursor = (each.get("cursor_field") if isinstance(each, dict) else None) or usual
        if cursor:
            found[stream_of(each)] = {"replication-method": "INCREMENTAL", "replication-key": cursor}
    return found


def target_of(old: OldJob, migration: Migration) -> dict[str, Any]:
    """The `target` of the new job."""
    kind = str(old.target.get("type") or old.plain.get("target_connector") or "")
    connector = TARGETS.get(kind, f"target-{kind.replace('_', '-')}")
    place = old.place("target")
    if kind not in TARGETS:
        migration.note(f"nothing is known of targets of type {kind!r}: choose a target", place, by_hand=True)
    if connector not in _READY:
        return {"connector": connector, "config": _connection(old, "target", migration)}
    if connector == "target-iceberg":
        migration.note(
            "the old iceberg target wrote Parquet files; target-iceberg writes tables: give it a catalog",
            place,
            by_hand=True,
        )
        return {"connector": connector, "config": {}}
    return {"connector": connector, "config": {"destination_path": _destination(old)}}


def _destination(old: OldJob) -> str:
    connection = old.target.get("connection") or {}
    inner = connection.get("s3") or connection.get("minio") or connection
    bucket = inner.get("bucket") or "${S3_BUCKET}"
    parts = [
        inner.get("prefix"),
        old.asset.get("domain") or "default",
        old.asset.get("dataProduct") or "default",
    ]
    path = "/".join(str(part).strip("/") for part in parts if part)
    return str(converted(f"s3://{bucket}/{old.plain['tenant_id']}/{path}", {}))


def _connection(old: OldJob, side: str, migration: Migration) -> dict[str, Any]:
    """The old connection with secrets taken out, one level deep as it was."""
    whole: Mapping[str, Any] = old.source if side == "source" else old.target
    connection = {**(whole.get("connection_template") or {}), **(whole.get("connection") or {})}
    named = next((value for value in connection.values() if isinstance(value, dict)), {})
    flat = {name: value for name, value in connection.items() if not isinstance(value, dict)}
    secret = str(whole.get("type") or side)
    inner = {**_ENVIRONMENT.get(secret, {}), **flat, **named}
    config: dict[str, Any] = {}
    for name, value in inner.items():
        is_literal = not re.fullmatch(r"\$\{\w+\}", str(value))
        if (is_secret_name(name) and is_literal) or holds_password(converted(value, {})):
            config[name] = f"${{secret:{secret}#{name}}}"
            migration.note(
                f"{side}: the value of {name!r} is not written: give the secret {secret!r}", by_hand=True
            )
        else:
            config[name] = converted(value, {})
    return config
