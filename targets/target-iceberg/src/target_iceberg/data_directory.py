"""Where the data files of a table go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_parquet.destination import LocalPlace, parse_place
from target_parquet.errors import LayoutError

if TYPE_CHECKING:
    from target_iceberg.names import Identifier


def data_directory(warehouse: str, location: str, identifier: Identifier) -> str:
    """The directory for the data files of a table at that location, relative to the warehouse.

    Raises:
        LayoutError: the table is somewhere else.
    """
    above, place = parse_place(warehouse), parse_place(location)
    inside = None
    if isinstance(above, LocalPlace) and isinstance(place, LocalPlace):
        if place.path.is_relative_to(above.path):
            inside = place.path.relative_to(above.path).as_posix()
    elif not isinstance(above, LocalPlace) and not isinstance(place, LocalPlace):
        prefix = f"{above.key}/" if above.key else ""
        if place.bucket == above.bucket and place.key.startswith(prefix):
            inside = place.key.removeprefix(prefix)
    if inside is None:
        raise LayoutError(
            f"table {'.'.join(identifier)} is at {location}, not below the warehouse",
            instruction="Set warehouse to the place that the catalog puts its tables below.",
        )
    return f"{inside}/data"
