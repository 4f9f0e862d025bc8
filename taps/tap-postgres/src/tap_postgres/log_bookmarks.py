"""Bookmarks of LOG_BASED streams: ours, MeltanoLabs' and PipelineWise's.

    {"replication_key": "_sdc_lsn", "replication_key_value": 453775960, "version": 1795447219472,
     "slot": "tappostgres", "system": "7711381819046282886", "published": 16432}

The value is the end of the last transaction that was written, as MeltanoLabs' tap has it; PipelineWise's
`lsn` counts if its snapshot was finished. While the table is still being read for the first time there is no
value but `snapshot`, whose `lsn` is where the changes begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dativo_protocol.errors import ConfigError
from dativo_protocol.state import Bookmark

from tap_postgres.bookmarks import LSN_KEY, REPLICATION_KEY, REPLICATION_KEY_VALUE

_METHOD = "last_replication_method"
_LOG_BASED = "LOG_BASED"
_SNAPSHOT = "snapshot"
_OURS = (REPLICATION_KEY, REPLICATION_KEY_VALUE, "slot", "system", "published", "version")
_STALE = (
    _SNAPSHOT,
    "lsn",
    "xmin",
    "progress_markers",
    "starting_replication_value",
    "replication_key_signpost",
)


@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far the changes of a stream were read.

    Attributes:
        lsn: changes committed before are not needed.
        is_loaded: False while the table's reading is not finished.
        system: of the server, if it is known.
        version: of the table, if its records have one.
        published: number of the table's membership in the publication, if it is known.
    """

    lsn: int
    is_loaded: bool
    system: str | None = None
    version: int | None = None
    published: int | None = None


@dataclass(frozen=True, slots=True)
class LogSource:
    """Where the changes of a stream come from, as bookmarks tell it.

    Attributes:
        slot: name.
        system: identifier of the server.
        published: number of the table's membership in the publication.
    """

    slot: str
    system: str
    published: int

    def to_dict(self) -> dict[str, Any]:
        """Make it part of a bookmark."""
        return {"slot": self.slot, "system": self.system, "published": self.published}


def log_position(found: Bookmark, *, stream_id: str) -> LogPosition | None:
    """Return what a bookmark says of reading changes, None if nothing.

    Raises:
        ConfigError: what it says cannot be.
    """
    values = found.values
    if values.get(_METHOD) not in (None, _LOG_BASED):
        return None
    lsn, is_loaded = _loaded_lsn(found), True
    if lsn is None:
        snapshot = values.get(_SNAPSHOT)
        lsn, is_loaded = (snapshot.get("lsn") if isinstance(snapshot, dict) else None), False
    if lsn is None:
        return None
    if isinstance(lsn, bool) or not isinstance(lsn, int) or lsn < 0:
        raise ConfigError(
            f"the state cannot be used: the position of bookmarks.{stream_id} is no number",
            instruction="Pass the last STATE that the target printed, or none to start over.",
        )
    system = values.get("system")
    version, published = (_integer(values.get(name)) for name in ("version", "published"))
    return LogPosition(lsn, is_loaded, None if system is None else str(system), version, published)


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _loaded_lsn(found: Bookmark) -> Any:
    if found.replication_key == LSN_KEY:
        return found.replication_key_value
    # PipelineWise's: with an xmin its reading of the whole table was cut off.
    return found.values.get("lsn") if found.values.get("xmin") is None else None


def reached(found: Bookmark, lsn: int, source: LogSource, version: int | None) -> Bookmark:
    """Return the bookmark after all changes committed before `lsn`.

    Args:
        found: the bookmark so far; what is not ours survives.
        lsn: end of a transaction.
        source: of the changes.
        version: of the table, if its records have one.
    """
    mine: dict[str, Any] = {REPLICATION_KEY: LSN_KEY, REPLICATION_KEY_VALUE: lsn}
    versions = {} if version is None else {"version": version}
    return Bookmark({**forgotten(found).values, **mine, **versions, **source.to_dict()})


def forgotten(found: Bookmark) -> Bookmark:
    """Return the bookmark without what it says of reading changes; what is not ours survives."""
    kept = {name: value for name, value in found.values.items() if name not in (*_STALE, *_OURS)}
    if _METHOD in kept:
        kept[_METHOD] = _LOG_BASED
    return Bookmark(kept)
