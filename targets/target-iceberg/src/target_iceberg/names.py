"""Which table a stream goes to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from target_parquet.errors import LayoutError
from target_parquet.names import SIDE_STREAMS

if TYPE_CHECKING:
    from target_iceberg.settings import Settings

_OTHER = re.compile(r"[^a-z0-9_]+")
_PART = re.compile(r"[^\x00-\x1f\x7f/\\.]+")

Identifier = tuple[str, ...]


def table_name(stream: str) -> str:
    """Name the table of a stream: small letters, digits and `_`, which every catalog and engine takes.

    Raises:
        LayoutError: nothing is left of the name.
    """
    name = _OTHER.sub("_", stream.lower()).strip("_")
    if not name:
        raise LayoutError(
            f"stream {stream!r} has no letter or digit to name a table after",
            instruction="Name its table with the setting table_names.",
        )
    return name


class TableNames:
    """Gives each stream of a run its table, and makes sure that no two share one."""

    def __init__(self, settings: Settings) -> None:
        self._namespace = tuple(settings.namespace.split("."))
        self._given = settings.table_names
        self._streams: dict[Identifier, str] = {}
        for part in (
            *self._namespace,
            *(name for names in self._given.values() for name in names.split(".")),
        ):
            _check(part)

    def of(self, stream: str) -> Identifier:
        """The identifier of a stream's table; a name with dots in `table_names` brings its own namespace.

        Raises:
            LayoutError: another stream has that table, or the stream cannot have any.
        """
        if stream in SIDE_STREAMS:
            raise LayoutError(
                f"stream {stream!r} has a name that the target keeps for invalid records",
                instruction="Rename it with a stream map.",
            )
        *namespace, name = (self._given.get(stream) or table_name(stream)).split(".")
        identifier = (*(namespace or self._namespace), name)
        place = tuple(part.casefold() for part in identifier)
        owner = self._streams.setdefault(place, stream)
        if owner != stream:
            raise LayoutError(
                f"streams {owner!r} and {stream!r} would share the table {'.'.join(identifier)}",
                instruction="Give one of them another table with the setting table_names.",
            )
        return identifier


def _check(part: str) -> None:
    if not _PART.fullmatch(part):
        raise LayoutError(
            f"{part!r} cannot be a level of a namespace or a table's name",
            instruction="Leave out slashes, control characters and empty levels.",
        )
