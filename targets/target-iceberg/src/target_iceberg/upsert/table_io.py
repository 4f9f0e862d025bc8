"""Files of a table as pyarrow has them, for what pyiceberg hands out is narrower by its type than it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import Table


def table_input(table: Table, location: str) -> pa.NativeFile:
    """Open a file of a table for reading.

    Raises:
        OSError: it is missing or refused.
    """
    return cast("pa.NativeFile", table.io.new_input(location).open())


def table_output(table: Table, location: str) -> pa.NativeFile:
    """Begin a new file of a table.

    Raises:
        OSError: it is refused.
    """
    return cast("pa.NativeFile", table.io.new_output(location).create())
