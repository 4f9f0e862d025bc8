"""Bookmarks of INCREMENTAL streams: ours, MeltanoLabs' and PipelineWise's.

All three keep `replication_key` and `replication_key_value`. The SDK adds `progress_markers`,
`starting_replication_value` and `replication_key_signpost`, PipelineWise `last_replication_method` and
`version`. What is not ours survives, so that the other tap can read on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_protocol.errors import ConfigError
from dativo_protocol.state import Bookmark, is_less

if TYPE_CHECKING:
    from collections.abc import Mapping

REPLICATION_KEY = "replication_key"
REPLICATION_KEY_VALUE = "replication_key_value"
LSN_KEY = "_sdc_lsn"
"""Replication key of LOG_BASED streams, as MeltanoLabs' tap has it; its value is an integer."""

_METHOD = "last_replication_method"
_INCREMENTAL = "INCREMENTAL"
_OF_PIPELINEWISE = ("lsn", "xmin")
"""How far it has read a log, and a whole table when it was interrupted."""
_OF_OTHER_METHODS = ("snapshot", *_OF_PIPELINEWISE)


def key_bookmark(found: Bookmark, key: str, *, stream_id: str) -> Bookmark:
    """Return what a bookmark says of reading by a replication key, and what it says to others.

    Args:
        found: in the STATE.
        key: now in use; a value of another key does not count.
        stream_id: for the error.

    Raises:
        ConfigError: the value is none that a key can have.
    """
    values = {name: value for name, value in found.values.items() if name not in _OF_OTHER_METHODS}
    is_ours = values.get(_METHOD) in (None, _INCREMENTAL)
    value = found.replication_key_value if is_ours and found.replication_key == key else None
    if isinstance(value, bool) or not isinstance(value, int | float | str | None):
        raise ConfigError(
            f"the state cannot be used: the value of bookmarks.{stream_id} is neither number nor text",
            instruction="Pass the last STATE that the target printed, or none to start over.",
        )
    if _METHOD in values:
        values[_METHOD] = _INCREMENTAL
    return _without_progress(values, key, value)


def table_bookmark(found: Bookmark, *, is_logged: bool) -> dict[str, Any]:
    """Return what of a bookmark stays there while a whole table is read.

    Args:
        found: in the STATE.
        is_logged: the table's changes are read from the log afterwards, from where this reading says.
    """
    gone = (*_OF_PIPELINEWISE, *((REPLICATION_KEY, REPLICATION_KEY_VALUE) if is_logged else ()))
    values = {name: value for name, value in found.values.items() if name not in gone}
    if _METHOD in values:
        values[_METHOD] = "LOG_BASED" if is_logged else "FULL_TABLE"
    return values


def advanced(bookmark: Bookmark, key: str, value: Any, *, may_step_back: bool) -> Bookmark:
    """Return the bookmark after rows up to `value`.

    Args:
        bookmark: of `key_bookmark`.
        key: now in use.
        value: of the last row.
        may_step_back: rows from before the bookmark are read again: they do not take it back.
    """
    before = bookmark.replication_key_value
    if may_step_back and before is not None and is_less(value, before):
        return bookmark
    return _without_progress(bookmark.values, key, value)


def _without_progress(values: Mapping[str, Any], key: str, value: Any) -> Bookmark:
    """Return a bookmark at a value; what an unsorted reading of the SDK had seen is no place to start."""
    kept = Bookmark(dict(values)).started(key).values
    names = (REPLICATION_KEY, REPLICATION_KEY_VALUE, "starting_replication_value")
    rest = {name: each for name, each in kept.items() if name not in names}
    return Bookmark(rest if value is None else {**rest, REPLICATION_KEY: key, REPLICATION_KEY_VALUE: value})
