"""Job files of dativo-ingest, with the recipes and the asset that they name, as jobs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dativo.errors import Place, Problem, ProblemsError
from dativo.jobs.located import Located, load_yaml
from dativo.jobs.names import NAME, TENANT, must
from dativo.migrate.files import find_upwards
from dativo.migrate.migration import Migration, NewState
from dativo.migrate.recipes import source_of, stream_of, target_of
from dativo.migrate.values import converted, deep_merged
from dativo.migrate.writing import SCHEMA_LINE, yaml_text
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

JOB_KEYS = {
    "tenant_id", "environment", "source_connector", "source_connector_path", "target_connector",
    "target_connector_path", "asset", "asset_path", "source", "target", "schema_validation_mode",
    "retry_config", "logging", "catalog", "classification_overrides", "finops",
    "governance_overrides", "plugins", "schema_version",
}  # fmt: skip
_SILENT = {
    "tenant_id", "environment", "source_connector", "source_connector_path", "target_connector",
    "target_connector_path", "asset", "asset_path", "source", "target", "retry_config", "logging",
    "schema_version",
}  # fmt: skip
JOBS_PATTERN = "jobs/**/*.yaml"


@dataclass(frozen=True, slots=True)
class OldJob:
    """A job of dativo-ingest with its recipes and its asset merged in.

    Attributes:
        source: recipe of the source, over it what the job says.
        asset: the data contract.
    """

    file: Path
    document: Located
    plain: Mapping[str, Any]
    source: Mapping[str, Any]
    target: Mapping[str, Any]
    asset: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the asset, else of the file."""
        raw = str(self.asset.get("name") or self.file.stem)
        return re.sub(r"[^A-Za-z0-9._-]+", "-", raw).strip("-._") or "job"

    def place(self, *path: str) -> Place:
        return self.document.place_of(path)


def is_predecessor_job(file: Path) -> bool:
    """Whether a file has the two keys that every job of dativo-ingest must have."""
    try:
        plain = load_yaml(file, []).plain()
    except ProblemsError:
        return False
    return isinstance(plain, dict) and "tenant_id" in plain and "source_connector_path" in plain


def migrate_predecessor(file: Path, to: Path, migration: Migration, *, schema: str, states: bool) -> None:
    """Adds to a migration what one job file becomes.

    Args:
        file: the job file.
        to: directory for the new files.
        migration: takes files, states and notes.
        schema: where editors find the JSON Schema, from `to`.
        states: whether its state file is taken over.
    """
    old = _read(file, migration)
    tenant = str(old.plain["tenant_id"])
    if not re.fullmatch(TENANT, tenant):
        raise ProblemsError(
            [Problem(old.place("tenant_id"), f"{tenant!r} cannot be a tenant: it must {must(TENANT)}")]
        )
    path = to / "jobs" / tenant / f"{old.name}.yaml"
    if path in migration.files:
        message = f"{path} is made of another job already; this one is left out: give its asset another name"
        migration.note(message, Place(file), by_hand=True)
        return
    directory = path.parent
    document: dict[str, Any] = {
        "name": old.name,
        "tenant": tenant,
        **({"description": text} if (text := _purpose(old.asset)) else {}),
        **({"tags": tags} if (tags := _tags(old.asset)) else {}),
        "source": source_of(old, directory, migration),
        "target": target_of(old, migration),
        **_retries(old),
    }
    head = SCHEMA_LINE.format(f"../../{schema}")
    migration.files[path] = yaml_text(document, head=head)
    if not (to / "dativo.yaml").exists():
        migration.files[to / "dativo.yaml"] = yaml_text({"version": 1, "jobs": [JOBS_PATTERN]})
    _keep_asset(old, to, migration)
    for key in sorted(set(old.plain) - _SILENT):
        known = "has no counterpart yet" if key in JOB_KEYS else "is not known"
        migration.note(
            f"{key!r} {known} and is not carried over", old.document.key_places.get(key), by_hand=True
        )
    if states:
        _state(old, path, f"{tenant}/{old.name}", migration)


def _read(file: Path, migration: Migration) -> OldJob:
    problems: list[Problem] = []
    document = load_yaml(file, problems)
    plain = document.plain()
    for problem in problems:
        migration.note(problem.message, problem.place, by_hand=True)
    source = deep_merged(_named(document, "source_connector_path", migration), plain.get("source") or {})
    target = deep_merged(_named(document, "target_connector_path", migration), plain.get("target") or {})
    asset = _named(document, "asset_path", migration)
    # The older form of an asset keeps everything below `asset`.
    if isinstance(asset.get("asset"), dict):
        asset = {**asset["asset"], **{key: value for key, value in asset.items() if key != "asset"}}
    return OldJob(file, document, plain, source, target, asset)


def _named(document: Located, key: str, migration: Migration) -> dict[str, Any]:
    """The YAML file that a key names; such paths often start where the container had them (`/app/…`)."""
    written = document.plain().get(key)
    place = document.place_of([key])
    if not isinstance(written, str):
        migration.note(f"{key!r} is missing", place, by_hand=True)
        return {}
    expanded = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", written)
    found = find_upwards(document.place.file, expanded)
    if found is None:
        migration.note(
            f"{key}: there is no {written} (looked upwards from the job file)", place, by_hand=True
        )
        return {}
    plain = load_yaml(found, []).plain()
    return plain if isinstance(plain, dict) else {}


def _purpose(asset: Mapping[str, Any]) -> str | None:
    description = asset.get("description")
    found = description.get("purpose") if isinstance(description, dict) else description
    return str(found) if found else None


def _tags(asset: Mapping[str, Any]) -> list[str]:
    tags = asset.get("tags")
    return [str(tag) for tag in tags if re.fullmatch(NAME, str(tag))] if isinstance(tags, list) else []


def _retries(old: OldJob) -> dict[str, Any]:
    """`max_retries` counts tries after the first; `retry_delay_seconds` is an older name."""
    config = old.plain.get("retry_config")
    if not isinstance(config, dict):
        return {}
    retries: dict[str, Any] = {"attempts": int(config.get("max_retries", 3)) + 1}
    delay = config.get("initial_delay_seconds", config.get("retry_delay_seconds"))
    others = {
        "delay": delay,
        "max_delay": config.get("max_delay_seconds"),
        "factor": config.get("backoff_multiplier"),
    }
    retries.update({name: value for name, value in others.items() if value is not None})
    return {"retries": retries}


def _keep_asset(old: OldJob, to: Path, migration: Migration) -> None:
    """The contract is kept as it is: nothing reads it yet, and nothing of it may be lost."""
    if not old.asset:
        return
    path = to / "assets" / f"{old.name}.yaml"
    migration.files[path] = yaml_text(converted(dict(old.asset), {}))
    migration.note(
        f"the contract is kept in {path}; schema, quality and governance of it are not enforced yet"
    )


def _state(old: OldJob, path: Path, job: str, migration: Migration) -> None:
    incremental = old.source.get("incremental")
    written = incremental.get("state_path") if isinstance(incremental, dict) else None
    kind = old.source.get("type")
    first = _first_object(old.source)
    tenant = old.plain["tenant_id"]
    written = written or f".local/state/{tenant}/{kind}.{first}.state.json"
    found = find_upwards(old.file, str(written))
    if found is None:
        migration.note(f"{job}: there is no state file {written}: the job starts from nothing")
        return
    try:
        state = json.loads(found.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        state = None
    if not isinstance(state, dict):
        migration.note(f"{found} is no JSON object: the job starts from nothing", by_hand=True)
        return
    streams = {_object(each): stream_of(each) for each in old.source.get("tables") or ()}
    bookmarks, left = _bookmarks(state, streams)
    for name in left:
        migration.note(f"{found}: {name!r} is of no use to a Singer tap: that file is read again")
    if bookmarks:
        text = json.dumps({"bookmarks": bookmarks}, ensure_ascii=False)
        migration.states.append(NewState(path, job, text, str(found)))


def _bookmarks(state: Mapping[str, Any], streams: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """`OBJECT.CURSOR: {last_value}` as bookmarks; names of entries that are something else."""
    bookmarks: dict[str, Any] = {}
    left = []
    for name, entry in state.items():
        table, dot, cursor = name.rpartition(".")
        stream = streams.get(table, table)
        if dot and isinstance(entry, dict) and entry.get("last_value") is not None:
            bookmarks[stream] = {"replication_key": cursor, "replication_key_value": entry["last_value"]}
        else:
            left.append(name)
    return bookmarks, left


def _first_object(source: Mapping[str, Any]) -> str:
    for key in ("tables", "files", "objects"):
        for each in source.get(key) or ():
            return _object(each)
    return "default"


def _object(each: Any) -> str:
    return str(each.get("object") or each.get("name")) if isinstance(each, dict) else str(each)
